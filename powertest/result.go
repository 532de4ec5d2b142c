package powertest

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// result is everything that is known of one measured benchmark. Its JSON is what
// POWERTEST_TRACE writes.
type result struct {
	Benchmark   string                        `json:"benchmark"`
	Procs       int                           `json:"procs"`
	N           int                           `json:"n"`
	Elapsed     time.Duration                 `json:"elapsed_ns"`
	Source      string                        `json:"source,omitempty"`
	Work        work                          `json:"work"`
	Metrics     []metric                      `json:"metrics"`
	Reasons     []energy.Finding              `json:"reasons,omitempty"`
	Measurement *energy.Measurement           `json:"measurement,omitempty"`
	Phases      map[string]energy.Measurement `json:"phases,omitempty"`
	// SourceCalls is how often the source was read, in this process so far.
	SourceCalls int64 `json:"source_calls,omitempty"`
}

// measure waits for the ticks after the end of the window and measures.
func (b *B) measure(r round) result {
	res := result{
		Benchmark: b.Name(),
		Procs:     runtime.GOMAXPROCS(0),
		N:         r.n,
		Elapsed:   r.elapsed,
		Work:      b.work.snapshot(r.n, r.elapsed),
	}
	if b.instrument == nil {
		res.Metrics = derive(res.Work, energy.Measurement{}, false)
		return res
	}
	// The window bounds its wait by the refresh period that it has seen; this
	// is for a source that does not answer at all.
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()

	m := b.window.Measure(ctx)
	mismatch, others := b.mismatch(r), b.presence.leave()
	found := others
	if mismatch != nil {
		found = append(found, *mismatch) // a phase stops with the same timer
	}
	add(&m, found)
	res.Source, res.Measurement, res.Reasons = b.instrument.name(), &m, m.Reasons
	res.Metrics = derive(res.Work, m, b.config.net)
	for _, p := range b.phases {
		pm := p.window.Measure(ctx)
		add(&pm, found)
		if res.Phases == nil {
			res.Phases = map[string]energy.Measurement{}
		}
		res.Phases[p.name] = pm
		res.Metrics = append(res.Metrics, derivePhase(p.name, res.Work, pm)...)
	}
	res.SourceCalls = b.instrument.recorder.Calls()
	return res
}

func add(m *energy.Measurement, found []energy.Finding) {
	for _, f := range found {
		m.Add(f)
	}
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
	window := b.window.Duration()
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
func (b *B) explain(res result) {
	b.Helper()
	if res.Measurement == nil {
		return
	}
	b.explainWait(*res.Measurement)
	b.explainOne("", *res.Measurement)
	for _, p := range b.phases {
		b.explainOne(p.name, res.Phases[p.name])
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
