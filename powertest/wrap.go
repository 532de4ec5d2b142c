package powertest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// B is a benchmark that is measured. It is a [testing.B], whose Loop it leaves
// alone: the compiler keeps the loop's body alive for that one only.
type B struct {
	*testing.B
	work counters

	stage      atomic.Uint32
	runLine    string // "x_test.go:12", of the Run that has wrapped it
	wrapLine   string // of Wrap otherwise
	opts       []Option
	config     config
	env        environment
	nBefore    int           // b.N when wrapped
	early      time.Duration // what had elapsed when wrapped
	partial    bool          // testing runs it for its sub-benchmarks only
	ran        bool          // Run was called
	timer      timer
	slack      slack // at the end, if something is measured
	announcing bool  // lines may be printed: the header and new units

	mu   sync.Mutex
	held []string // its log

	serving *serving // nil unless servers count
	line    timeline // over if the benchmark has ended, or is a parent
}

// Wrap returns the benchmark with its energy measured from now until the
// benchmark function returns, whenever its timer runs. Call it after set-up and
// just before the loop, in each run of the function. It stops the timer while it
// waits for the source to be ready, and leaves it as it was: running, or not.
//
// Wrap works for loops over b.N, b.Loop and b.RunParallel, and in
// sub-benchmarks; see [B.Run] for these. A second call with the same benchmark
// returns the B of the first, whose options hold.
//
// What is called where it does nothing, or not what it seems to, is logged, once in the
// process, with the user's line: a phase that was never ended, work that is added to a
// benchmark which is not measured, options that contradict one another.
//
// Telemetry that fails does not fail the benchmark: its log says once why there
// is no energy measurement. Wrap calls b.Fatal if a POWERTEST_ variable is
// malformed, or if there is nothing to measure with and POWERTEST_STRICT is set.
func Wrap(tb *testing.B, opts ...Option) *B {
	tb.Helper()
	return wrapAt(tb, "", opts)
}

// wrapAt is Wrap of a benchmark that a Run has made at a line, or of one of the user's own.
func wrapAt(tb *testing.B, runLine string, opts []Option) *B {
	tb.Helper()
	if first, ok := process.active.Load(tb); ok {
		b := first.(*B)
		b.mistake(callerLine(1), "Wrap was called before on this benchmark: it returns what the first call did, whose options hold")
		return b
	}
	on := timerOn(tb)
	tb.StopTimer()
	b := &B{
		B:       tb,
		runLine: runLine,
		opts:    opts,
		config:  newConfig(opts),
		nBefore: tb.N,
		early:   tb.Elapsed(),
		partial: hasSubs(tb),
	}
	process.begin(b)
	if runLine == "" { // else they are those of a parent
		b.wrapLine = callerLine(1)
		b.wrapMistakes()
	}
	tb.Cleanup(b.finish)
	b.prepare()
	b.serving.begin(b.Context())
	b.timer.watch(tb)
	// Before cleanups that were registered later than finish, and run earlier.
	context.AfterFunc(tb.Context(), b.line.pause)
	if on {
		b.StartTimer()
		b.timer.tick()
	}
	return b
}

// wrapMistakes logs what is wrong with a call of Wrap.
func (b *B) wrapMistakes() {
	if b.N == 0 { // as testing has it from the first b.Loop to the last
		b.mistake(b.wrapLine, "Wrap was called inside of the loop: the timer ran before, so call it just before the loop")
	}
	for _, text := range b.config.mistakes() {
		b.mistake(b.wrapLine, "%s", text)
	}
}

// Run runs f as a sub-benchmark, wrapped with the options of b. The
// sub-benchmark is wrapped before its own set-up: call b.ResetTimer after it, unless
// b.Loop follows.
// A benchmark that has sub-benchmarks is not measured itself.
func (b *B) Run(name string, f func(b *B)) bool {
	line := callerLine(0)
	if b.stage.Load() == stageMeasured && b.work.snapshot() != (Work{}) {
		b.mistake(line, "the work that was added before Run does not count, since a benchmark that has sub-benchmarks is not measured: add it in theirs")
	}
	b.ran = true
	b.stage.Store(stageChild)
	defer b.stage.CompareAndSwap(stageChild, stageParent)
	b.line.cancel()
	return b.B.Run(name, func(tb *testing.B) { f(wrapAt(tb, line, b.opts)) })
}

