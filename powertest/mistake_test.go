package powertest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// mistakes are the benchmarks that have one, and what is said of it. The line that is named
// has a comment with the name.
var mistakes = []struct {
	name string
	f    func(*testing.B)
	says string
}{
	{"PhaseNotEnded", func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			b.Phase("prefill") // PhaseNotEnded
			op()
		}
	}, `the phase "prefill" was never ended (480 of 480 uses)`},
	{"PhaseEndedTwice", func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			endPrefill := b.Phase("prefill")
			op()
			endPrefill()
			endDecode := b.Phase("decode") // PhaseEndedTwice
			op()
			endPrefill()
			_ = endDecode
		}
	}, `the phase "decode" was never ended (240 of 240 uses): it lasts until the end of the benchmark, so call what Phase returns; "prefill" was ended twice at mistake_test.go:`},
	{"ParentsTokens", func(tb *testing.B) {
		parent := wrap(tb)
		parent.Run("child", func(b *B) {
			for b.Loop() {
				op()
				parent.AddTokens(1, 1) // ParentsTokens
			}
		})
	}, "AddTokens on a benchmark that has sub-benchmarks does nothing, since it is not measured: call it on the B that Run's function gets"},
	{"ParentsRequests", func(tb *testing.B) {
		b := wrap(tb)
		b.Run("child", loop)
		b.AddRequests(1) // ParentsRequests
	}, "AddRequests on a benchmark that has sub-benchmarks does nothing"},
	{"ParentsTimer", func(tb *testing.B) {
		parent := wrap(tb)
		parent.Run("child", func(b *B) {
			parent.ResetTimer() // ParentsTimer
			loop(b)
		})
	}, "ResetTimer on a benchmark that has sub-benchmarks does nothing"},
	{"WorkBeforeRun", func(tb *testing.B) {
		b := wrap(tb)
		b.SetConcurrency(8)
		b.Run("child", loop) // WorkBeforeRun
	}, "the work that was added before Run does not count"},
	{"RawRun", func(tb *testing.B) {
		b := Wrap(tb, From(styleSim())) // RawRun
		b.B.Run("child", func(tb *testing.B) { ops(tb.N) })
	}, "sub-benchmarks were started with testing.B's Run, which neither wraps them nor passes the options of Wrap on: call Run on the powertest.B"},
	{"RawRunWrapped", func(tb *testing.B) {
		Wrap(tb, From(styleSim())) // RawRunWrapped
		tb.Run("child", func(tb *testing.B) { loop(wrap(tb)) })
	}, "sub-benchmarks were started with testing.B's Run"},
	{"NegativeTokens", func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			op()
			b.AddTokens(10, -1) // NegativeTokens
		}
	}, "AddTokens(10, -1) is refused, since a count is not negative and a sum below 2^63: the tokens of this benchmark are unknown"},
	{"TooManyTokens", func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			op()
			b.AddTokens(0, math.MaxInt) // TooManyTokens
		}
	}, "AddTokens(0, 9223372036854775807) is refused"},
	{"NegativeRequests", func(tb *testing.B) {
		b := wrap(tb)
		b.AddRequests(-1) // NegativeRequests
		loop(b)
	}, "AddRequests(-1) is refused"},
	{"NegativeUsers", func(tb *testing.B) {
		b := wrap(tb)
		b.SetConcurrency(-1) // NegativeUsers
		loop(b)
	}, "SetConcurrency(-1) is refused"},
	{"FromTwice", func(tb *testing.B) {
		loop(Wrap(tb, From(newProcessor(true)), From(styleSim()))) // FromTwice
	}, "the option From is given twice: only the last one counts"},
	{"FromAndFallback", func(tb *testing.B) {
		loop(Wrap(tb, From(styleSim()), Fallback(styleSim()))) // FromAndFallback
	}, "the option Fallback does nothing beside From"},
	{"WrapTwice", func(tb *testing.B) {
		wrap(tb)
		b := Wrap(tb, Net()) // WrapTwice
		loop(b)
	}, "Wrap was called before on this benchmark: it returns what the first call did, whose options hold"},
	{"WrapInTheLoop", func(tb *testing.B) {
		for tb.Loop() {
			wrapHere := func() *B { return Wrap(tb, From(styleSim())) } // WrapInTheLoop
			wrapHere()
			op()
		}
	}, "Wrap was called inside of the loop: the timer ran before, so call it just before the loop"},
	{"PhaseAfterTheEnd", func(tb *testing.B) {
		var b *B
		tb.Cleanup(func() { // which runs after that of Wrap
			b.Phase("late")() // PhaseAfterTheEnd
		})
		b = wrap(tb)
		loop(b)
	}, "Phase after the end of the benchmark BenchmarkMistakePhaseAfterTheEnd does nothing"},
	{"TokensOfAnEarlier", func(tb *testing.B) {
		b := wrap(tb)
		leaked.Do(func() { leaked.b = b })
		loop(b)
		if leaked.b != b {
			leaked.b.AddTokens(1, 1) // TokensOfAnEarlier
		}
	}, "AddTokens after the end of the benchmark BenchmarkMistakeTokensOfAnEarlier does nothing"},
	{"RawPausesBriefly", func(tb *testing.B) {
		b := Wrap(tb, From(styleSim())) // RawPausesBriefly
		for b.Loop() {
			ops(1000)
			tb.StopTimer()
			time.Sleep(25 * time.Millisecond)
			tb.StartTimer()
		}
	}, "the energy window is 525ms and the timer 500ms, which err-% includes: set-up or teardown is in the window: call b.ResetTimer() after set-up"},
}

