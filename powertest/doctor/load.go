package doctor

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest/energy"
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
	// A gauge that looks at a part of the time sees a pause earlier or later by where in a
	// refresh period it begins: gaugePauses begin all over it, since each is by gaugePhase of
	// a period longer than a whole number of them. Its readings may be means over a second,
	// so that a pause takes meanPause.
	gaugePauses = 8
	gaugePhase  = 2.5 / gaugePauses
	meanPause   = 3 * time.Second
	// riseTime is how long the power may take to rise and be steady.
	riseTime = 30 * time.Second
)

// A loadTest is a load that is being tried on the devices of a recorder.
type loadTest struct {
	rec    *energy.Recorder
	window *energy.Window // open while the load is tried
	run    running
	period time.Duration // the slowest
	idle   []float64     // W of each device before; NaN if unknown
	base   time.Time     // that times in ns count from
}

// A schedule is what was done to a load, and when, in ns since the base.
type schedule struct {
	started float64
	steady  [2]float64 // the load was on and steady; 0 if it never was
	// pauses are when the load was stopped, and when it went on.
	pauses [][2]float64
	// waves are the times when the load was on in the square wave.
	waves [][2]float64
	// notes say what could not be measured, and why.
	notes []string
}

func (s *schedule) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// underLoad runs a load, and measures how the counters follow it. idle is what was seen
// before, by the same recorder. seen is nil if the load was not run.
func underLoad(ctx context.Context, rec *energy.Recorder, idle *observation, o Options) (l *Load, seen *observation) {
	unable := func(format string, args ...any) (*Load, *observation) {
		return &Load{GPUs: []LoadedGPU{}, Notes: []string{fmt.Sprintf(format, args...)}}, nil
	}
	t := &loadTest{rec: rec, base: idle.base}
	for _, d := range idle.devices {
		watts, ok := d.meanPower()
		if !ok {
			watts = math.NaN()
		}
		t.idle = append(t.idle, watts)
		t.period = max(t.period, d.period())
	}
	switch {
	case idle.watch.Past:
		return unable("-load was not run: this source is asked for the past; run the command, and then doctor")
	case len(idle.stalled) > 0 || ctx.Err() != nil:
		return unable("-load was not run: the watch before it was cut short")
	case t.period == 0:
		return unable("-load was not run: how often the power is refreshed is not known")
	}
	t.period = max(t.period, idle.info.Poll)
	t.window = rec.Open()
	t.window.EveryTick()
	start := o.start
	if start == nil {
		start = startProcess
	}
	s := schedule{started: t.now()}
	var err error
	if t.run, err = start(o.Load, o.Output); err != nil {
		t.window.Cancel()
		return unable("-load: the command could not be started: %v", err)
	}
	t.perform(ctx, &s)
	t.run.End()
	seen = observed(ctx, rec, t.window)
	return t.analyse(seen, s), seen
}

func (t *loadTest) now() float64 { return float64(time.Since(t.base)) }

func (t *loadTest) ticks(n float64) time.Duration { return time.Duration(n * float64(t.period)) }

// unmeasured begins a note on a load that was not stopped and continued, and uncovered one
// on devices that it says nothing more about.
const (
	unmeasured = "delay, tail and coverage were not measured: "
	uncovered  = "coverage was not measured: "
)

// perform goes through the schedule while the load is there.
func (t *loadTest) perform(ctx context.Context, s *schedule) {
	all := t.window.Sub() // whose recording is looked at before the window ends
	defer all.Cancel()
	if !t.rise(ctx, s) {
		return
	}
	n, length := t.pauses()
	progress.Of(ctx).Step("pausing the load", t.ticks(steadyTicks)+time.Duration(2*n)*length)
	from := t.now()
	if !t.pass(ctx, s, steadyTicks) {
		return
	}
	s.steady = [2]float64{from, t.now()}
	if t.period > slowCounter {
		s.note(unmeasured+"that needs a counter that is refreshed every %v or more often", slowCounter)
		return
	}
	pauseTicks := float64(length) / float64(t.period)
	for range n {
		stop, err := t.now(), t.run.Pause()
		if err != nil {
			s.note(unmeasured+"the load can't be stopped and continued here: %v", err)
			return
		}
		on := t.pass(ctx, s, pauseTicks)
		if err := t.run.Resume(); err != nil || !on {
			return
		}
		s.pauses = append(s.pauses, [2]float64{stop, t.now()})
		if !t.pass(ctx, s, pauseTicks) {
			return
		}
	}
	if !t.switches(observed(ctx, t.rec, all), s) {
		return
	}
	if t.has(energy.Gauge) {
		s.note(uncovered + "a gauge of power does not integrate")
	}
	if t.has(energy.Counter) {
		t.wave(ctx, s)
	}
}

