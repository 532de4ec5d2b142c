package annotate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	_ "github.com/joulebench/joulebench/smisource" // reads the samples
)

// packageOf writes the package of a run on several hosts: two GPUs of 400 W that fill
// and two of 300 W that decode, from 1000 to 1060, with 8 requests.
func packageOf(t *testing.T, change func(files map[string]string)) (window, samples string) {
	rows := "schema_version,timestamp_unix,scrape_seq,hostname,gpu_index,gpu_uuid,power_w\n"
	for at := 998; at <= 1062; at++ {
		for _, gpu := range []string{"node-p,0,GPU-p0,400", "node-p,1,GPU-p1,400", "node-d,0,GPU-d0,300", "node-d,1,GPU-d1,300"} {
			rows += fmt.Sprintf("1,%d.0,%d,%s.0\n", at, at-998, gpu)
		}
	}
	var expected []string
	for _, gpu := range []string{"p 0 prefill", "p 1 prefill", "d 0 decode", "d 1 decode"} {
		var host, role string
		var index int
		_, err := fmt.Sscan(gpu, &host, &index, &role)
		require.NoError(t, err)
		expected = append(expected, fmt.Sprintf(`{"hostname": "node-%s", "gpu_index": %d, "assignments": [{"worker_role": %q, "worker_index": 0}]}`, host, index, role))
	}
	times := `"benchmark_start_time_unix": 1000.0, "benchmark_end_time_unix": 1060.0, "duration": 60.0`
	files := map[string]string{
		"power/samples.csv":         rows,
		"power/manifest.json":       `{"schema_version": 1, "producer": "srt-slurm.dcgm-power", "expected_devices": [` + strings.Join(expected, ",") + `]}`,
		"power/windows/conc_4.json": `{"schema_version": 1, "benchmark_type": "sa-bench", "result_path": "sa-bench/conc_4.json", "concurrency": 4, ` + times + `, "clock_source": "head_node_unix_clock", "status": "completed", "reason": null}`,
		"sa-bench/conc_4.json":      `{` + times + `, "completed": 8, "total_input_tokens": 32768, "total_output_tokens": 4096}`,
	}
	if change != nil {
		change(files)
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return filepath.Join(dir, "power", "windows", "conc_4.json"), filepath.Join(dir, "power", "samples.csv")
}

// TestWindowOfAPackage: a file of the package's windows leads to the time, the result and
// the roles of a run on several hosts.
func TestWindowOfAPackage(t *testing.T) {
	window, samples := packageOf(t, nil)
	r, err := Annotate(t.Context(), Options{Source: Source{Name: "smi", Arg: samples}, Result: window, Format: "inferencex"})
	require.NoError(t, err)
	require.True(t, r.Valid(), "%v", r.Findings)
	assert.InDelta(t, 84000, r.Measurement.Energy.Joules, 1e-6)
	assert.EqualValues(t, []int64{8, 32768, 4096, 4}, []int64{r.Workload.Requests, r.Workload.InputTokens, r.Workload.OutputTokens, r.Workload.Concurrency})
	require.Len(t, r.Measurement.Roles, 2)
	assert.InDelta(t, 36000, r.Measurement.Roles[0].Energy.Joules, 1e-6)
	assert.InDelta(t, 48000, r.Measurement.Roles[1].Energy.Joules, 1e-6)

	replace := func(name, old, new string) func(map[string]string) {
		return func(files map[string]string) {
			require.Contains(t, files[name], old)
			files[name] = strings.Replace(files[name], old, new, 1)
		}
	}
	const file = "power/windows/conc_4.json"
	for says, change := range map[string]func(map[string]string){
		`status is "interrupted"`:                      replace(file, `"completed"`, `"interrupted"`),
		"within the run's folder":                      replace(file, "sa-bench/conc_4.json", "../../etc/passwd"),
		"no such file":                                 replace(file, "sa-bench/conc_4.json", "sa-bench/conc_8.json"),
		"benchmark_end_time_unix is 1059.0 in":         replace(file, "1060.0", "1059.0"),
		"total_output_tokens is 0":                     replace("sa-bench/conc_4.json", "4096", "0"),
		"manifest.json has 1 GPUs that the log does n": replace("power/manifest.json", `"gpu_index": 1`, `"gpu_index": 7`),
	} {
		window, samples := packageOf(t, change)
		r, err := Annotate(t.Context(), Options{Source: Source{Name: "smi", Arg: samples}, Result: window, Format: "inferencex"})
		require.NoError(t, err)
		assert.False(t, r.Valid(), says)
		assert.Contains(t, fmt.Sprint(r.Findings), says)
	}
	assert.Equal(t, energy.InvalidBenchmarkWindow, func() energy.Reason {
		w, _ := packageOf(t, replace(file, `"completed"`, `"running"`))
		_, list := readResult(input{path: w}, "")
		return list[0].found[0].Reason
	}())
}
