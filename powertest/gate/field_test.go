package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each test here is about a way in which gates in use are known to have gone
// wrong.

// requireReason checks an outcome, and that its reasons say something.
func requireReason(t *testing.T, r *Report, want Outcome, parts ...string) {
	t.Helper()
	require.Equal(t, want, r.Outcome, "%s", r.Headline())
	all := strings.Join(r.Reasons, "\n")
	for _, part := range parts {
		require.Contains(t, all, part)
	}
}

var (
	before = file("Chat-8", "J/op", spread(100, 10)...)
	after  = file("Chat-8", "J/op", spread(110, 10)...)
)

// TestFieldExitStatus (golang/go#20728): a regression is an exit code, and so is
// every file that cannot be judged.
func TestFieldExitStatus(t *testing.T) {
	assert.Equal(t, 1, run(t, Config{}, before, after).Outcome.ExitCode())
	assert.Equal(t, 0, run(t, Config{}, before, before).Outcome.ExitCode())
	assert.Equal(t, 2, run(t, Config{}, before, "").Outcome.ExitCode())
	_, err := Judge(Config{}, Side{Path: "no-such-file"}, Side{Path: "no-such-file"})
	assert.ErrorIs(t, err, ErrInput)
	for o := Outcome(-3); o < 300; o++ {
		assert.Contains(t, []int{0, 1, 2}, o.ExitCode())
	}
}

// TestFieldThresholdAlone (golang/go#20726): a change above the threshold that is
// noise passes, and so does one that is significant and small.
func TestFieldThresholdAlone(t *testing.T) {
	noise := file("Chat-8", "J/op", 80, 130, 90, 120, 100, 105, 140, 70, 85, 125)
	noisy := file("Chat-8", "J/op", 85, 135, 95, 125, 106, 112, 145, 72, 82, 130)
	r := run(t, Config{}, noise, noisy)
	assert.Equal(t, Pass, r.Outcome)
	assert.Contains(t, r.Rows[0].Why, "noise")
	r = run(t, Config{}, before, file("Chat-8", "J/op", spread(102, 10)...))
	assert.Equal(t, Pass, r.Outcome)
	assert.Contains(t, r.Rows[0].Why, "below the threshold of 3 %")
	assert.Less(t, r.Rows[0].PAdjusted, 0.05)
}

// TestFieldCanFail (luthersystems/elps#309: 473 runs of a gate that could not).
func TestFieldCanFail(t *testing.T) {
	requireReason(t, run(t, Config{}, before, after), Regression, "Chat-8 J/op +10.00%")
}

// TestFieldCorruptBothSides (agentsview#985, trap 13): lines that are corrupt on
// both sides would otherwise be missing on both, and so be no difference.
func TestFieldCorruptBothSides(t *testing.T) {
	for _, bad := range []string{
		"BenchmarkDraft-8 \t 100\t 12.5 J/op\t 300",
		"BenchmarkDraft-8 \t 100\t 1x5 J/op",
		"BenchmarkDraft-8 \t ",
		"BenchmarkDraft-8 \t loading model\t 100 5 J/op",
		"Unit J/op better",
	} {
		r := run(t, Config{}, before+bad+"\n", before+bad+"\n")
		requireReason(t, r, CannotJudge, "old.txt:11", "new.txt:11")
		assert.Contains(t, r.Faults[0].Text, text([]byte(bad)))
	}
}

// TestFieldEmptyBaseline (agentsview#985, trap 14).
func TestFieldEmptyBaseline(t *testing.T) {
	requireReason(t, run(t, Config{}, "", before), CannotJudge, "old.txt has no results")
	requireReason(t, run(t, Config{}, before, "PASS\n"), CannotJudge, "new.txt has no results")
	requireReason(t, run(t, Config{}, "", ""), CannotJudge, "old.txt has no results", "new.txt has no results")
	r, err := Judge(Config{}, Side{Path: "/dev/null"}, Side{Path: "/dev/null"})
	if err == nil { // there is one
		assert.Equal(t, CannotJudge, r.Outcome)
	}
}