// leaked is the B of the first benchmark of its name.
var leaked struct {
	sync.Once
	b *B
}

// TestMistakes: each is said once, at the line where it is made, also if the benchmark
// runs several times; and no number is lost for it but what would be wrong.
func TestMistakes(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkMistake", nil, "-test.count=2")
	results := r.results()
	source, err := os.ReadFile("mistake_test.go")
	require.NoError(t, err)
	for _, m := range mistakes {
		before, _, found := strings.Cut(string(source), " // "+m.name+"\n")
		require.True(t, found, m.name)
		line := fmt.Sprintf("mistake_test.go:%d: powertest: %s", 1+strings.Count(before, "\n"), m.says)
		assert.Equal(t, 1, strings.Count(r.out, "    "+line), line)
	}
	assert.Equal(t, len(mistakes)+2, strings.Count(r.out, "powertest: "), "and the second Wrap in the loop, and a phase of less than a tick")
	for _, x := range results {
		name := string(x.Name.Full())
		_, tokens := x.Value("tokens/J")
		assert.False(t, tokens, name)
		if !strings.Contains(name, "RawRun/") {
			requireJoules(t, x)
		}
	}
}

// TestNoMistakes: a benchmark that is right logs nothing.
func TestNoMistakes(t *testing.T) {
	t.Parallel()
	const right = "^Benchmark(Loop|N|Parallel|Parent|Reset|StopBeforeTeardown|CleanupAfterWrap|Pauses|Net|EndDeferred)$"
	r := styled(t, right, nil, "-test.count=2", "-test.cpu=2")
	assert.Len(t, r.results(), 22)
	assert.NotContains(t, r.out, "powertest:")
	r = styled(t, right, []string{"POWERTEST_SOURCE=off"}, "-test.benchtime=20ms", "-test.cpu=2")
	assert.Len(t, r.results(), 11)
	assert.NotContains(t, r.out, "powertest:")
	// Only sub-benchmarks of another name are run of it, and testing says that it has some.
	r = styled(t, "^BenchmarkLoop$/none", nil)
	assert.NotContains(t, r.out, "powertest:")
}

// TestMistakesOfNothing: they are said as well where nothing is measured.
func TestMistakesOfNothing(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkMistake(PhaseNotEnded|NegativeTokens|ParentsTokens)$", []string{"POWERTEST_SOURCE=off"}, "-test.benchtime=20ms")
	assert.Equal(t, 3, strings.Count(r.out, "powertest: "))
}

