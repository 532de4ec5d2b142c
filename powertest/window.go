package powertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Window is a stretch of time in which a load is measured, and the work that was
// done in it. All methods may be called from any goroutine.
type Window struct {
	meter     *Meter
	name      string
	opened    string // the user's line of Start
	stopped   atomic.Bool
	work      counters
	line      timeline
	serving   *serving // nil unless servers count
	steady    *steady  // nil unless asked for
	everyTick bool
	begin     time.Time
	// closedBefore is what had not been done when the meter was closed.
	closedBefore string

	mu       sync.Mutex
	end      time.Time
	spans    []energy.Span // of SetSpans; nil means from Start to End
	problems error         // what was asked for and cannot be

	once   sync.Once
	report Report
	err    error
}

// WindowOption changes what [Meter.Start] begins.
type WindowOption func(*Window)

// EveryTick reads the source around every tick while the window is open, once or twice
// each: for a window whose time [Window.SetSpans] sets afterwards. Where calls are slow
// ticks are passed over all the same: see [energy.Window.EveryTick].
func EveryTick() WindowOption {
	return func(w *Window) { w.everyTick = true }
}

// AddTokens adds prompt (input) and output (completion) tokens. What is added until
// Stop counts, so that numbers which a server reports only when it is done can still
// be added after [Window.End]: add the tokens of the window's time and no others.
// Where an answer is streamed, add them as they come.
func (w *Window) AddTokens(prompt, output int) {
	if !w.work.tokens(prompt, output) || w.stopped.Load() {
		w.mistake("AddTokens(%d, %d)", prompt, output)
	}
}

// AddRequests adds requests that were served.
func (w *Window) AddRequests(n int) {
	if !w.work.requests.add(int64(n)) || w.stopped.Load() {
		w.mistake("AddRequests(%d)", n)
	}
}

// AddOps adds operations, for J/op, where an operation is not a request.
func (w *Window) AddOps(n int) {
	if !w.work.ops.add(int64(n)) || w.stopped.Load() {
		w.mistake("AddOps(%d)", n)
	}
}

// AddLatency adds the latency of a request, for J*s/req, the energy-delay product.
func (w *Window) AddLatency(d time.Duration) {
	w.work.latencies.add(1)
	if !w.work.latency.add(int64(d)) || w.stopped.Load() {
		w.mistake("AddLatency(%v)", d)
	}
}

// Accept counts a request that met its service level objective, and its output
// tokens, which AddTokens counts too, as good ones: for goodput-tokens/J.
func (w *Window) Accept(outputTokens int) {
	w.work.judged.add(1)
	if !w.work.good.add(int64(outputTokens)) || w.stopped.Load() {
		w.mistake("Accept(%d)", outputTokens)
	}
}

// Reject counts a request that missed its service level objective: its tokens,
// which AddTokens counts, are no good ones.
func (w *Window) Reject() {
	w.work.judged.add(1)
	w.work.rejected.add(1)
	if w.stopped.Load() {
		w.mistake("Reject()")
	}
}

// SetConcurrency sets how many users are served at the same time, for J/user. The
// last call counts.
func (w *Window) SetConcurrency(n int) {
	if n < 0 || w.stopped.Load() {
		w.mistake("SetConcurrency(%d)", n)
	}
	w.work.users.Store(int64(n))
}

// Phase begins a phase, such as "prefill" or "decode", and returns the function
// that ends it; see [B.Phase]. On devices that do several things at a time its
// energy is attributed by time: all that they used while a use of the phase was
// under way.
func (w *Window) Phase(name string) (end func()) {
	if w.stopped.Load() {
		w.mistake("Phase(%q)", name)
	}
	end, err := w.line.begin(name)
	if err != nil {
		w.problem(err)
	}
	return end
}

// mistake logs a call of the user's whose numbers cannot be, or that comes too late.
func (w *Window) mistake(format string, args ...any) {
	line, call := callerLine(1), fmt.Sprintf(format, args...)
	if w.stopped.Load() {
		process.warn("mistake "+line, "%s: %s after Stop of the window %q does nothing", line, call, w.name)
		return
	}
	process.warn("mistake "+line, "%s: %s is refused, since a count is not negative and a sum below 2^63: the window %q has no metric by that sum", line, call, w.name)
}