// TestFieldManyRegressions (asv#865): 256 regressions are not 0.
func TestFieldManyRegressions(t *testing.T) {
	var old, newer strings.Builder
	for i := range 256 {
		name := "Case" + strings.Repeat("x", i)
		old.WriteString(file(name, "J/op", spread(100, 10)...))
		newer.WriteString(file(name, "J/op", spread(110, 10)...))
	}
	r := run(t, Config{}, old.String(), newer.String())
	assert.Equal(t, 1, r.Outcome.ExitCode())
	assert.Equal(t, "FAIL: 256 regressions in 256 comparisons", r.Headline())
	assert.Contains(t, r.Reasons[0], "and 251 more")
}

// TestFieldDirection (avalanchego#4308, github-action-benchmark#365, go-mssqldb#437,
// trap 12): fewer tokens/J or B/s are worse, and more are better.
func TestFieldDirection(t *testing.T) {
	for unit, better := range map[string]int{
		"tokens/J": +1, "goodput-tokens/J": +1, "tokens/s": +1, "MB/s": +1, "req/J": +1,
		"J/op": -1, "J/token": -1, "J/prompt-token": -1, "prefill-J/op": -1, "W": -1, "idle-W": -1, "W/gpu": -1,
		"net-J/op": -1, "J*s/req": -1, "ns/op": -1, "B/op": -1, "allocs/op": -1, "p99-ns": -1, "decode-err-%": -1,
	} {
		more := run(t, Config{Units: []string{unit}}, file("A", unit, spread(100, 10)...), file("A", unit, spread(110, 10)...))
		less := run(t, Config{Units: []string{unit}}, file("A", unit, spread(110, 10)...), file("A", unit, spread(100, 10)...))
		if better > 0 {
			more, less = less, more
		}
		assert.Equal(t, Regression, more.Outcome, unit)
		assert.Equal(t, Pass, less.Outcome, unit)
		assert.Equal(t, VerdictImprovement, less.Rows[0].Verdict, unit)
	}
}

// TestFieldUnknownDirection: a rate of errors is a rate, too.
func TestFieldUnknownDirection(t *testing.T) {
	old, newer := file("A", "errors/s", spread(100, 10)...), file("A", "errors/s", spread(110, 10)...)
	cfg := Config{Units: []string{"errors/s"}}
	requireReason(t, run(t, cfg, old, newer), CannotJudge, "errors/s", "-unit 'errors/s better=lower'")
	cfg.Better = map[string]int{"errors/s": -1}
	requireReason(t, run(t, cfg, old, newer), Regression)
	cfg.Better = map[string]int{"errors/s": +1}
	assert.Equal(t, Pass, run(t, cfg, old, newer).Outcome)
}

// TestFieldBetterIsHonoured: benchstat takes no notice of it. Files that
// contradict each other, or the command line, are not judged.
func TestFieldBetterIsHonoured(t *testing.T) {
	old, newer := file("A", "score", spread(100, 10)...), file("A", "score", spread(110, 10)...)
	cfg := Config{Units: []string{"score"}}
	const up, down = "Unit score better=higher\n", "Unit score better=lower\n"
	assert.Equal(t, Pass, run(t, cfg, up+old, up+newer).Outcome)
	assert.Equal(t, Regression, run(t, cfg, down+old, down+newer).Outcome)
	assert.Equal(t, Regression, run(t, cfg, old, down+newer).Outcome)
	requireReason(t, run(t, cfg, up+old, down+newer), CannotJudge, "old.txt:1", "new.txt:1")
	requireReason(t, run(t, cfg, "Unit score better=sideways\n"+old, newer), CannotJudge, "better=sideways")
	cfg.Better = map[string]int{"score": -1}
	requireReason(t, run(t, cfg, up+old, up+newer), CannotJudge, "opposite")
}

