package powertest

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// B is a benchmark that is measured. It is a [testing.B], whose Loop it leaves
// alone: the compiler keeps the loop's body alive for that one only.
type B struct {
	*testing.B
	work counters

	opts       []Option
	config     config
	env        environment
	instrument *instrument // nil if nothing is measured
	presence   *presence
	nBefore    int           // b.N when wrapped
	early      time.Duration // what had elapsed when wrapped
	announcing bool          // lines may be printed: the header and new units

	line timeline // over if the benchmark has ended, or is a parent
}

// Wrap returns the benchmark with its energy measured from now until the
// benchmark function returns, whenever its timer runs. Call it after set-up and
// just before the loop, in each run of the function. It stops the timer while it
// waits for the source to be ready, and leaves it as it was: running, or not.
//
// Wrap works for loops over b.N, b.Loop and b.RunParallel, and in
// sub-benchmarks; see [B.Run] for these. A second call with the same benchmark
// returns the B of the first.
//
// Telemetry that fails does not fail the benchmark: its log says once why there
// are no joules. Wrap calls b.Fatal if a POWERTEST_ variable is malformed, or if
// there is nothing to measure with and POWERTEST_STRICT is set.
func Wrap(tb *testing.B, opts ...Option) *B {
	tb.Helper()
	if b := active.find(tb); b != nil {
		return b
	}
	on := timerOn(tb)
	tb.StopTimer()
	b := &B{
		B:       tb,
		opts:    opts,
		config:  newConfig(opts),
		nBefore: tb.N,
		early:   tb.Elapsed(),
	}
	active.add(b)
	tb.Cleanup(b.finish)
	b.prepare()
	if on {
		b.StartTimer()
	}
	return b
}

// Run runs f as a sub-benchmark, wrapped with the options of b. The
// sub-benchmark is wrapped before its own set-up: call b.ResetTimer after it.
// A benchmark that has sub-benchmarks is not measured itself.
func (b *B) Run(name string, f func(b *B)) bool {
	b.cancel()
	return b.B.Run(name, func(tb *testing.B) { f(Wrap(tb, b.opts...)) })
}

// leadTicks are the ticks that must be seen before the window, for the power
// before it to be known: well enough for its edge, or for its own sake.
const (
	leadTicks    = 2
	leadTicksNet = 6
)

// prepare opens the source and the window and waits for the source to tick.
func (b *B) prepare() {
	b.Helper()
	var err error
	if b.env, err = readEnvironment(); err != nil {
		b.Fatalf("powertest: %v", err)
	}
	ins, err := openInstrument(b.config, b.env)
	if err != nil && b.env.malformed(err) {
		b.Fatalf("powertest: POWERTEST_SOURCE=%q POWERTEST_DEVICES=%q: %v", shown(os.Getenv("POWERTEST_SOURCE")), os.Getenv("POWERTEST_DEVICES"), err)
	}
	if err != nil && b.env.strict {
		b.Fatalf("powertest: there are no joules, and POWERTEST_STRICT is set: %v", err)
	}
	if err != nil {
		b.logOnce("no joules "+err.Error(), "there are no joules: %v; %s", err, advice)
	}
	b.announcing = header.announce(b, ins)
	if ins == nil {
		return
	}
	if ins.instead != nil {
		b.logOnce("fallback "+ins.instead.Error(), "there is no GPU to measure, so the joules are those of the source %q: %v", ins.name(), ins.instead)
	}
	b.instrument = ins
	b.presence = enter(ins.recorder.Source())
	b.line.window = ins.recorder.Open()
	if b.env.trace != "" {
		b.line.window.Record()
	}
	ticks := leadTicks
	if b.config.net {
		ticks = leadTicksNet
	}
	// A source that does not tick is found out when the window is measured.
	_ = b.line.window.WaitTicks(b.Context(), ticks)
}

// finish is called after the benchmark function, by testing's Cleanup, in each
// round: b.N and b.Elapsed are final by now, and metrics still count.
func (b *B) finish() {
	b.line.pause()
	b.Helper() // messages show the line of Wrap
	defer active.remove(b)
	defer b.cancel()
	b.announcePhases()
	r := round{nBefore: b.nBefore, n: b.N, elapsed: b.Elapsed()}
	if b.line.end() || b.N == 0 || b.Failed() || b.Skipped() || !r.reported() {
		return
	}
	report := b.measure(r)
	for _, m := range report.Metrics {
		b.ReportMetric(m.Value, m.Unit)
	}
	b.explain(report)
	if err := writeTrace(b.env.trace, report); err != nil {
		b.logOnce("trace", "no trace: %v", err)
	}
}

// cancel releases the windows without waiting for anything.
func (b *B) cancel() {
	b.line.cancel()
	b.presence.leave()
}

// activeBenchmarks are the benchmarks of this process that are under way: one,
// and its parents.
type activeBenchmarks struct {
	mu   sync.Mutex
	list []*B
}

var active activeBenchmarks

func (a *activeBenchmarks) find(tb *testing.B) *B {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.list {
		if b.B == tb {
			return b
		}
	}
	return nil
}

// add adds a benchmark, and stops measuring its parents: one may have been
// started by the Run of an embedded testing.B.
func (a *activeBenchmarks) add(b *B) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.list {
		if p.Name() != "" && strings.HasPrefix(b.Name(), p.Name()+"/") {
			p.cancel()
		}
	}
	a.list = append(a.list, b)
}

func (a *activeBenchmarks) remove(b *B) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, x := range a.list {
		if x == b {
			a.list = append(a.list[:i], a.list[i+1:]...)
			return
		}
	}
}
