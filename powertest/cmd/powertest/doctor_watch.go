package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// enoughTicks tell the refresh period and its jitter.
	enoughTicks = 25
	// A watch without -for takes between these.
	shortWatch = 5 * time.Second
	longWatch  = 2 * time.Minute
	// stallTime is how long a call may take before the source counts as stalled.
	stallTime = 2 * time.Second
	// maxCalls bounds how many latencies are kept of a device.
	maxCalls = 100_000
)

// A watch is what was seen of a source. Unlike a recorder, which aims at the
// ticks that matter to it, it reads so often that it sees all of them.
type watch struct {
	src    energy.Source
	info   energy.Info
	sights []*sight
	// every is how often a live source is read, and reads how often it was.
	every time.Duration
	reads int
	base  time.Time
	began time.Time
	took  time.Duration
	// stalled says that a call did not come back, and ended that the watch was
	// ended before its time.
	stalled, ended bool
	batch          []energy.Reading
	// past is the recording of a source that knows the past; nil for others.
	past *energy.Replay
	// trouble is what kept the past from being known.
	trouble []energy.Finding
}

// A sight is what was seen of one device.
type sight struct {
	device energy.Device
	curve  *energy.Curve // nil if the source knows the past
	base   time.Time     // that of the watch
	ticks  []sighted
	last   energy.Reading // the newest good one
	seen   bool
	calls  []time.Duration
	resets int
	// failure is the error of the newest reading and failed when that was, failures
	// is how many had one, and read how many had none.
	failure  error
	failed   time.Time
	failures int
	read     int
	// age is how old the newest sample was, of a source that knows the past.
	age *time.Duration
}

// sighted is a change of a value: after lo and not after hi, in ns since the
// base of the watch, from when on it was value (joules, or watts). broken says
// that it follows a reset.
type sighted struct {
	lo, hi, value float64
	broken        bool
}

func (t sighted) mid() float64 { return (t.lo + t.hi) / 2 }

func newWatch(src energy.Source) *watch {
	w := &watch{src: src, info: src.Info(), base: time.Now()}
	w.every = longWatch
	for i, d := range src.Devices() {
		period := nominal(w.info, d)
		w.every = min(w.every, max(w.info.Poll, min(max(period/100, time.Millisecond), 20*time.Millisecond)))
		s := &sight{device: d, base: w.base}
		if w.info.Poll > 0 {
			// So seldom read, it is measured as a scraped counter is.
			s.curve = energy.NewHistory(d, w.base, period).Curve()
		} else {
			s.curve = energy.NewCurve(d, w.base, period)
		}
		w.sights = append(w.sights, s)
		w.batch = append(w.batch, energy.Reading{Device: i})
	}
	return w
}

// nominal is the refresh period that a device is said to have.
func nominal(info energy.Info, d energy.Device) time.Duration {
	switch {
	case d.Period > 0:
		return d.Period
	case info.Period > 0:
		return info.Period
	}
	return 100 * time.Millisecond
}

// look watches: for a time, or until enough was seen if that is 0.
func (w *watch) look(ctx context.Context, d time.Duration) {
	w.began = time.Now()
	if d > 0 {
		w.lookFor(ctx, d)
	} else if w.lookFor(ctx, shortWatch) {
		longest := shortWatch
		for _, s := range w.sights {
			longest = max(longest, min(30*nominal(w.info, s.device), longWatch))
		}
		for !w.enough() && time.Since(w.began) < longest {
			if !w.lookFor(ctx, min(shortWatch, longest-time.Since(w.began))) {
				break
			}
		}
	}
	w.took = time.Since(w.began)
	w.ended = ctx.Err() != nil
}

func (w *watch) enough() bool {
	for _, s := range w.sights {
		if len(s.ticks) < enoughTicks {
			return false
		}
	}
	return true
}

// lookFor reads for a time. It reports false if it ended before, because ctx did
// or because the source does not answer.
func (w *watch) lookFor(ctx context.Context, d time.Duration) bool {
	end := time.Now().Add(d)
	for {
		now := time.Now()
		if !now.Before(end) {
			return true
		}
		if w.stalled || !w.read() {
			return false
		}
		// A slow source is left alone for as long as it was asked.
		took := time.Since(now)
		if !pause(ctx, min(max(w.every-took, min(took, w.every)), time.Until(end))) {
			return false
		}
	}
}

// pause sleeps, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// read reads all devices once. A call that hangs is given up, and so is the
// source.
func (w *watch) read() bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.src.Read(w.batch)
	}()
	timer := time.NewTimer(stallTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		w.stalled = true
		return false
	}
	w.reads++
	for i := range w.batch {
		w.sights[i].add(w.batch[i])
	}
	return true
}

// add takes in a reading.
func (s *sight) add(r energy.Reading) {
	if s.curve != nil {
		s.curve.Add(r)
	}
	value, ok := valueOf(s.device, r)
	if s.failure = r.Err; r.Err == nil && !ok {
		s.failure = errNoValue
	}
	if s.failure != nil {
		s.failed = r.After
		s.failures++
		return
	}
	if len(s.calls) < maxCalls {
		s.calls = append(s.calls, r.After.Sub(r.Before))
	}
	s.read++
	if s.seen {
		before, _ := valueOf(s.device, s.last)
		fell := s.device.Method == energy.Counter && value < before
		if fell {
			s.resets++
		}
		if value != before {
			s.ticks = append(s.ticks, sighted{lo: float64(s.last.Before.Sub(s.base)), hi: float64(r.After.Sub(s.base)), value: value, broken: fell})
		}
	}
	s.last, s.seen = r, true
}

var errNoValue = errors.New("the reading has no value")

// valueOf is what a device's reading says: joules of a counter, watts of a gauge.
func valueOf(d energy.Device, r energy.Reading) (value float64, ok bool) {
	value, ok = r.Joules, r.HasJoules
	if d.Method == energy.Gauge {
		value, ok = r.Watts, r.HasWatts
	}
	return value, ok && value >= 0 && !math.IsInf(value, 0)
}

// measure measures a span, with what was seen.
func (w *watch) measure(span energy.Span) energy.Measurement {
	if w.past != nil {
		return energy.MeasurePast(context.Background(), w.past, span)
	}
	curves := make([]*energy.Curve, len(w.sights))
	for i, s := range w.sights {
		curves[i] = s.curve
	}
	return energy.MeasureCurves(w.info, curves, []energy.Span{span})
}

// at is a time in ns since the base.
func (w *watch) at(ns float64) time.Time { return w.base.Add(time.Duration(ns)) }