// has reports whether there is a device that reports its energy so.
func (t *loadTest) has(m energy.Method) bool {
	return slices.ContainsFunc(t.rec.Devices(), func(d energy.Device) bool { return d.Method == m })
}

// pauses returns how many pauses there are, and how long each is, and the load after it.
func (t *loadTest) pauses() (n int, length time.Duration) {
	if !t.has(energy.Gauge) {
		return pauses, t.ticks(pauseTicks)
	}
	whole := max(math.Floor(pauseTicks), math.Ceil(float64(meanPause)/float64(t.period)))
	return gaugePauses, t.ticks(whole + gaugePhase)
}

// pass lets some refresh periods pass, and reports whether the load is still there.
func (t *loadTest) pass(ctx context.Context, s *schedule, ticks float64) bool {
	on := pass(ctx, t.window, t.rec, t.ticks(ticks))
	select {
	case <-t.run.Done():
		s.note("the command ended by itself after %v: give one that runs until it is stopped", time.Duration(t.now()-s.started).Round(10*time.Millisecond))
		return false
	default:
		return on
	}
}

// rise waits until the power of a device has risen, and is steady.
func (t *loadTest) rise(ctx context.Context, s *schedule) bool {
	limit := max(riseTime, t.ticks(3*steadyTicks))
	progress.Of(ctx).Step("waiting until the power under load is steady", limit)
	for t.now() < s.started+float64(limit) {
		if !t.pass(ctx, s, steadyTicks/2) {
			return false
		}
		for i, d := range observed(ctx, t.rec, t.window.Sub()).devices {
			if t.risen(d, t.idle[i]) {
				return true
			}
		}
	}
	s.note("the power did not rise and stay within %v: does the command use these GPUs?", limit.Round(time.Second))
	return false
}

// A load is one if it adds these to the power.
const (
	leastWatts = 5
	leastShare = 0.1
)

// risen reports whether a device was under a steady load for the last ticks. idle is
// its power before, in watts.
func (t *loadTest) risen(d *device, idle float64) bool {
	now, half := t.now(), float64(t.ticks(steadyTicks/2))
	earlier, ok := d.power(now-half, now-half/2)
	later, ok2 := d.power(now-half/2, now)
	if !ok || !ok2 || math.IsNaN(idle) {
		return false
	}
	return later > idle*(1+leastShare)+leastWatts && math.Abs(later-earlier) < 0.15*later
}

// wave switches the load in a square wave.
func (t *loadTest) wave(ctx context.Context, s *schedule) {
	if t.run.Pause() != nil || !t.pass(ctx, s, steadyTicks/2) {
		return
	}
	progress.Of(ctx).Step("switching the load on and off", t.ticks(waveCount*wavePeriod))
	on := t.ticks(waveDuty * wavePeriod)
	next := time.Now()
	for range waveCount {
		if t.run.Resume() != nil {
			return
		}
		from := t.now()
		pass(ctx, t.window, t.rec, on)
		if t.run.Pause() != nil {
			return
		}
		s.waves = append(s.waves, [2]float64{from, t.now()})
		next = next.Add(t.ticks(wavePeriod))
		if !t.pass(ctx, s, float64(time.Until(next))/float64(t.period)) {
			return
		}
	}
	t.pass(ctx, s, steadyTicks/2)
	_ = t.run.Resume()
}
