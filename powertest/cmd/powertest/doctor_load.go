package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"
)

// A running load can be switched off and on again, and ended.
type running interface {
	// Pause stops the load where it is, Resume lets it go on.
	Pause() error
	Resume() error
	// Done is closed when it has ended by itself.
	Done() <-chan struct{}
	// End ends it, and returns when it is gone.
	End()
}

// A starter starts a command for the shell, which writes to out.
type starter func(command string, out io.Writer) (running, error)

// How a load is tried, in refresh periods. A pause and the load after it are not
// whole numbers of periods, so that they begin at different phases of the ticks.
const (
	steadyTicks = 12
	pauses      = 4
	pauseTicks  = 11.37
	// The square wave is a little longer than the refresh period, so that within
	// waveCount of them the load falls into every part of it.
	wavePeriod = 1.02
	waveDuty   = 0.2
	waveCount  = 100
	// slowCounter is the longest period for which there is time for all that.
	slowCounter = 300 * time.Millisecond
	// riseTime is how long the power may take to rise and be steady.
	riseTime = 30 * time.Second
)

// A loadTrial is what was done to a load, and when, in ns since the base of its
// watch.
type loadTrial struct {
	w      *watch
	run    running
	period time.Duration // the slowest
	idle   []float64     // W of each device before; NaN if unknown

	started float64
	steady  [2]float64 // the load was on and steady
	// pauses are when the load was stopped, and when it went on.
	pauses [][2]float64
	// waves are the times when the load was on in the square wave.
	waves [][2]float64
	notes []string
}

func (t *loadTrial) now() float64 { return float64(time.Since(t.w.base)) }

func (t *loadTrial) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// underLoad runs the load, and says what the counters made of it. idle is what was
// seen before.
func (d *diagnosis) underLoad(ctx context.Context, idle *watch) *loadCheck {
	unable := func(format string, args ...any) *loadCheck {
		return &loadCheck{GPUs: []loadedGPU{}, Notes: []string{fmt.Sprintf(format, args...)}}
	}
	switch {
	case idle.past != nil:
		return unable("-load was not run: this source is asked for the past; run the command, and then doctor")
	case idle.stalled || ctx.Err() != nil:
		return unable("-load was not run: the watch before it came to no end")
	}
	t := &loadTrial{}
	for _, s := range idle.sights {
		watts, ok := s.watts(math.Inf(-1), math.Inf(1))
		if !ok {
			watts = math.NaN()
		}
		t.idle = append(t.idle, watts)
		t.period = max(t.period, s.period())
	}
	if t.period == 0 {
		return unable("-load was not run: how often the power is refreshed is not known")
	}
	t.period = max(t.period, idle.every)
	t.w = newWatch(d.src)
	t.started = t.now()
	var err error
	if t.run, err = d.start(d.load, d.std.err); err != nil {
		return unable("-load: the command could not be started: %v", err)
	}
	t.perform(ctx)
	t.run.End()
	return t.analyse()
}

func (t *loadTrial) ticks(n float64) time.Duration { return time.Duration(n * float64(t.period)) }

// perform goes through the trial while the load is there.
func (t *loadTrial) perform(ctx context.Context) {
	if !t.rise(ctx) {
		return
	}
	from := t.now()
	if !t.watch(ctx, steadyTicks) {
		return
	}
	t.steady = [2]float64{from, t.now()}
	if t.w.gauges() {
		t.note("delay, tail and coverage were not measured: a gauge of power does not integrate")
		return
	}
	if t.period > slowCounter {
		t.note("delay, tail and coverage were not measured: that needs a counter that is refreshed every %v or more often", slowCounter)
		return
	}
	for range pauses {
		stop, err := t.now(), t.run.Pause()
		if err != nil {
			t.note("delay, tail and coverage were not measured: the load can't be stopped and continued here: %v", err)
			return
		}
		on := t.watch(ctx, pauseTicks)
		if err := t.run.Resume(); err != nil || !on {
			return
		}
		t.pauses = append(t.pauses, [2]float64{stop, t.now()})
		if !t.watch(ctx, pauseTicks) {
			return
		}
	}
	if t.switches() {
		t.wave(ctx)
	}
}

// watch reads for some refresh periods, and reports whether the load is still there.
func (t *loadTrial) watch(ctx context.Context, ticks float64) bool {
	on := t.w.lookFor(ctx, t.ticks(ticks))
	select {
	case <-t.run.Done():
		t.note("the command ended by itself after %v: give one that runs until it is stopped", time.Duration(t.now()-t.started).Round(10*time.Millisecond))
		return false
	default:
		return on
	}
}

// rise waits until the power of a device has risen, and is steady.
func (t *loadTrial) rise(ctx context.Context) bool {
	limit := t.started + float64(max(riseTime, t.ticks(3*steadyTicks)))
	for t.now() < limit {
		if !t.watch(ctx, steadyTicks/2) {
			return false
		}
		for i := range t.w.sights {
			if t.risen(i) {
				return true
			}
		}
	}
	t.note("the power did not rise and stay within %v: does the command use these GPUs?", max(riseTime, t.ticks(3*steadyTicks)).Round(time.Second))
	return false
}

// A load is one if it adds these to the power.
const (
	leastWatts = 5
	leastShare = 0.1
)

// risen reports whether a device was under a steady load for the last ticks.
func (t *loadTrial) risen(device int) bool {
	s, now := t.w.sights[device], t.now()
	half := float64(t.ticks(steadyTicks / 2))
	earlier, ok := s.watts(now-half, now-half/2)
	later, ok2 := s.watts(now-half/2, now)
	if !ok || !ok2 || math.IsNaN(t.idle[device]) {
		return false
	}
	return later > t.idle[device]*(1+leastShare)+leastWatts && math.Abs(later-earlier) < 0.15*later
}

// wave switches the load in a square wave.
func (t *loadTrial) wave(ctx context.Context) {
	if t.run.Pause() != nil || !t.watch(ctx, steadyTicks/2) {
		return
	}
	on := t.ticks(waveDuty * wavePeriod)
	next := time.Now()
	for range waveCount {
		if t.run.Resume() != nil {
			return
		}
		from := t.now()
		t.w.lookFor(ctx, on)
		if t.run.Pause() != nil {
			return
		}
		t.waves = append(t.waves, [2]float64{from, t.now()})
		next = next.Add(t.ticks(wavePeriod))
		if !t.watch(ctx, float64(time.Until(next))/float64(t.period)) {
			return
		}
	}
	t.watch(ctx, steadyTicks/2)
	_ = t.run.Resume()
}