// TestFieldThresholdPerUnit (github-action-benchmark#183).
func TestFieldThresholdPerUnit(t *testing.T) {
	old := file("A", "J/op", spread(100, 10)...) + file("A", "ns/op", spread(100, 10)...)
	newer := file("A", "J/op", spread(104, 10)...) + file("A", "ns/op", spread(104, 10)...)
	r := run(t, Config{Thresholds: map[string]float64{"J/op": 0.03, "ns/op": 0.05}}, old, newer)
	require.Len(t, r.Rows, 2)
	assert.Equal(t, VerdictSame, r.Rows[0].Verdict)
	assert.Equal(t, "sec/op", r.Rows[0].Unit)
	assert.Equal(t, VerdictRegression, r.Rows[1].Verdict)
	r = run(t, Config{Thresholds: map[string]float64{"": 0.05}}, old, newer)
	assert.Equal(t, Pass, r.Outcome)
}

// TestFieldFamily (cockroach 19.2: 150 of 1,463 benchmarks "significant"): p of
// 0.03 is nothing among many, and something alone.
func TestFieldFamily(t *testing.T) {
	one := file("A", "J/op", 100, 101, 102, 103, 104, 105, 106, 107)
	worse := file("A", "J/op", 104.5, 103.5, 107.5, 108, 109, 112, 110, 106.5)
	r := run(t, Config{}, one, worse)
	require.Equal(t, Regression, r.Outcome)
	require.Greater(t, r.Rows[0].P, 0.005)
	var rest strings.Builder
	for i := range 20 {
		rest.WriteString(file("Same"+strings.Repeat("x", i), "J/op", spread(100, 8)...))
	}
	r = run(t, Config{}, one+rest.String(), worse+rest.String())
	assert.Equal(t, Pass, r.Outcome)
	assert.Equal(t, 21, r.Family)
	assert.Contains(t, r.Rows[0].Why, "alone, but not among 21 comparisons")
}

// TestFieldTooFewSamples (trap 15): four samples cannot show anything in two
// comparisons, and that is no pass. It says how many can.
func TestFieldTooFewSamples(t *testing.T) {
	old := file("A", "J/op", spread(100, 4)...) + file("B", "J/op", spread(100, 4)...)
	newer := file("A", "J/op", spread(200, 4)...) + file("B", "J/op", spread(100, 4)...)
	requireReason(t, run(t, Config{}, old, newer), CannotJudge, "too few samples", "-count 5")
	requireReason(t, run(t, Config{}, file("A", "J/op", 1), file("A", "J/op", 2)), CannotJudge, "-count 4")
	assert.Equal(t, Regression, run(t, Config{}, file("A", "J/op", spread(100, 4)...), file("A", "J/op", spread(200, 4)...)).Outcome)
}

// TestFieldExactUnits (benchdiff#24): a unit that is the same in every run needs
// one sample, and no threshold.
func TestFieldExactUnits(t *testing.T) {
	cfg := Config{Units: []string{"allocs/op"}, Exact: map[string]bool{"allocs/op": true}}
	r := run(t, cfg, file("A", "allocs/op", 1000), file("A", "allocs/op", 1001))
	requireReason(t, r, Regression)
	assert.Zero(t, r.Family)
	assert.Equal(t, Pass, run(t, cfg, file("A", "allocs/op", 1001), file("A", "allocs/op", 1000)).Outcome)
	cfg.Exact = nil
	const exact = "Unit allocs/op assume=exact\n"
	requireReason(t, run(t, cfg, exact+file("A", "allocs/op", 3), exact+file("A", "allocs/op", 4)), Regression)
	cfg.Thresholds = map[string]float64{"allocs/op": 0.5}
	assert.Equal(t, Pass, run(t, cfg, exact+file("A", "allocs/op", 3), exact+file("A", "allocs/op", 4)).Outcome)
	r = run(t, cfg, exact+file("A", "allocs/op", 3, 5, 3), exact+file("A", "allocs/op", 4, 4, 9))
	requireReason(t, r, CannotJudge, "not exact")
	requireReason(t, run(t, cfg, exact+before, "Unit allocs/op assume=nothing\n"+after+file("A", "allocs/op", 3)), CannotJudge, "assume=exact", "assume=nothing")
}

