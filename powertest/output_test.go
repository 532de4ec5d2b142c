package powertest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

// These tests run benchmarks in processes of their own, as go test does, and read
// their output as benchstat does. Each is about one way in which a plug-in of
// testing.B is known to go wrong.

// TestTrapNReadAtWrap: b.N is 1 when b.Loop begins. Dividing by that gives the
// joules of the whole run.
func TestTrapNReadAtWrap(t *testing.T) {
	t.Parallel()
	results := styled(t, "^Benchmark(Loop|N)$", nil).results()
	require.Len(t, results, 2)
	for _, r := range results {
		require.Greater(t, r.Iters, 1)
		requireJoules(t, r)
	}
}

// TestTrapPrintDuringRound: whatever is printed while a round runs tears the
// result line apart, in the plain form only. results fails on such lines.
func TestTrapPrintDuringRound(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		nil,
		{"-test.v"},
		{"-test.count=2"},
		{"-test.cpu=1,2"},
		{"-test.benchtime=30x"},
		{"-test.benchmem"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			const match = "^Benchmark(Loop|N|WrapLate|Phases|Teardown|SetUpBeforeWrap)$"
			results := styled(t, match, nil, append([]string{"-test.benchtime=60ms"}, flags...)...).results()
			want := 6
			if slices.Contains(flags, "-test.count=2") || slices.Contains(flags, "-test.cpu=1,2") {
				want = 12
			}
			require.Len(t, results, want)
			require.NotEmpty(t, values(results, "J/op"))
		})
	}
}

// TestTrapSkip: a benchmark that is skipped reports nothing: neither in its first
// round, nor in a later one, where testing prints a NaN of its own.
func TestTrapSkip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := styled(t, "^BenchmarkSkip$", []string{"POWERTEST_TRACE=" + dir}, "-test.benchtime=1x")
	assert.Empty(t, r.results())
	assert.Empty(t, filesIn(t, dir), "a benchmark that was skipped was measured")
	r = styled(t, "^BenchmarkSkipLater$", nil)
	assert.NotContains(t, r.out, "J/op\t")
	assert.NotContains(t, r.out, " W\t")
}

// TestTrapZeroN: after a Fatal or a break in the loop b.N is 0.
func TestTrapZeroN(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Fatal", "Break"} {
		dir := t.TempDir()
		r := styled(t, "^Benchmark"+name+"$", []string{"POWERTEST_TRACE=" + dir})
		assert.Empty(t, filesIn(t, dir), "a benchmark that failed was measured")
		assert.Equal(t, 1, r.code)
		assert.NotContains(t, r.out, "NaN")
		assert.NotContains(t, r.out, "Inf")
		assert.NotContains(t, r.out, "panic")
		assert.Contains(t, r.out, "--- FAIL: Benchmark"+name)
	}
}

// TestTrapParent: the parent of sub-benchmarks is not measured, and its window
// is not in the children's way, whichever Run they were started with.
func TestTrapParent(t *testing.T) {
	t.Parallel()
	results := styled(t, "^Benchmark(Raw)?Parent$", nil).results()
	require.Len(t, results, 3)
	for _, r := range results {
		requireJoules(t, r)
	}
	// A parent that is long enough to be reported, if it were one that is; and
	// one that none of its children are run of.
	dir := t.TempDir()
	env := []string{"POWERTEST_TRACE=" + dir}
	styled(t, "^BenchmarkRawParent$", env, "-test.benchtime=1x")
	styled(t, "^BenchmarkParent$/none", env, "-test.benchtime=1x")
	files := filesIn(t, dir)
	assert.Len(t, files, 1, "that of the child")
	for _, f := range files {
		assert.NotContains(t, filepath.Base(f), "Parent-", "a parent was measured")
	}
}