// warnings returns what is logged by slog, whose default it replaces for the test. What was
// logged before is forgotten.
func warnings(t *testing.T) *bytes.Buffer {
	t.Helper()
	process.logged.Clear()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	return &out
}

// TestMeterMistakes: those of a load are logged once, with the user's line.
func TestMeterMistakes(t *testing.T) {
	out := warnings(t)
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		defer sim.Close()
		m, err := NewMeter(t.Context(), From(styleSim()), From(sim)) // MeterFromTwice
		require.NoError(t, err)
		for range 2 {
			w := m.Start("BenchmarkServe")
			w.AddTokens(5, -5)         // MeterNegative
			w.AddOps(-1)               // MeterOps
			w.AddLatency(-time.Second) // MeterLatency
			w.Accept(-1)               // MeterAccept
			for range 3 {
				w.Phase("prefill") // MeterPhase
			}
			time.Sleep(2 * time.Second)
			w.End()
			w.AddRequests(3) // which is allowed until Stop
			r, err := w.Stop(context.Background())
			require.NoError(t, err)
			assert.Equal(t, Work{Ops: 3, Requests: 3, PromptTokens: 5, Latencies: 1, Elapsed: 2 * time.Second}, r.Work)
			again, err := w.Stop(context.Background())
			require.NoError(t, err)
			assert.Equal(t, r, again)
			w.AddTokens(1, 1)         // MeterAfterStop
			w.SetSpans(energy.Span{}) // MeterSpans
			w.Phase("late")()         // MeterPhaseLate
		}
		m.Start("BenchmarkOpen") // MeterOpen
		require.NoError(t, m.Close())
		w := m.Start("BenchmarkClosed") // MeterClosed
		_, err = w.Stop(context.Background())
		assert.ErrorIs(t, err, ErrClosed)
		assert.ErrorContains(t, err, "before the window was started")
	})
	source, err := os.ReadFile("mistake_test.go")
	require.NoError(t, err)
	says := map[string]string{
		"MeterFromTwice": "the option From is given twice",
		"MeterNegative":  "AddTokens(5, -5) is refused",
		"MeterOps":       "AddOps(-1) is refused",
		"MeterLatency":   "AddLatency(-1s) is refused",
		"MeterAccept":    "Accept(-1) is refused",
		"MeterPhase":     `the phase \"prefill\" of the window \"BenchmarkServe\" was never ended (3 of 3 uses)`,
		"MeterAfterStop": `AddTokens(1, 1) after Stop of the window \"BenchmarkServe\" does nothing`,
		"MeterSpans":     "SetSpans after Stop",
		"MeterPhaseLate": `Phase(\"late\") after Stop`,
		"MeterOpen":      `the window \"BenchmarkOpen\" was not stopped before Close of its meter`,
		"MeterClosed":    `the window \"BenchmarkClosed\" was started after Close of its meter`,
	}
	for name, text := range says {
		before, _, found := strings.Cut(string(source), " // "+name+"\n")
		require.True(t, found, name)
		line := fmt.Sprintf("mistake_test.go:%d: %s", 1+strings.Count(before, "\n"), text)
		assert.Equal(t, 1, strings.Count(out.String(), line), "%s in\n%s", line, out)
	}
	assert.Equal(t, len(says), strings.Count(out.String(), "level=WARN"), out)
}

// TestNoMeterMistakes: a load whose requests are under way at its end has none.
func TestNoMeterMistakes(t *testing.T) {
	out := warnings(t)
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		defer sim.Close()
		m, err := NewMeter(t.Context(), From(sim))
		require.NoError(t, err)
		w := m.Start("BenchmarkServe")
		w.Phase("prefill")()
		end := w.Phase("prefill")
		other := w.Phase("decode")
		time.Sleep(2 * time.Second)
		w.AddTokens(1, 1)
		_, err = w.Stop(t.Context())
		require.NoError(t, err)
		end()
		other()
		require.NoError(t, m.Close())
		var none *Meter
		none.Start("BenchmarkServe").AddTokens(1, 1)
		require.NoError(t, none.Close())
	})
	assert.Empty(t, out.String())
}