// waitTicks are the ticks that must be seen before the window, for the power
// before it to be known well enough for its edge.
const waitTicks = 2

// prepare opens the source and the window and waits for the source to tick.
func (b *B) prepare() {
	b.Helper()
	ins := b.open()
	if ins == nil {
		return
	}
	b.line.open(ins, b.env.trace != "")
	if b.config.net && b.line.window.WaitIdle(b.Context(), b.Name()) == nil {
		return
	}
	// A source that does not tick is found out when the window is measured.
	_ = b.line.window.WaitTicks(b.Context(), waitTicks)
}

// open opens the source, prints the header and logs what there is to say of the
// source; nil if nothing is measured.
func (b *B) open() *instrument {
	b.Helper()
	var err error
	if b.env, err = readEnvironment(); err != nil {
		b.fatal("%v", err)
	}
	b.serve()
	ins, err := openInstrument(b.config, b.env)
	switch {
	case err == nil:
	case b.env.malformed(err):
		b.fatal("%s%v", b.env.named(), err)
	case b.env.strict:
		b.fatal("no energy measurement, and POWERTEST_STRICT is set: %v", err)
	default:
		b.logOnce("no measurement "+err.Error(), "no energy measurement: %v%s", err, b.env.instead(err, energy.Registered()))
	}
	b.announcing = process.header.announce(b, ins)
	if ins != nil && ins.fallbackReason != nil {
		b.logOnce("fallback "+ins.fallbackReason.Error(), "the source %q is measured, since there is nothing else to measure: %v", ins.name(), ins.fallbackReason)
	}
	if ins != nil && ins.unused != nil {
		b.logOnce("profile "+ins.unused.Error(), "the joules are not calibrated: %v", ins.unused)
	}
	if ins != nil && len(ins.recorder.LeftOut()) > 0 {
		b.logOnce("left out "+ins.name(), "%v", leavesOut(ins))
	}
	return ins
}

// finish is called after the benchmark function, by testing's Cleanup, in each
// round: b.N and b.Elapsed are final by now, and metrics still count.
func (b *B) finish() {
	b.line.pause()
	b.Helper() // messages show the line of Wrap
	defer process.active.Delete(b.B)
	defer b.stage.Store(stageOver)
	defer b.line.cancel()
	process.late.log(b)
	b.finishParent()
	r := round{nBefore: b.nBefore, n: b.N, elapsed: b.Elapsed()}
	if b.line.end() || b.N == 0 || b.Failed() || b.Skipped() {
		process.said.Clear() // the run is over
		return
	}
	if b.line.instrument != nil {
		b.place(b.line.ended())
		b.slack = slack{window: b.line.window.Duration(), elapsed: r.elapsed, early: b.early}
		b.slack.repeats = process.slack.note(b.Name(), b.slack.length())
	}
	if !r.reported() {
		process.header.announceUnits(b, b.expected())
		return
	}
	b.phaseMistakes()
	b.serving.end()
	report := b.measure(r)
	process.header.announceUnits(b, append(b.expected(), report.Metrics...))
	for _, m := range report.Metrics {
		b.ReportMetric(m.Value, m.Unit)
	}
	b.explain(report)
	b.explainServer(report)
	if err := b.line.presence.Problem(); err != nil {
		b.logOnce("presence", "%v", err)
	}
	if err := writeTrace(b.env.trace, report); err != nil {
		b.logOnce("trace", "no trace: %v", err)
	}
	process.said.Clear()
}