// TestTrapLine: messages name the user's line, where Run wraps the benchmark, too.
func TestTrapLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ match, env, says string }{
		"Wrap":  {"^BenchmarkLoop$", "POWERTEST_TRACE=" + os.DevNull, "powertest: no trace: "},
		"Run":   {"^BenchmarkParent$", "POWERTEST_TRACE=" + os.DevNull, "powertest: no trace: "},
		"fatal": {"^BenchmarkLoop$", "POWERTEST_DEVICES=,", "powertest: POWERTEST_DEVICES=\",\" is "},
		"phase": {"^BenchmarkBadPhase$", "", "powertest: phase \"two words\" is not measured"},
	} {
		t.Run(name, func(t *testing.T) {
			r := styled(t, c.match, []string{c.env}, "-test.benchtime=1x")
			assert.Regexp(t, `(?m)^ +styles_test\.go:\d+: `+regexp.QuoteMeta(c.says), r.out)
			assert.NotContains(t, r.out, "wrap.go:")
		})
	}
}

// filesIn lists the files in a directory.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	return files
}

// TestTrapSlack: what is measured and not timed, or timed and not measured, takes
// the joules with it, and the log says which call to move.
func TestTrapSlack(t *testing.T) {
	t.Parallel()
	for name, advice := range map[string]string{
		"Somewhere":       "b.StopTimer() before teardown",
		"SetUpBeforeWrap": "call b.ResetTimer() just before the loop",
		"SomewhereN":      "call b.ResetTimer() after set-up that follows Wrap",
		"RawPauses":       "on the powertest.B, not on the testing.B",
		"RawPauseFirst":   "on the powertest.B, not on the testing.B",
	} {
		t.Run(name, func(t *testing.T) {
			r := styled(t, "^Benchmark"+name+"$", nil)
			requireNoJoules(t, r.one())
			assert.Contains(t, r.out, "styles_test.go:", "the line of Wrap")
			assert.Contains(t, r.out, "window_mismatch: ")
			assert.Contains(t, r.out, advice)
		})
	}
	for _, name := range []string{"SetUpAfterWrap", "Teardown", "RawReset", "Reset", "StopBeforeTeardown", "CleanupAfterWrap", "Pauses", "WrapInLoop", "Parallel"} {
		t.Run(name, func(t *testing.T) {
			r := styled(t, "^Benchmark"+name+"$", nil).one()
			requireJoules(t, r)
			if tokens, ok := r.Value("J/token"); ok && name == "Reset" {
				joules, _ := r.Value("J/op")
				assert.InEpsilon(t, joules/10, tokens, 0.01, "warm-up counts")
			}
		})
	}
}

// TestTrapConfigPerSample: a configuration line that varies splits benchstat's
// tables. All results of a configuration have the same lines, in any run.
func TestTrapConfigPerSample(t *testing.T) {
	t.Parallel()
	var first string
	for range 2 {
		results := styled(t, "^Benchmark(Loop|N)$", nil, "-test.count=3", "-test.benchtime=50ms").results()
		require.Len(t, results, 6)
		for _, r := range results {
			var config strings.Builder
			for _, c := range r.Config {
				if !strings.HasPrefix(c.Key, ".") {
					config.WriteString(c.Key + ": " + string(c.Value) + "\n")
				}
			}
			if first == "" {
				first = config.String()
			}
			assert.Equal(t, first, config.String())
		}
	}
	for _, line := range []string{"energy-source: simulated", "gpu: Simulated GPU", "gpus: 1", "power-limit: 700W"} {
		assert.Contains(t, first, line+"\n")
	}
}

// TestTrapHeaderOnce: the direction of each unit that is reported, and of no other, is
// announced once, before the first result that uses it, as benchfmt understands.
func TestTrapHeaderOnce(t *testing.T) {
	t.Parallel()
	r := styled(t, "^Benchmark(N|Loop|EndDeferred)$", nil, "-test.count=2")
	all := map[string]bool{}
	for _, x := range r.results() {
		for _, v := range x.Values {
			if v.OrigUnit == "" {
				all[v.Unit] = true
			}
		}
	}
	assert.Len(t, all, 8)
	assert.Equal(t, len(all), strings.Count(r.out, "Unit "))
	reader := benchfmt.NewReader(strings.NewReader(r.out), "out")
	for reader.Scan() {
	}
	directions := benchfmt.UnitMetadataMap(reader.Units())
	for unit := range all {
		assert.Equal(t, 1, strings.Count(r.out, "Unit "+unit+" better="), unit)
		better, known := metrictable.Better(unit)
		assert.True(t, known, unit)
		assert.Equal(t, int(better), directions.GetBetter(unit), unit)
	}
	assert.Less(t, strings.Index(r.out, "Unit tokens/J"), strings.Index(r.out, "BenchmarkLoop"))
	assert.Less(t, strings.Index(r.out, "Unit step-J/op"), strings.Index(r.out, "BenchmarkEndDeferred"))
	assert.Less(t, strings.Index(r.out, "energy-source:"), strings.Index(r.out, "BenchmarkLoop"))
}