// TestFieldMissingBenchmark (trap 16): what is not there any more is not the same.
func TestFieldMissingBenchmark(t *testing.T) {
	both := before + file("Embed-8", "J/op", spread(5, 10)...)
	requireReason(t, run(t, Config{}, both, before), CannotJudge, "missing in new.txt: Embed-8", "-missing warn")
	r := run(t, Config{Missing: Warn}, both, before)
	assert.Equal(t, Pass, r.Outcome)
	assert.Contains(t, r.Warnings, "missing in new.txt: Embed-8")
	r = run(t, Config{}, before, both)
	assert.Equal(t, Pass, r.Outcome, "a new benchmark is no reason to fail")
	assert.Equal(t, []Absent{{Benchmark: "Embed-8", Side: "old"}}, r.New)
	// Another number of CPUs is another benchmark.
	r = run(t, Config{}, before, strings.ReplaceAll(before, "Chat-8", "Chat-16"))
	requireReason(t, r, CannotJudge, "missing in new.txt: Chat-8")
	assert.Contains(t, strings.Join(r.Warnings, ""), "-ignore /gomaxprocs")
	assert.Equal(t, Pass, run(t, Config{Ignore: "/gomaxprocs"}, before, strings.ReplaceAll(before, "Chat-8", "Chat-16")).Outcome)
}

// TestFieldMissingJoules: a benchmark that ran on a machine without a source has
// a time, and no joules.
func TestFieldMissingJoules(t *testing.T) {
	times := file("Chat-8", "ns/op", spread(100, 10)...)
	requireReason(t, run(t, Config{}, times+before, times), CannotJudge, "missing in new.txt: Chat-8 J/op")
}

// TestFieldNoJoulesAtAll: files of machines without a source are judged by their
// times, but not without a word.
func TestFieldNoJoulesAtAll(t *testing.T) {
	times := file("Chat-8", "ns/op", spread(100, 10)...)
	assert.Empty(t, run(t, Config{}, times, times).Warnings)
	r := run(t, Config{}, "Unit J/op better=lower\n"+times, times)
	assert.Equal(t, Pass, r.Outcome)
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "no result has joules")
}

// TestFieldAllJoulesWithheld: a file that was measured, and of which every number
// was withheld, is no baseline, and no pass.
func TestFieldAllJoulesWithheld(t *testing.T) {
	const source = "energy-source: nvml\ngpu: NVIDIA H200\n"
	times := source + file("Chat-8", "ns/op", spread(100, 10)...)
	joules := times + file("Chat-8", "J/op", spread(100, 10)...)
	for _, sides := range [][2]string{{times, joules}, {joules, times}, {times, times}} {
		r := run(t, Config{}, sides[0], sides[1])
		requireReason(t, r, CannotJudge, "has joules, though it has an energy-source")
	}
	assert.Equal(t, Pass, run(t, Config{Units: []string{"ns/op"}}, times, times).Outcome)
	plain := joules + file("Plain-8", "ns/op", spread(100, 10)...)
	assert.Equal(t, Pass, run(t, Config{}, plain, plain).Outcome, "one benchmark that is not measured")
}

// TestFieldPackages: the benchmark of another package is another benchmark, even
// if it has the same name.
func TestFieldPackages(t *testing.T) {
	r := run(t, Config{}, "pkg: a\n"+before, "pkg: b\n"+before)
	requireReason(t, r, CannotJudge, "missing in new.txt: Chat-8")
	assert.Empty(t, r.Differences)
	assert.Len(t, r.New, 1)
}

// TestFieldOtherGPU (trap 17): benchstat puts them into two tables.
func TestFieldOtherGPU(t *testing.T) {
	const a, b = "gpu: NVIDIA H200\ngpus: 1\npower-limit: 700W\nenergy-source: nvml\n", "gpu: NVIDIA H100\ngpus: 1\npower-limit: 700W\nenergy-source: nvml\n"
	requireReason(t, run(t, Config{}, a+before, b+before), CannotJudge, "gpu differs: NVIDIA H200 in old.txt, NVIDIA H100 in new.txt", "-ignore gpu")
	assert.Equal(t, Pass, run(t, Config{Ignore: "gpu"}, a+before, b+before).Outcome)
	for line, other := range map[string]string{"gpus: 1": "gpus: 2", "power-limit: 700W": "power-limit: 350W", "energy-source: nvml": "energy-source: dcgm"} {
		key, _, _ := strings.Cut(line, ":")
		requireReason(t, run(t, Config{}, a+before, strings.Replace(a, line, other, 1)+before), CannotJudge, key+" differs")
		requireReason(t, run(t, Config{}, a+before, strings.Replace(a, line+"\n", "", 1)+before), CannotJudge, key+" differs", "(no such line)")
	}
	const cpus = a + "cpu-energy: package+dram\ncpus: 2\n"
	requireReason(t, run(t, Config{}, cpus+before, strings.Replace(cpus, "package+dram", "package", 1)+before), CannotJudge,
		"cpu-energy differs: package+dram in old.txt, package in new.txt (other parts of the CPUs, or none)")
	requireReason(t, run(t, Config{}, "goos: linux\n"+before, "goos: darwin\n"+before), CannotJudge, "goos differs", "-ignore goos")
}

