package powertest

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// round is one call of the benchmark function.
type round struct {
	nBefore int // b.N when it was wrapped
	n       int // b.N at the end
	elapsed time.Duration
}

// maxN is where package testing stops raising b.N.
const maxN = 1_000_000_000

// reported reports whether testing reports this round, rather than run another
// with a larger b.N. Only then is it worth the wait for the counters' ticks.
// It repeats what testing's launch does:
//
//   - With -benchtime=Nx the first round has b.N = 1, and the one with b.N = N
//     is reported; these are the same if N is 1.
//   - With a duration, the round that lasted as long is reported, or that with
//     the largest b.N there is.
//   - b.Loop does it all in the first round: b.N changes while it runs. (It does
//     not if there is one iteration; but then that lasted long enough.)
func (r round) reported() bool {
	d, count := benchtime()
	if count > 0 {
		return r.n == count
	}
	return r.n != r.nBefore || r.elapsed >= d || r.n >= maxN
}

// benchtime returns the value of -test.benchtime: a duration, or a count if that
// is not 0.
func benchtime() (d time.Duration, count int) {
	v := "1s"
	if f := flag.Lookup("test.benchtime"); f != nil {
		v = f.Value.String()
	}
	// The flag takes nothing that is malformed.
	if digits, ok := strings.CutSuffix(v, "x"); ok {
		count, _ = strconv.Atoi(digits)
	} else {
		d, _ = time.ParseDuration(v)
	}
	return d, count
}

// settleTime bounds the wait for a source that does not answer at all. The window
// bounds its own wait by the refresh period that it has learnt.
const settleTime = 5 * time.Minute

// measure waits for the ticks after the end of the round's window and measures.
func (b *B) measure(r round) Report {
	b.Helper()
	report := Report{Name: b.Name(), Work: b.work.snapshot(), Procs: runtime.GOMAXPROCS(0)}
	report.Work.Ops, report.Work.Elapsed = int64(r.n), r.elapsed
	if b.line.instrument != nil {
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		defer cancel()
		b.line.measure(ctx, &report)
		report.Slack = b.slack.length()
		if mismatch := b.slack.timed(report.Measurement); mismatch != nil {
			report.add(*mismatch) // a phase stops with the same timer
		} else if text := b.slack.unsaid(); text != "" {
			b.logOnce(b.Name()+" slack", "%s", text)
		}
	}
	b.serving.count(context.Background(), &report, nil)
	report.complete(b.config)
	return report
}

// longWait is how long a wait for the source is that the log explains.
const longWait = 5 * time.Second

// explain logs why numbers are withheld or marked, once for each benchmark and
// reason. In strict mode a number that is withheld is an error.
func (b *B) explain(r Report) {
	b.Helper()
	if r.Measurement == nil {
		return
	}
	if waited := r.Measurement.Waited; waited >= longWait {
		period := time.Duration(0)
		for _, d := range r.Measurement.Devices {
			period = max(period, d.Period)
		}
		often := ""
		if period > 0 {
			often = fmt.Sprintf(" (its values change every %v)", round3(period))
		}
		b.logOnce(b.Name()+" waited", "waited %v after the benchmark for the source %q%s",
			waited.Round(time.Second), r.Measurement.Source.Name, often)
	}
	b.explainReasons("of the benchmark", r.Measurement.Reasons)
	for _, k := range r.Measurement.Kinds {
		if k.Kind == energy.AllKinds || len(k.Devices) > 0 { // else the whole has them
			b.explainReasons(fmt.Sprintf("of the benchmark (%s)", k.Kind), k.Reasons)
		}
	}
	for _, p := range r.Phases {
		b.explainReasons("of the phase "+p.Name, p.Measurement.Reasons)
	}
}

func (b *B) explainReasons(of string, found []energy.Finding) {
	b.Helper()
	for _, f := range energy.Causes(found) {
		key := fmt.Sprint(b.Name(), of, f.Reason, f.Devices)
		if f.Reason == energy.WindowMismatch && b.slack.repeats {
			key += " repeats" // its cause is known by now
		}
		if f.Withheld {
			key += " withheld" // it may have been marked before
		}
		advice := ""
		if f.Reason == energy.WindowTooShort {
			advice = "\n-benchtime says how long a benchmark runs"
		}
		switch {
		case !f.Withholds():
			b.logOnce(key, "the joules %s are marked %v", of, f)
		case b.env.strict:
			b.say(key, "the joules %s are withheld: %v%s", of, f, advice)
			b.Errorf("powertest: the joules %s are withheld: %v%s", of, f, advice)
		default:
			b.logOnce(key, "the joules %s are withheld: %v%s", of, f, advice)
		}
	}
}
