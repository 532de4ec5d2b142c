package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A trial is a directory in which annotate is run, with a log, a result and an
// aggregate that a test changes as it needs.
type trial struct {
	*testing.T
	code      int
	out, errs string
}

// newTrial makes one, with two GPUs of 500 W and a window of ten seconds.
func newTrial(t *testing.T) *trial {
	x := &trial{T: t}
	t.Chdir(t.TempDir())
	t.Setenv("REQUIRE_POWER", "")
	x.log("2*-1..11:500")
	x.result(nil)
	x.write("agg.json", `{"hw": "h200", "conc": 64}`)
	return x
}

// in is the same trial in another test.
func (x *trial) in(t *testing.T) *trial {
	y := *x
	y.T = t
	return &y
}

func (x *trial) write(name, text string) {
	x.Helper()
	require.NoError(x, os.WriteFile(name, []byte(text), 0o644))
}

// log writes gpu.csv, with the readings of each GPU.
func (x *trial) log(gpus ...string) {
	x.Helper()
	text, err := testLog(gpus...)
	require.NoError(x, err)
	x.write("gpu.csv", text)
}

// addRow adds a row to the log.
func (x *trial) addRow(row string) {
	x.Helper()
	text, err := os.ReadFile("gpu.csv")
	require.NoError(x, err)
	x.write("gpu.csv", string(text)+row+"\n")
}

// result writes bench.json. Values replace the usual ones; nil removes a key.
func (x *trial) result(change map[string]any) {
	x.Helper()
	r := map[string]any{
		"benchmark_start_time_unix": base, "benchmark_end_time_unix": base + 10, "duration": 10.0,
		"completed": 10, "total_input_tokens": 10000, "total_output_tokens": 2000,
	}
	for key, value := range change {
		if r[key] = value; value == nil {
			delete(r, key)
		}
	}
	text, err := json.Marshal(r)
	require.NoError(x, err)
	x.write("bench.json", string(text))
}

// window changes the window, in seconds after base.
func (x *trial) window(from, to float64) {
	x.Helper()
	x.result(map[string]any{"benchmark_start_time_unix": base + from, "benchmark_end_time_unix": base + to, "duration": to - from})
}

// annotate runs annotate on the files of the trial.
func (x *trial) annotate(args ...string) {
	x.Helper()
	x.run(append([]string{"-log", "gpu.csv", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC"}, args...)...)
}

// run runs annotate with no other arguments than these.
func (x *trial) run(args ...string) {
	x.Helper()
	var out, errs bytes.Buffer
	x.code = run(x.Context(), append([]string{"annotate"}, args...), stdio{nil, &out, &errs})
	x.out, x.errs = out.String(), errs.String()
}

// live runs annotate with exec in place of a command.
func (x *trial) live(exec runner, args ...string) {
	x.Helper()
	var out, errs bytes.Buffer
	std := stdio{nil, &out, &errs}
	o, err := parseAnnotate(append(args, "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "--", "bench"), std)
	require.NoError(x, err)
	a := &annotation{annotateOptions: o, std: std, exec: exec}
	x.code = a.run(x.Context())
	if a.src != nil {
		require.NoError(x, a.src.Close())
	}
	x.out, x.errs = out.String(), errs.String()
}

// file decodes a JSON file, strictly.
func (x *trial) file(name string) map[string]any {
	x.Helper()
	text, err := os.ReadFile(name)
	require.NoError(x, err)
	var v map[string]any
	require.NoError(x, json.Unmarshal(text, &v), "%s", text)
	return v
}

// reasons are the codes of the sidecar.
func (x *trial) reasons() []string {
	x.Helper()
	side := x.file("side.json")
	list := []string{}
	for _, r := range side["reasons"].([]any) {
		list = append(list, r.(string))
	}
	assert.Equal(x, len(list) == 0, side["power_valid"])
	return list
}

// valid requires that the aggregate has these metrics, to nine digits of the
// number before it was rounded, as far as rounding leaves them.
func (x *trial) valid(want map[string]float64) {
	x.Helper()
	require.Equal(x, exitOK, x.code, x.errs)
	require.Empty(x, x.reasons())
	agg, side := x.file("agg.json"), x.file("side.json")["metrics"].(map[string]any)
	assert.Equal(x, 1.0, agg["power_valid"])
	assert.Equal(x, 2.0, agg["power_metric_schema_version"])
	for key, value := range want {
		require.Contains(x, agg, key)
		assert.InDelta(x, value, agg[key], 5.1e-4, key)
		require.Contains(x, side, key)
		assert.InDelta(x, value, side[key], max(5.1e-7, 1e-9*value), key)
	}
}

// invalid requires that the aggregate has no metrics, and these reasons.
func (x *trial) invalid(reasons ...string) {
	x.Helper()
	assert.Equal(x, reasons, x.reasons())
	agg := x.file("agg.json")
	assert.Equal(x, 0.0, agg["power_valid"])
	assert.Equal(x, 2.0, agg["power_metric_schema_version"])
	for _, keys := range [][]string{wholeKeys, roleKeys, {"power_invalid_reasons"}} {
		for _, key := range keys {
			assert.NotContains(x, agg, key)
		}
	}
	assert.Empty(x, x.file("side.json")["metrics"])
	assert.Contains(x, x.errs, "the power is not valid: "+reasons[0])
	assert.Contains(x, x.out, "withheld")
}

// powertest is a value of the sidecar's own object.
func (x *trial) powertest(key string) any {
	x.Helper()
	return x.file("side.json")["powertest"].(map[string]any)[key]
}

// stamp is a time stamp of nvidia-smi, in seconds after base.
func stamp(at int) string {
	return fmt.Sprintf("2023/11/14 22:13:%02d.000", 20+at)
}