// TestFieldSimulated: simulated joules are never compared with measured ones.
func TestFieldSimulated(t *testing.T) {
	const sim, nvml = "energy-source: simulated\n", "energy-source: nvml\n"
	assert.Equal(t, Pass, run(t, Config{}, sim+before, sim+before).Outcome)
	for _, ignore := range []string{"", "energy-source"} {
		cfg := Config{Ignore: ignore}
		requireReason(t, run(t, cfg, sim+before, nvml+before), CannotJudge, "simulat")
		requireReason(t, run(t, cfg, before, sim+before), CannotJudge, "simulat")
	}
	requireReason(t, run(t, Config{Ignore: "energy-source"}, sim+before+nvml+before, nvml+before), CannotJudge, "simulated joules and measured ones")
}

// TestFieldSamplePerLine (github-action-benchmark finds one point by its name):
// all samples count, wherever in the file they are.
func TestFieldSamplePerLine(t *testing.T) {
	var mixed strings.Builder
	for _, v := range spread(110, 10) {
		mixed.WriteString(file("Embed-8", "J/op", 5) + "some log\n" + file("Chat-8", "J/op", v))
	}
	r := run(t, Config{Filter: ".name:Chat"}, before, mixed.String())
	require.Equal(t, Regression, r.Outcome)
	assert.Equal(t, 10, r.Rows[0].New.N)
	// The same metric twice on one line is not two samples.
	twice := strings.ReplaceAll(before, " J/op", " J/op\t 7 J/op")
	requireReason(t, run(t, Config{}, twice, twice), CannotJudge, "two values of J/op")
}

// TestFieldFailedRun: a file of a run that failed half-way is not a side.
func TestFieldFailedRun(t *testing.T) {
	for _, end := range []string{
		"--- FAIL: BenchmarkEmbed-8\nFAIL\n", "FAIL\texample.com/client\t1.2s\n", "FAIL", "FAIL\r\n",
		"panic: runtime error: index out of range\n", "fatal error: all goroutines are asleep\n", "signal: killed\n",
	} {
		requireReason(t, run(t, Config{}, before, before+end), CannotJudge, "the run failed", "new.txt:11")
		requireReason(t, run(t, Config{}, before+end, before), CannotJudge, "the run failed", "old.txt:11")
	}
	assert.Equal(t, Pass, run(t, Config{}, before, before+"FAILOVER to node 2\nPASS\nok \texample.com\t3s\n").Outcome)
}

// TestFieldConfigPerSample: a line that varies from sample to sample leaves no two
// that can be compared. It is reported once, with what to do.
func TestFieldConfigPerSample(t *testing.T) {
	varying := func(seed float64, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "energy-window: %gs\n%s", seed+float64(i), file("Chat-8", "J/op", 100))
		}
		return b.String()
	}
	for _, n := range []int{10, 5000} {
		r := run(t, Config{}, varying(0.1, n), varying(0.2, n))
		requireReason(t, r, CannotJudge, "energy-window differs: 0.1s in old.txt, 0.2s in new.txt", "more pairs of values", "-ignore energy-window")
		assert.Len(t, r.Reasons, 1)
		assert.Less(t, len(r.Differences), 100)
	}
	assert.Equal(t, Pass, run(t, Config{Ignore: "energy-window"}, varying(0.1, 10), varying(0.2, 10)).Outcome)
}
