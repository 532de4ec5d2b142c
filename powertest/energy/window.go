package energy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Window is what is being measured: one or more spans of time on a recorder.
// Windows of one recorder may overlap and nest. A window ends with Measure or
// Cancel. All methods may be called from any goroutine.
type Window struct {
	rec       *Recorder
	opened    int64
	keepsWarm bool
	before    []State
	step      time.Duration // of the wall clock, where SetSpans joined times of it
	parent    *Window       // of which this is a part

	// The recorder's mu guards what follows.
	spans     []span
	apart     []span // that [Window.Cut] has cut off
	open      bool   // the last span has no end yet
	done      bool
	stalled   []bool // of each lane, whether it hung when it was waited for
	records   bool
	everyTick bool
	parts     []*Window
	shared    *Measurement // by the window that this is a part of
	idle      idling

	once      sync.Once
	result    Measurement
	recording Recording
	beside    []Finding // of the result, which are not by the readings
}

// Sub opens another window of the same recorder for a part of this one. Unlike
// [Recorder.Open] it does not ask for the state of the devices, which could
// take milliseconds of the time that is being measured.
//
// Measure the whole first: it measures the parts that have ended, and lie within it, as
// well, so that their energies add up to its own where their times do, and Measure of the
// part returns what it got. A part that is measured before is measured by itself.
func (w *Window) Sub() *Window {
	p := &Window{rec: w.rec, spans: make([]span, 0, 16), parent: w}
	w.rec.interest(p)
	root := w.root()
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	root.parts = append(root.parts, p)
	return p
}

// Cancel releases the window without measuring it.
func (w *Window) Cancel() {
	w.once.Do(func() {
		w.rec.mu.Lock()
		defer w.rec.mu.Unlock()
		w.pause(w.rec.now())
		w.done = true
		w.rec.release(w)
	})
}

// Measure closes the window, waits until the counters have ticked often enough
// after its end (at most three refresh periods, or until ctx ends), measures
// it and releases it. Further calls return the same measurement; after Cancel
// it is empty.
func (w *Window) Measure(ctx context.Context) Measurement {
	w.once.Do(func() {
		r := w.rec
		r.mu.Lock()
		w.pause(r.now())
		w.done = true
		ended := r.now()
		if w.shared != nil {
			w.result = *w.shared
			if w.records {
				w.keep(r.clones(w.from()))
			}
			r.release(w)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		list, parts, curves := w.measureFamily(ctx, ended)
		w.result = list[0]
		w.joined()
		w.keep(curves)
		r.mu.Lock()
		for i, p := range parts {
			p.shared = &list[1+i]
		}
		r.mu.Unlock()
	})
	return w.result
}

// measureFamily waits for what comes after the window, and measures it and its parts.
func (w *Window) measureFamily(ctx context.Context, ended int64) ([]Measurement, []*Window, []*curve) {
	r := w.rec
	if h, remembers := r.src.(HistorySource); remembers {
		r.calls.Add(1)
		r.mu.Lock()
		f, parts := w.family()
		r.release(w)
		r.mu.Unlock()
		list, curves := r.readPast(ctx, h, r.base, f, w)
		return list, parts, curves
	}
	w.settle(ctx)
	var after []State
	if w.before != nil {
		after = r.Inspect(ctx)
	}
	r.mu.Lock()
	curves := r.clones(w.from())
	f, parts := w.family()
	stalled := w.stalled
	r.release(w)
	r.mu.Unlock()
	waited := time.Duration(r.now() - ended)
	// Measuring takes milliseconds, and other windows go on meanwhile.
	list := measure(r.info, curves, r.base, f)
	w.reportIdle(&list[0])
	r.mu.Lock()
	r.learn(curves)
	r.mu.Unlock()
	for i := range list {
		list[i].LeftOut = r.leftOut
		found := w.complete(&list[i], after, stalled)
		list[i].total()
		found = append(found, r.addNoticed(&list[i])...)
		if i == 0 {
			w.beside = found
		}
	}
	list[0].Waited = waited
	return list, parts, curves
}

// joined adds a finding if times were joined to a clock that was set.
func (w *Window) joined() {
	if w.step != 0 {
		w.result.Add(Finding{Reason: ClockStep, Detail: fmt.Sprintf("the clock was set by %v since readings began: times by the wall clock can't be joined to them", w.step.Round(time.Millisecond))})
	}
}

// from returns when what the window needs to know begins.
func (w *Window) from() int64 {
	if len(w.spans) == 0 {
		return w.opened
	}
	return min(w.opened, w.spans[0].start)
}

// complete adds to a measurement what is known beside the curves, and returns it.
func (w *Window) complete(m *Measurement, after []State, stalled []bool) (found []Finding) {
	for i := range m.Devices {
		d := &m.Devices[i]
		before := len(d.Reasons)
		if stalled != nil && stalled[w.rec.lane[i]] && !d.Has(SourceStalled) {
			d.withhold(SourceStalled, "a call to the source did not come back")
		}
		if w.before != nil && after != nil && !w.before[i].At.IsZero() && !after[i].At.IsZero() {
			d.compare(w.before[i], after[i])
		}
		found = append(found, d.Reasons[before:]...)
	}
	return found
}

// Record makes the window keep what the source reports, for Recording. Call it before
// Measure.
func (w *Window) Record() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	w.records = true
}