// phaseMistakes logs phases of which no use at all was ended. Requests may be under way when a
// window ends, so a few that are not are none.
func (w *Window) phaseMistakes() {
	for _, p := range w.line.unended() {
		if p.begun > 1 && p.users == p.begun {
			process.warn("mistake "+p.line+p.name, "%s: the phase %q of the window %q was never ended (%s): call what Phase returns%s", p.line, p.name, w.name, p.uses(), w.line.twice())
		}
	}
}

func (w *Window) problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = errors.Join(w.problems, err)
}

// SetSpans sets the time that is measured, instead of that from Start to End: where the
// load generator knows it, as from the records that it writes. Spans are in order
// and do not overlap, and lie between Start and Stop, unless the source knows the
// past. Of phases, what lies within them counts. Start the window with [EveryTick],
// or the interval is wide.
func (w *Window) SetSpans(spans ...energy.Span) {
	if w.stopped.Load() {
		w.mistake("SetSpans")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spans = append([]energy.Span{}, spans...)
}

// End ends the window now, without waiting for the source: the next window can
// begin at once. [Window.Stop] measures it then. Work of the window's time may be
// added until Stop; first tokens after End do not count. What is called after Stop does
// nothing, and is logged.
func (w *Window) End() {
	w.line.pause()
	w.mu.Lock()
	if w.end.IsZero() {
		w.end = time.Now()
	}
	w.mu.Unlock()
	w.serving.end()
	w.steady.end()
}

// done returns the work so far, and the spans of SetSpans, or nil.
func (w *Window) done() (Work, []energy.Span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped.Store(true)
	work := w.work.snapshot()
	if w.spans == nil {
		work.Elapsed = w.end.Sub(w.begin)
	}
	for _, s := range w.spans {
		work.Elapsed += s.End.Sub(s.Start)
	}
	return work, w.spans
}

// Stop ends the window, waits until the source has shown what came after it, for
// at most three of its refresh periods or until ctx ends, and measures. What it
// got is in the report, always: with the reasons, where numbers are withheld.
//
// The error wraps that of ctx if the wait was cut short, names phases that could not
// be measured and a trace that could not be written, and, with POWERTEST_STRICT,
// wraps [ErrWithheld] where there is no energy measurement. Further calls return the
// same.
func (w *Window) Stop(ctx context.Context) (Report, error) {
	w.once.Do(func() {
		w.End()
		w.phaseMistakes()
		w.report = w.measure(ctx)
		w.err = w.complaint(ctx)
	})
	return w.report, w.err
}

// ErrWithheld means that there is no energy measurement, and POWERTEST_STRICT is set.
var ErrWithheld = errors.New("the joules are withheld")

// complaint is what Stop returns beside the report.
func (w *Window) complaint(ctx context.Context) error {
	w.mu.Lock()
	list := []error{w.problems}
	w.mu.Unlock()
	if err := ctx.Err(); err != nil && w.report.Measurement != nil {
		waited := w.report.Measurement.Waited.Round(time.Millisecond)
		list = append(list, fmt.Errorf("measured with what the source had shown %v after the end: %w", waited, err))
	}
	if w.meter.env.strict && w.meter.ins != nil {
		list = append(list, w.report.withheld()...)
	}
	if err := w.report.serverMissing(); err != nil && w.meter.env.strict {
		list = append(list, fmt.Errorf("%w: %w", ErrWithheld, err))
	}
	list = append(list, writeTrace(w.meter.env.trace, w.report))
	if err := errors.Join(list...); err != nil {
		return fmt.Errorf("powertest: window %s: %w", w.name, err)
	}
	return nil
}

// measure makes the report.
func (w *Window) measure(ctx context.Context) Report {
	ours := w.meter.take(w)
	w.line.end()
	defer w.line.cancel()
	c := w.meter.config
	r := Report{Name: w.name}
	var spans []energy.Span
	var found []energy.Finding
	r.Work, spans = w.done()
	if w.steady != nil {
		r.Work, spans, r.Steady, found = w.steady.cut(r.Work)
		c.net = false // what is before a steady state is no idling
	}
	switch {
	case ours:
		if spans != nil {
			w.line.setSpans(spans)
		}
		w.line.measure(ctx, &r, found...)
		if err := w.line.presence.Problem(); err != nil {
			process.warn("presence", "%v", err)
		}
	case w.meter.ins != nil:
		r.Source = w.meter.ins.name()
		w.problem(fmt.Errorf("no energy measurement: %w before the window was %s", ErrClosed, w.closedBefore))
	}
	w.serving.count(ctx, &r, spans)
	r.complete(c)
	return r
}