// finishParent ends a benchmark that has sub-benchmarks, of which testing has no result.
func (b *B) finishParent() {
	if !hasSubs(b.B) || b.partial && !b.ran {
		return
	}
	b.line.cancel()
	if !b.ran {
		b.mistake(cmp.Or(b.runLine, b.wrapLine), "sub-benchmarks were started with testing.B's Run, which neither wraps them nor passes the options of Wrap on: call Run on the powertest.B")
	}
	b.printHeld()
}

// StartTimer is [testing.B.StartTimer]; it resumes the measurement too.
func (b *B) StartTimer() {
	if b.stage.Load() >= stageChild {
		b.misplaced("StartTimer")
	}
	b.timer.start(func() {
		b.B.StartTimer() // takes tens of µs first, and its time stamp last
		b.line.resume()
	})
}

// StopTimer is [testing.B.StopTimer]; it pauses the measurement too.
func (b *B) StopTimer() {
	if b.stage.Load() >= stageChild {
		b.misplaced("StopTimer")
	}
	now := time.Now()
	b.line.pause()
	b.B.StopTimer() // takes its time stamp first
	b.place(now)
}

// place cuts off what was measured until end and is not timed, as far as that is known.
func (b *B) place(end time.Time) {
	if span, less := b.timer.timed(end); less {
		b.line.cut(span)
	}
}

// ResetTimer is [testing.B.ResetTimer]; it also forgets the energy and the work
// (tokens, requests) so far. It does not affect whether the timer is running.
func (b *B) ResetTimer() {
	if b.stage.Load() >= stageChild {
		b.misplaced("ResetTimer")
	}
	b.serving.begin(b.Context()) // takes some ms, which are forgotten
	b.timer.reset(func() {
		b.B.ResetTimer()
		b.work.restart()
		b.early = 0
		b.line.restart()
	})
}

// AddTokens adds prompt (input) and output (completion) tokens to the work done.
// The metrics per token count output tokens; prompt tokens are kept in traces.
// It may be called from any goroutine and does not allocate.
func (b *B) AddTokens(prompt, output int) {
	if b.stage.Load() != stageMeasured {
		b.misplaced("AddTokens")
	}
	if !b.work.tokens(prompt, output) {
		b.refused(fmt.Sprintf("AddTokens(%d, %d)", prompt, output), "the tokens of this benchmark")
	}
}

// AddRequests adds requests to the work done, for J/req: an operation may serve
// several. It may be called from any goroutine and does not allocate.
func (b *B) AddRequests(n int) {
	if b.stage.Load() != stageMeasured {
		b.misplaced("AddRequests")
	}
	if !b.work.requests.add(int64(n)) {
		b.refused(fmt.Sprintf("AddRequests(%d)", n), "the requests of this benchmark")
	}
}

// SetConcurrency sets how many users are served at the same time, for J/user. It
// may be called from any goroutine, and the last call counts. [B.ResetTimer]
// does not forget it.
func (b *B) SetConcurrency(n int) {
	if b.stage.Load() != stageMeasured {
		b.misplaced("SetConcurrency")
	}
	if n < 0 {
		b.refused(fmt.Sprintf("SetConcurrency(%d)", n), "the users of this benchmark")
	}
	b.work.users.Store(int64(n))
}

// Phase begins a phase of the benchmark, such as "prefill" or "decode", and
// returns the function that ends it. Its energy is reported as NAME-J/op,
// and how far that can be wrong as NAME-err-%.
//
// Phases of one name may overlap: the energy is that from when the first begins
// until the last ends, since a device cannot tell them apart. Phases of
// different names may overlap too; their energies then have a part in common.
// A phase that is not ended ends with the benchmark, which the log says, and end may be
// called more than once. Both may be called from any goroutine. A phase that lasts for less
// than a few refresh periods of the counter in all is withheld, as a window is.
//
// A call of Phase allocates twice, some 50 bytes, and the first of a name more.
func (b *B) Phase(name string) (end func()) {
	b.Helper()
	if b.stage.Load() != stageMeasured {
		b.misplaced("Phase")
	}
	end, err := b.line.begin(name)
	if err != nil {
		if text, first := b.once("phase "+name, "%v", err); first {
			b.Log(text)
		}
	}
	return end
}