func (w *Window) keep(curves []*curve) {
	if w.records {
		w.recording = record(w.rec.info, w.rec.base, curves)
		for _, a := range w.root().apart {
			w.recording.Apart = append(w.recording.Apart, [2]int64{a.start, a.end})
		}
		w.recording.Findings, w.recording.LeftOut = w.root().beside, w.rec.leftOut
	}
}

// Recording returns what the source reported around the window, after Measure and if
// Record was called before. The times of a source that knows the past are joined
// to this machine's clock as far as the source does so.
func (w *Window) Recording() Recording { return w.recording }

// ErrNoTicks says that a device did not show the ticks that were waited for.
var ErrNoTicks = errors.New("no ticks seen")

// WaitTicks waits until every device has shown the given number of ticks before
// now, and returns just after a tick: a window that begins then has a known
// power before it and an edge that lies at a tick. Ticks of an earlier window
// count if nothing was missed since. If a device does not tick within a
// bounded time the error wraps [ErrNoTicks]; the window can be used all the
// same. One that was dead before is not waited for unless it answers. A source that
// knows the past is not waited for.
func (w *Window) WaitTicks(ctx context.Context, ticks int) error {
	r := w.rec
	r.mu.Lock()
	limit := w.opened
	for _, c := range r.curves {
		limit = max(limit, w.opened+int64(float64(ticks+1)*c.awaited())+c.reach())
	}
	seen := make([]int, len(r.curves))
	for i, c := range r.curves {
		seen[i] = len(c.ticks)
		c.pace.Watch(ticks)
		if w.keepsWarm {
			// What goes on for long is worth learning well at once: passing over
			// ticks from the start it would take many reads of each.
			c.pace.Watch(pace.Learning)
		}
	}
	r.mu.Unlock()
	var dead error
	ok := w.wait(ctx, limit, func() bool {
		dead = nil
		for i, c := range r.curves {
			if why := r.gone(i, w.opened); why != nil {
				dead = why
				continue
			}
			if c.device.Method == Gauge {
				if c.power.Seen() < w.opened+c.reach() {
					return false
				}
				continue
			}
			// The last tick must be a fresh one: the caller goes on from it.
			if len(c.ticks) <= seen[i] || c.steady(w.opened) < ticks {
				return false
			}
		}
		return true
	})
	switch {
	case ok && dead != nil:
		return fmt.Errorf("%w: %w", ErrNoTicks, dead)
	case ok:
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for ticks before the window: %w", err)
	}
	return fmt.Errorf("%w within %v", ErrNoTicks, time.Duration(limit-w.opened).Round(time.Millisecond))
}

// gone returns why a device is not worth waiting for: it is dead, or its source hangs. The
// caller holds mu.
func (r *Recorder) gone(device int, since int64) error {
	if r.of(device).read.hung {
		return errHung
	}
	return r.curves[device].dead(since)
}

// hangs notes which lanes hang, and reports whether all do, or have; and whether one goes on
// with a read that it began before limit. The caller holds mu.
func (w *Window) hangs(limit int64) (all, reading bool) {
	lanes := w.rec.lanes
	for k, l := range lanes {
		reading = reading || l.read.goesOn && l.read.began <= limit && !l.read.hung
		if l.read.hung {
			if w.stalled == nil {
				w.stalled = make([]bool, len(lanes))
			}
			w.stalled[k] = true
		}
	}
	return w.stalled != nil && !slices.Contains(w.stalled, false), reading
}

// wait waits until enough holds, the context ends, limit is reached (in ns since
// base), or the source hangs. It reports whether enough holds. enough is called
// with mu held.
func (w *Window) wait(ctx context.Context, limit int64, enough func() bool) bool {
	r := w.rec
	woken := make(chan struct{}, 1)
	r.mu.Lock()
	r.waiters = append(r.waiters, woken)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.waiters = slices.DeleteFunc(r.waiters, func(c chan struct{}) bool { return c == woken })
		r.mu.Unlock()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.mu.Lock()
		ok, now := enough(), r.now()
		hung, reading := w.hangs(limit)
		r.mu.Unlock()
		switch {
		case ok || hung:
			return ok
		case ctx.Err() != nil:
			return false
		case now < limit:
			timer.Reset(time.Duration(limit - now))
		case !reading:
			return false
		}
		// A read that goes on over the limit may show what is waited for, or hang.
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// settle waits for the ticks after the end of the window.
func (w *Window) settle(ctx context.Context) {
	r := w.rec
	r.mu.Lock()
	if len(w.spans) == 0 {
		r.mu.Unlock()
		return
	}
	// What is to come is not waited for.
	end := min(w.spans[len(w.spans)-1].end, r.now())
	closed := end
	for _, a := range w.apart {
		closed = max(closed, a.end)
	}
	limit := closed
	for _, c := range r.curves {
		limit = max(limit, closed+int64(3.2*c.awaited())+c.reach()+c.late())
		if c.beginsLate(w.spans[0].start, end) {
			// The first may turn out to be one that was passed over before the end.
			c.pace.Watch(pace.EdgeTicks + 1)
		}
	}
	r.mu.Unlock()
	w.wait(ctx, limit, func() bool {
		for i, c := range r.curves {
			if !c.settled(w.spans, end) && r.gone(i, end) == nil {
				return false
			}
		}
		return true
	})
}