// TestTrapHeaderInTests: where no benchmarks were asked for, nothing is printed.
func TestTrapHeaderInTests(t *testing.T) {
	t.Parallel()
	r := styled(t, "", nil, "-test.run=BenchmarkInTest")
	assert.Equal(t, "PASS\n", r.out)
	r = styled(t, "^BenchmarkLoop$", nil, "-test.run=BenchmarkInTest")
	requireJoules(t, r.one())
	assert.Less(t, strings.Index(r.out, "energy-source:"), strings.Index(r.out, "BenchmarkLoop"))
}

// TestTrapUnnamed: testing.Benchmark throws its log away, so that the reasons of each run
// are on stderr, once, also in strict mode; a trace has a name that is one.
func TestTrapUnnamed(t *testing.T) {
	t.Parallel()
	for _, strict := range []string{"0", "1"} {
		dir := t.TempDir()
		r := styled(t, "", []string{"POWERTEST_TRACE=" + dir, "POWERTEST_STRICT=" + strict}, "-test.run=Unnamed")
		assert.Equal(t, 2, strings.Count(r.out, "powertest: the joules of the benchmark are withheld: window_mismatch: "))
		files := filesIn(t, dir)
		require.Len(t, files, 2)
		assert.Regexp(t, `^benchmark-\d+\.\d+\.\d+\.json$`, filepath.Base(files[0]))
	}
	r := styled(t, "", []string{"POWERTEST_SOURCE=steam"}, "-test.run=Unnamed")
	assert.Equal(t, 2, strings.Count(r.out, `powertest: POWERTEST_SOURCE="steam" is not a source that is known`))
}

// TestTrapLines: what is said of a benchmark is said at a line of the user's.
func TestTrapLines(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkBadPhase$", nil)
	assert.Regexp(t, `styles_test\.go:\d+: powertest: phase "two words" is not measured`, r.out)
	assert.Regexp(t, `styles_test\.go:\d+: powertest: the joules of the benchmark are withheld`, r.out)
}

// TestTrapLateWrap: a benchmark that is wrapped in later rounds only, whose name
// has been printed by then, must do without a header.
func TestTrapLateWrap(t *testing.T) {
	t.Parallel()
	r := styled(t, "^Benchmark(WrapLate|N)$", nil, "-test.benchtime=50ms")
	require.Len(t, r.results(), 2)
	r = styled(t, "^BenchmarkWrapLate$", nil, "-test.benchtime=50ms")
	requireJoules(t, r.one())
	assert.NotContains(t, r.out, "Unit ")
}

// TestBenchtimes: each way to say how long, for each style of loop. Two goroutines share
// the 400 operations, so that the window has ten ticks in it, however many CPUs there are.
func TestBenchtimes(t *testing.T) {
	t.Parallel()
	for flag, n := range map[string]int{"1x": 1, "400x": 400} {
		results := styled(t, "^Benchmark(Loop|N|Parallel)$", nil, "-test.benchtime="+flag, "-test.cpu=2").results()
		require.Len(t, results, 3)
		for _, r := range results {
			assert.Equal(t, n, r.Iters, "%s", r.Name)
			if n > 1 { // 1 ms is too short for a counter that ticks every 10 ms
				requireJoules(t, r)
			}
		}
	}
}

// TestNoGPU: the benchmark runs, reports what it can, and says once why there are
// no joules. Strict mode fails instead.
func TestNoGPU(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/nvidiactl"); err == nil {
		t.Skip("there is a GPU")
	}
	r := styled(t, "^Benchmark(Plain|Other)$", nil, "-test.count=2", "-test.benchtime=20ms")
	results := r.results()
	require.Len(t, results, 4)
	assert.Len(t, values(results, "tokens/s"), 2)
	for _, x := range results {
		requireNoJoules(t, x)
		assert.Empty(t, x.GetConfig("energy-source"))
	}
	assert.Equal(t, 1, strings.Count(r.out, "no energy measurement"), "logged once")

	r = styled(t, "^Benchmark(Plain|Other)$", []string{"POWERTEST_STRICT=1"})
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "no energy measurement, and POWERTEST_STRICT is set")
	assert.NotContains(t, r.out, "ns/op")
}

