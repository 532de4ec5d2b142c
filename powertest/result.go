package powertest

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// measure waits for the ticks after the end of the window and measures.
func (b *B) measure(r round) Report {
	res := Report{Name: b.Name(), Procs: runtime.GOMAXPROCS(0), Work: b.work.snapshot()}
	res.Work.Ops, res.Work.Elapsed = int64(r.n), r.elapsed
	if b.instrument == nil {
		res.SchemaVersion, res.Metrics = SchemaVersion, derive(res.Work, energy.Measurement{})
		return res
	}
	// The window bounds its wait by the refresh period that it has seen; this
	// is for a source that does not answer at all.
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()

	m := b.line.window.Measure(ctx)
	found := b.presence.leave()
	if mismatch := b.mismatch(r); mismatch != nil {
		found = append(found, *mismatch) // a phase stops with the same timer
	}
	res.complete(m, b.line.measure(ctx), found, b.instrument, b.config)
	if b.env.trace != "" {
		res.keep(&b.line)
	}
	return res
}

const settleTime = 5 * time.Minute

// The window and the timer may differ by this much.
const (
	slackShare = 0.02
	slackFloor = time.Millisecond // two stops of the world and a GC cycle's start
)

// mismatch compares the window with the benchmark's timer. Where they differ,
// something is in one and not in the other, and joules of the one must not be
// divided by operations of the other. nil means that they agree.
func (b *B) mismatch(r round) *energy.Finding {
	window := b.line.window.Duration()
	slack := window - r.elapsed
	if slack.Abs() <= slackFloor || float64(slack.Abs()) <= slackShare*float64(r.elapsed) {
		return nil
	}
	var why string
	switch {
	case slack > 0:
		why = "energy was measured that was not timed: call b.ResetTimer() after set-up that follows Wrap (or move Wrap down to the loop), b.StopTimer() before teardown and b.Cleanup before Wrap"
	case b.early >= -slack/2:
		why = fmt.Sprintf("the timer ran for %v before Wrap: call b.ResetTimer() just before the loop", round3(b.early))
	default:
		why = "time was measured without energy: the timer was started while it was stopped here"
	}
	return &energy.Finding{
		Reason: energy.WindowMismatch,
		Detail: fmt.Sprintf("the energy window is %v and the timer %v: %s; call StopTimer, StartTimer and ResetTimer on the powertest.B, not on the testing.B",
			round3(window), round3(r.elapsed), why),
	}
}

// round3 rounds to three significant digits or so, for people.
func round3(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(float64(d))))-2)
	return d.Round(time.Duration(max(unit, 1)))
}

// explain logs why numbers are withheld or marked, once for each benchmark and
// reason. In strict mode a number that is withheld is an error.
func (b *B) explain(res Report) {
	b.Helper()
	if res.Measurement == nil {
		return
	}
	b.explainWait(*res.Measurement)
	b.explainOne("", *res.Measurement)
	for _, p := range res.Phases {
		b.explainOne(p.Name, p.Measurement)
	}
}

// longWait is from when on a wait for the source is told: the user has sat
// through it, and may want to know what for.
const longWait = 5 * time.Second

func (b *B) explainWait(m energy.Measurement) {
	b.Helper()
	if m.Waited < longWait {
		return
	}
	period := time.Duration(0)
	for _, d := range m.Devices {
		period = max(period, d.Period)
	}
	b.logOnce(b.Name()+" waited", "waited %v after the benchmark until the source %q had shown what came after it (its values change every %v)",
		m.Waited.Round(time.Second), m.Source.Name, round3(period))
}

func (b *B) explainOne(phase string, m energy.Measurement) {
	b.Helper()
	of := "of the benchmark"
	if phase != "" {
		of = "of the phase " + phase
	}
	for _, f := range m.Reasons {
		switch {
		case !f.Reason.Withholds():
			b.logOnce(b.Name()+of+string(f.Reason), "the joules %s are marked %v", of, f)
		case b.env.strict:
			b.Errorf("powertest: the joules %s are withheld: %v", of, f)
		default:
			b.logOnce(b.Name()+of+string(f.Reason), "the joules %s are withheld: %v", of, f)
		}
	}
}
