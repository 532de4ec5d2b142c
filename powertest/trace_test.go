package powertest

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTrace: one file for each result, with everything that is known of it.
func TestTrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := styled(t, "^Benchmark(N|Phases|Teardown|Parent)$", []string{"POWERTEST_TRACE=" + dir}, "-test.count=2", "-test.benchtime=150ms")
	results := r.results()
	require.Len(t, results, 10)
	files := filesIn(t, dir)
	require.Len(t, files, 10, "one per result, and nothing else")

	seen := map[string]int{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var res Report
		require.NoError(t, json.Unmarshal(data, &res), "%s", file)
		seen[res.Name]++
		assert.Equal(t, "simulated", res.Source)
		assert.Equal(t, SchemaVersion, res.SchemaVersion)
		assert.NotZero(t, res.Work.Ops)
		assert.NotZero(t, res.Procs)
		assert.NotZero(t, res.Work.Elapsed)
		assert.NotZero(t, res.SourceCalls)
		require.NotNil(t, res.Measurement)
		switch res.Name {
		case "BenchmarkN":
			assert.EqualValues(t, 10*res.Work.Ops, res.Work.OutputTokens)
			assert.EqualValues(t, 100*res.Work.Ops, res.Work.PromptTokens)
			if !res.Measurement.Valid {
				assert.NotEmpty(t, res.Reasons)
				continue
			}
			assert.Equal(t, "J/op", res.Metrics[0].Unit)
			assert.True(t, slices.ContainsFunc(values(results, "J/op"), func(v float64) bool {
				return math.Abs(v/res.Metrics[0].Value-1) < 1e-3 // as rounded by testing
			}), "the metric is that of a result line")
		case "BenchmarkPhases":
			require.Len(t, res.Phases, 2)
			assert.Equal(t, "prefill", res.Phases[0].Name)
			assert.Equal(t, "decode", res.Phases[1].Name)
		case "BenchmarkTeardown":
			assert.False(t, res.Measurement.Valid)
			require.NotEmpty(t, res.Reasons)
			assert.EqualValues(t, "window_mismatch", res.Reasons[len(res.Reasons)-1].Reason)
		}
	}
	assert.Equal(t, map[string]int{"BenchmarkN": 2, "BenchmarkPhases": 2, "BenchmarkTeardown": 2,
		"BenchmarkParent/size=1": 2, "BenchmarkParent/size=2": 2}, seen)
}

// TestTraceUnwritable: the benchmark goes on, and the log says why there is none.
func TestTraceUnwritable(t *testing.T) {
	t.Parallel()
	r := styled(t, "^BenchmarkN$", []string{"POWERTEST_TRACE=/proc/nowhere"}, "-test.count=2", "-test.benchtime=150ms")
	results := r.results()
	require.Len(t, results, 2)
	require.NotEmpty(t, values(results, "J/op"))
	assert.Contains(t, r.out, "no trace: POWERTEST_TRACE=/proc/nowhere must be a directory that can be written to: stat /proc/nowhere: no such file or directory\n")
	assert.NotContains(t, r.out, "invalid argument")
}

func TestTraceOfNoEnergy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=off", "POWERTEST_TRACE=" + dir}, "-test.benchtime=5x").one()
	files := filesIn(t, dir)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.NotContains(t, string(data), "measurement")
	assert.Contains(t, string(data), `"output_tokens": 50`)
}
