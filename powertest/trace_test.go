package powertest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestTrace: one file for each result, with everything that is known of it.
func TestTrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := styled(t, "^Benchmark(N|Phases|Somewhere|Parent)$", []string{"POWERTEST_TRACE=" + dir}, "-test.count=2", "-test.benchtime=150ms")
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
		case "BenchmarkSomewhere":
			assert.False(t, res.Measurement.Valid)
			require.NotEmpty(t, res.Reasons)
			assert.EqualValues(t, "window_mismatch", res.Reasons[len(res.Reasons)-1].Reason)
		}
	}
	assert.Equal(t, map[string]int{"BenchmarkN": 2, "BenchmarkPhases": 2, "BenchmarkSomewhere": 2,
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

// TestHostileTraces: two processes of the same number, as those of containers have, do
// not replace each other's traces in a directory that they share, a link that somebody
// has planted is not followed, and long names fit.
func TestHostileTraces(t *testing.T) {
	dir := t.TempDir()
	r := Report{Name: "BenchmarkServe/" + strings.Repeat("long/", 100), Procs: 8}
	before := process.traces.Load()
	t.Cleanup(func() { process.traces.Store(before) })
	require.NoError(t, writeTrace(dir, r))
	first := filesIn(t, dir)
	require.Len(t, first, 1)
	text, err := os.ReadFile(first[0])
	require.NoError(t, err)

	process.traces.Store(before) // as in the other process
	r.Procs++
	victim := filepath.Join(t.TempDir(), "victim")
	next := strings.Replace(first[0], "-8.", "-9.", 1)
	if err := os.Symlink(victim, next); err != nil {
		t.Skip(err)
	}
	require.NoError(t, writeTrace(dir, r))
	r.Procs--
	process.traces.Store(before)
	require.NoError(t, writeTrace(dir, r))
	assert.NoFileExists(t, victim)
	assert.Len(t, filesIn(t, dir), 4, "the first one, the link, and two more")
	again, err := os.ReadFile(first[0])
	require.NoError(t, err)
	assert.Equal(t, string(text), string(again))
}

// FuzzOpenTrace: whatever is in a trace, opening it and asking for its past ends with a
// result or an error.
func FuzzOpenTrace(f *testing.F) {
	for _, text := range hostileTraces {
		f.Add([]byte(text))
	}
	ticks := [][3]float64{{0, 0, 5}}
	for i := 1.0; i < 20; i++ {
		ticks = append(ticks, [3]float64{i*1e8 - 1e6, i * 1e8, 5 + 10*i})
	}
	whole, err := json.Marshal(Report{SchemaVersion: SchemaVersion, Recording: &energy.Recording{
		Base:    time.Unix(1_800_000_000, 0).Add(-500 * time.Millisecond),
		Devices: []energy.DeviceRecording{{Device: energy.Device{UUID: "GPU-1", Method: energy.Counter}, Ticks: ticks, TickPeriod: 1e8}},
	}})
	require.NoError(f, err)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "trace.json")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		src, err := OpenTrace(path)
		if err != nil {
			require.ErrorIs(t, err, energy.ErrMalformed)
			return
		}
		begin := time.Unix(1_800_000_000, 0)
		_ = energy.MeasurePast(t.Context(), src, energy.Span{Start: begin, End: begin.Add(time.Second)})
	})
}

// hostileTraces are files that are no traces, or that claim what cannot be.
var hostileTraces = []string{
	"", "{}", "null", "[]", `{"schema_version": 99}`, `{"schema_version": 1, "recording": {}}`,
	`{"schema_version": 1, "recording": {"devices": [{}]}}`,
	`{"schema_version": 1, "recording": null}`,
	strings.Repeat("[", 20_000), `{"name": "` + strings.Repeat("x", 100_000) + `"`,
}