// TestFallbackInUse: the fallback says what it is.
func TestFallbackInUse(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/nvidiactl"); err == nil {
		t.Skip("there is a GPU")
	}
	r := styled(t, "^BenchmarkFallback$", nil)
	requireJoules(t, r.one())
	assert.Equal(t, "simulated", r.one().GetConfig("energy-source"))
	assert.Contains(t, r.out, "there is nothing else to measure")

	r = styled(t, "^BenchmarkFallback$", []string{"POWERTEST_STRICT=1"})
	assert.Equal(t, 1, r.code)
}

// TestOff turns everything off, whatever the code says.
func TestOff(t *testing.T) {
	t.Parallel()
	r := styled(t, "^Benchmark(Loop|Phases|Net|Pauses|StopBeforeTeardown)$", []string{"POWERTEST_SOURCE=off", "POWERTEST_STRICT=1"})
	results := r.results()
	require.Len(t, results, 5)
	for _, x := range results {
		requireNoJoules(t, x)
	}
	assert.NotContains(t, r.out, "powertest:")
	assert.NotContains(t, r.out, "energy-source")
	assert.NotContains(t, r.out, "Unit")
}

// TestSimByEnvironment: a source that is linked in, chosen without the code.
func TestSimByEnvironment(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=sim=gpus=4,idle=50,period=10ms", "POWERTEST_DEVICES=0,2"}).one()
	watts, _ := r.Value("W")
	assert.InEpsilon(t, 100, watts, 0.02, "two idle devices")
	assert.Equal(t, "2", r.GetConfig("gpus"))
	assert.Equal(t, "simulated", r.GetConfig("energy-source"))
}

// TestMalformedEnvironment fails in round one, before any result.
func TestMalformedEnvironment(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"POWERTEST_SOURCE=nmvl", "POWERTEST_SOURCE=sim=idle=cold", "POWERTEST_STRICT=perhaps", "POWERTEST_DEVICES=,", "POWERTEST_SOURCE=sim POWERTEST_DEVICES=7"} {
		vars := strings.Fields(env)
		r := styled(t, "^BenchmarkEnv$", vars)
		assert.Equal(t, 1, r.code, env)
		assert.Contains(t, r.out, "--- FAIL: BenchmarkEnv")
		name, value, _ := strings.Cut(vars[len(vars)-1], "=")
		assert.Contains(t, r.out, name+"=\""+value+"\"")
		assert.NotContains(t, r.out, `POWERTEST_DEVICES=""`, "what is not set is not named")
		assert.NotContains(t, r.out, "ns/op")
	}
}

// TestStrictWithholds: a number that is withheld is a failure, where there is an
// instrument that should have given it.
func TestStrictWithholds(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkSomewhere$", []string{"POWERTEST_STRICT=1"})
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "window_mismatch")
	r = styled(t, "^BenchmarkLoop$", []string{"POWERTEST_STRICT=1"})
	requireJoules(t, r.one())
}

// TestDevicesInCode: a selector that fits nothing leaves the benchmark alone.
func TestDevicesInCode(t *testing.T) {
	t.Parallel()
	requireJoules(t, styled(t, "^BenchmarkDevices$", []string{"STYLES_DEVICE=0"}).one())
	r := styled(t, "^BenchmarkDevices$", []string{"STYLES_DEVICE=GPU-4f"})
	requireNoJoules(t, r.one())
	assert.Contains(t, r.out, `nothing is named "GPU-4f"`)
}

// TestAllStyles: each style has its result. With -race, the processes have the race
// detector too.
func TestAllStyles(t *testing.T) {
	t.Parallel()
	r := styled(t, "^Benchmark(Loop|N|Parallel|Parent|Pauses|Phases|Net|Reset)$", nil, "-test.benchtime=50ms", "-test.cpu=2")
	assert.Len(t, r.results(), 9)
	assert.NotContains(t, r.out, "DATA RACE")
}
