package powertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// Meter measures loads that other code makes: a load generator, a server's own
// benchmark, a soak test. It reads the source all the time from [NewMeter] to
// [Meter.Close], at most 20 times a second between the edges of windows, so that a
// window can begin at once, and the power before it is known. All methods may be called
// from any goroutine.
//
// A nil Meter measures nothing: its windows count work and report that.
type Meter struct {
	config config
	env    environment
	ins    *instrument    // nil if nothing is measured
	server *tokens.Source // nil unless servers count

	mu      sync.Mutex
	warm    *energy.Window // keeps the recorder reading
	windows map[*Window]bool
	closed  bool
}

// NewMeter opens the source that the options or POWERTEST_SOURCE name, as [Wrap]
// does, and waits until it has ticked, for two or three of its refresh periods or
// until ctx ends. With POWERTEST_SOURCE=off the meter measures nothing.
//
// The error says what is missing; test it with errors.Is for
// [energy.ErrNoDevice], [errors.ErrUnsupported], [io/fs.ErrPermission],
// [io/fs.ErrNotExist] or [energy.ErrMalformed]. To go on without a measurement of
// energy, use a nil Meter. ctx is for opening only.
//
// What does not keep it from measuring, such as a GPU that reports nothing and so is left
// out, is logged by [log/slog], once in the process.
func NewMeter(ctx context.Context, opts ...Option) (*Meter, error) {
	m := &Meter{config: newConfig(opts), windows: map[*Window]bool{}}
	m.config.load = true
	for _, text := range m.config.mistakes() {
		line := callerLine(0)
		process.warn("mistake "+line+text, "%s: %s", line, text)
	}
	var err error
	if m.env, err = readEnvironment(); err != nil {
		return nil, fmt.Errorf("powertest: %w", err)
	}
	if m.server, err = process.servers.open(m.config, m.env); err != nil {
		return nil, fmt.Errorf("powertest: %w", err)
	}
	if m.ins, err = openWithin(ctx, m.config, m.env); err != nil {
		return nil, fmt.Errorf("powertest: %sno energy measurement: %w%s", m.env.named(), err, m.env.instead(err, energy.Registered()))
	}
	if m.ins == nil {
		return m, nil
	}
	if err := leavesOut(m.ins); err != nil {
		process.warn("left out "+m.ins.name(), "%v", err)
	}
	if err := m.ins.unused; err != nil {
		process.warn("profile "+err.Error(), "the joules are not calibrated: %v", err)
	}
	m.warm = m.ins.recorder.KeepWarm()
	// A source that does not tick is found out when a window is measured.
	_ = m.warm.WaitTicks(ctx, waitTicks)
	if err := ctx.Err(); err != nil {
		m.warm.Cancel()
		return nil, fmt.Errorf("powertest: waiting for the source %q to tick: %w", m.ins.name(), err)
	}
	return m, nil
}

// Source returns the name of the source that is measured: that of reports. It is
// empty if none is.
func (m *Meter) Source() string {
	if m == nil || m.ins == nil {
		return ""
	}
	return m.ins.name()
}

// FallbackReason is why the option [Fallback] is in use: what keeps the default source
// from being measured. It is nil if it is not in use.
func (m *Meter) FallbackReason() error {
	if m == nil || m.ins == nil {
		return nil
	}
	return m.ins.fallbackReason
}

// Start begins a window now. The name becomes that of the benchmark record, such
// as "BenchmarkServe/conc=64": parts after a slash are what runs can be compared
// by. Windows may overlap and nest. End one with [Window.Stop]. With the option [Net] it
// waits first until the power has settled.
func (m *Meter) Start(name string, opts ...WindowOption) *Window {
	if m == nil {
		m = &Meter{config: config{load: true}}
	}
	w := &Window{meter: m, name: name, opened: callerLine(0), closedBefore: "stopped"}
	for _, o := range opts {
		o(w)
	}
	if m.ins != nil {
		m.open(w)
		if window := w.line.window; m.config.net && window != nil && w.steady == nil {
			// Where it is not idle the report says so.
			_ = window.WaitIdle(context.Background(), name)
		}
	}
	if m.server != nil {
		w.serving = &serving{source: m.server, follow: w.everyTick || w.steady != nil}
		w.serving.begin(context.Background())
	}
	if m.ins != nil {
		w.line.resume()
	}
	w.begin = time.Now()
	return w
}

// open gives a window its instrument, unless the meter is closed.
func (m *Meter) open(w *Window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		w.closedBefore = "started"
		process.warn("mistake "+w.opened, "%s: the window %q was started after Close of its meter: it has no energy measurement", w.opened, w.name)
		w.line.cancel()
		return
	}
	m.windows[w] = true
	trace := m.env.trace != ""
	w.line.open(m.ins, trace)
	if w.everyTick || w.steady != nil || trace {
		w.line.window.EveryTick()
	}
}

// take takes a window over from the meter, for it to be measured, and reports
// whether it is still the meter's.
func (m *Meter) take(w *Window) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := m.windows[w]
	delete(m.windows, w)
	return open
}

// openWithin opens the instrument, and waits for that no longer than ctx allows.
// What could not be opened before is tried again.
func openWithin(ctx context.Context, c config, e environment) (*instrument, error) {
	type result struct {
		ins *instrument
		err error
	}
	opened := make(chan result, 1)
	go func() {
		process.instruments.retry()
		ins, err := openInstrument(c, e)
		opened <- result{ins, err}
	}()
	select {
	case r := <-opened:
		return r.ins, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the source did not open in time: %w", ctx.Err())
	}
}

// ErrClosed means that a window's meter was closed before it was stopped.
var ErrClosed = errors.New("the meter was closed")

// Close stops reading. A window for which Stop was not called before has no energy
// measurement, and its Stop returns an error that wraps [ErrClosed]. What was reported stays. The
// source of the option [From] stays the caller's to close.
func (m *Meter) Close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for w := range m.windows {
		process.warn("mistake "+w.opened, "%s: the window %q was not stopped before Close of its meter: it has no energy measurement", w.opened, w.name)
		w.line.cancel()
	}
	clear(m.windows)
	if m.warm != nil {
		m.warm.Cancel()
	}
	return nil
}
