package annotate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// profileText is an export of aiperf. Values replace the usual ones; nil removes a
// key, and "input_config" is JSON.
func profileText(t *testing.T, change map[string]any) string {
	t.Helper()
	avg := func(v float64, unit string) map[string]any { return map[string]any{"avg": v, "unit": unit} }
	p := map[string]any{
		"start_time": "2023-11-14T22:13:20", "end_time": "2023-11-14T22:13:30.000000",
		"request_count": avg(10, "requests"), "total_isl": avg(3000, "tokens"), "total_osl": avg(5000, "tokens"), "total_output_tokens": avg(4000, "tokens"),
		"request_latency": avg(500, "ms"), "good_request_count": avg(8, "requests"),
		"output_sequence_length": map[string]any{"avg": 500.0, "unit": "tokens"},
		"input_config":           json.RawMessage(`{"loadgen": {"concurrency": 8}}`),
	}
	for key, value := range change {
		if p[key] = value; value == nil {
			delete(p, key)
		}
	}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	return string(text)
}

// profiled runs annotate on a profile, with two GPUs of 50 W: 1000 J.
func profiled(t *testing.T, change map[string]any, args ...string) *trial {
	x := newTrial(t)
	x.log("2*-1..11:50")
	x.write("profile.json", profileText(t, change))
	x.run(append([]string{"-log", "gpu.csv", "-aiperf", "profile.json", "-agg", "agg.json", "-sidecar", "side.json"}, args...)...)
	return x
}

// TestAiperfMetrics: the formulas of aiperf's documentation, on 1000 J in 10 s.
func TestAiperfMetrics(t *testing.T) {
	x := profiled(t, nil, "-tz", "UTC")
	x.valid(map[string]float64{"total_gpu_energy_j": 1000, "joules_per_output_token": 0.2, "joules_per_input_token": 1.0 / 3})
	assert.Equal(t, "aiperf_profile_lifecycle", x.file("side.json")["window_source"])
	got := map[string]any{}
	for _, c := range x.powertest("aiperf").([]any) {
		c := c.(map[string]any)
		got[c["name"].(string)] = c["powertest"]
		assert.Nil(t, c["aiperf"], c["name"])
	}
	want := map[string]float64{
		"total_gpu_power": 100, "total_gpu_energy": 1000, "output_tokens_per_joule": 5, "energy_per_user": 125,
		"average_gpu_power": 100, "energy_per_output_token": 200, "energy_per_total_token": 125, "energy_per_request": 100,
		"energy_delay_product": 50, "performance_per_watt": 0.01, "output_tps_per_watt": 5, "goodput_per_watt": 0.008,
	}
	require.Len(t, got, len(want))
	for name, value := range want {
		assert.InEpsilon(t, value, got[name], 1e-9, name)
	}
}

// TestAiperfGenerations: names with and without the vendor, and where the
// concurrency stands.
func TestAiperfGenerations(t *testing.T) {
	stat := map[string]any{"avg": 1067.1, "unit": "J"}
	for _, key := range []string{"total_gpu_energy", "nvidia_total_gpu_energy", "amd_total_gpu_energy"} {
		x := profiled(t, map[string]any{key: stat}, "-tz", "UTC")
		theirs := x.powertest("aiperf").([]any)[1].(map[string]any)
		assert.Equal(t, map[string]any{"name": "total_gpu_energy", "unit": "J", "powertest": 1000.0, "aiperf": 1067.1}, theirs)
	}
	for config, users := range map[string]any{
		`{"loadgen": {"concurrency": 4}}`: 250.0,
		`{"phases": [{"name": "warmup", "concurrency": 2}, {"name": "profiling", "concurrency": 4}]}`: 250.0,
		`{"loadgen": {"request_rate": 4}}`:   nil,
		`{"loadgen": {"concurrency": true}}`: nil,
		`{"loadgen": {"concurrency": NaN}}`:  nil,
		`{"loadgen": 5}`:                     nil,
		`null`:                               nil,
	} {
		x := newTrial(t)
		x.log("2*-1..11:50")
		text := profileText(t, map[string]any{"input_config": "CONFIG"})
		x.write("profile.json", strings.Replace(text, `"CONFIG"`, config, 1))
		x.run("-log", "gpu.csv", "-aiperf", "profile.json", "-sidecar", "side.json", "-tz", "UTC")
		assert.Empty(t, x.reasons(), config)
		assert.Equal(t, users, x.powertest("aiperf").([]any)[3].(map[string]any)["powertest"], config)
	}
}

// TestX24Zones: times without a zone need one; others don't, whatever -tz says.
func TestX24Zones(t *testing.T) {
	x := profiled(t, nil)
	x.invalid("profile_timezone_offset_missing")
	assert.Contains(t, x.out, "say with -tz where aiperf ran")
	t.Setenv("TZ", "UTC")
	for _, c := range []struct {
		start, end any
		tz         string
	}{
		{"2023-11-14T22:13:20", "2023-11-14T22:13:30", "+0000"},
		{"2023-11-14 22:13:20", "2023-11-14 22:13:30", "UTC"},
		{"2023-11-14T22:13:20Z", "2023-11-14T22:13:30.000Z", "UTC"},
		{"2023-11-14T23:13:20+01:00", "2023-11-14T23:13:30+0100", "UTC"},
		{base, base + 10, "UTC"},
		{base + 0.0, "2023-11-14T22:13:30Z", "UTC"},
	} {
		profiled(t, map[string]any{"start_time": c.start, "end_time": c.end}, "-tz", c.tz).valid(map[string]float64{"total_gpu_energy_j": 1000})
	}
}

// TestX24Window: what is no window is none.
func TestX24Window(t *testing.T) {
	for _, c := range []struct {
		start, end any
		reason     string
	}{
		{nil, base, "profile_window_missing"},
		{base, nil, "profile_window_missing"},
		{"soon", base, "profile_window_invalid"},
		{true, base, "profile_window_invalid"},
		{base + 10, base, "profile_window_invalid"},
		{base, base, "profile_window_invalid"},
	} {
		x := profiled(t, map[string]any{"start_time": c.start, "end_time": c.end}, "-tz", "UTC")
		x.invalid(c.reason)
	}
	for text, reason := range map[string]string{"": "profile_artifacts_missing", "{": "profile_artifacts_invalid", "[]": "profile_artifacts_invalid"} {
		x := newTrial(t)
		if text != "" {
			x.write("profile.json", text)
		}
		x.run("-log", "gpu.csv", "-aiperf", "profile.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC")
		x.invalid(reason)
	}
}

// TestX25Counts: only requests that succeeded count, and all of their tokens.
func TestX25Counts(t *testing.T) {
	avg := func(v any) map[string]any { return map[string]any{"avg": v, "unit": "requests"} }
	x := profiled(t, map[string]any{"error_request_count": avg(3), "was_cancelled": true}, "-tz", "UTC")
	x.valid(map[string]float64{"joules_per_successful_query": 100})
	assert.Contains(t, x.out, "3 requests failed")
	assert.Contains(t, x.out, "the run was cancelled")
	for key, reason := range map[string]string{"request_count": "successful_request_count_invalid", "total_isl": "incomplete_token_accounting", "total_osl": ""} {
		for _, value := range []any{nil, avg(0), avg(-1), avg(1.5), avg("7"), avg(true), avg(1e300), 5} {
			x := profiled(t, map[string]any{key: value}, "-tz", "UTC")
			if reason != "" {
				x.invalid(reason)
			} else { // total_output_tokens instead
				x.valid(map[string]float64{"joules_per_output_token": 0.25})
			}
		}
	}
	profiled(t, map[string]any{"total_osl": nil, "total_output_tokens": nil}, "-tz", "UTC").invalid("incomplete_token_accounting")
}

// TestEfficiencyOmitted: each metric needs its own inputs only.
func TestEfficiencyOmitted(t *testing.T) {
	full := Workload{Start: time.Unix(0, 0), End: time.Unix(10, 0), Requests: 10, InputTokens: 3000, OutputTokens: 5000, Concurrency: 8, HasGood: true, Latency: 0.5}
	for mask := range 1 << 6 {
		w := full
		for i, clear := range []func(){func() { w.Requests = 0 }, func() { w.InputTokens = 0 }, func() { w.OutputTokens = 0 }, func() { w.Concurrency = 0 }, func() { w.HasGood = false }, func() { w.Latency = 0 }} {
			if mask&(1<<i) != 0 {
				clear()
			}
		}
		has := func(bit int) bool { return mask&(1<<bit) == 0 }
		needs := map[string]bool{
			"total_gpu_power": true, "total_gpu_energy": true, "average_gpu_power": true,
			"output_tokens_per_joule": has(2), "energy_per_output_token": has(2), "output_tps_per_watt": has(2),
			"energy_per_user": has(3), "energy_per_total_token": has(1) && has(2), "energy_per_request": has(0),
			"performance_per_watt": has(0), "energy_delay_product": has(0) && has(5), "goodput_per_watt": has(4),
		}
		for _, valid := range []bool{true, false} {
			for _, c := range compare(w, energy.Measurement{Energy: energy.Estimate{Joules: 1000}}, valid) {
				assert.Equal(t, valid && needs[c.Name], metrictable.Finite(c.Ours), fmt.Sprintf("%s, %06b, %v", c.Name, mask, valid))
			}
		}
	}
}

// FuzzResults: no result of a benchmark makes the readers panic, and a window that
// they accept has a length.
func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"benchmark_start_time_unix": 1700000000.5, "benchmark_end_time_unix": 1.7e9, "duration": 10, "completed": 5, "start_time": "2023-11-14T22:13:20", "end_time": 5e9, "request_count": {"avg": 3}, "input_config": {"phases": [{}]}}`))
	f.Add([]byte(`{"benchmark_start_time_unix": -1, "benchmark_end_time_unix": 9e9, "duration": 1e-9, "start_time": -9e9, "end_time": 9e9, "total_gpu_power": {"avg": NaN}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := pyjson.Parse(data)
		if err != nil {
			return
		}
		for _, read := range []func() (Workload, []energy.Finding){
			func() (Workload, []energy.Finding) { return inferenceX(o) },
			func() (Workload, []energy.Finding) { return aiperf(export{o}, nil) },
		} {
			w, found := read()
			if !w.HasWindow() {
				require.NotEmpty(t, found, "there is a reason")
				continue
			}
			require.Positive(t, w.length())
			require.True(t, metrictable.Finite(w.Seconds))
			require.GreaterOrEqual(t, min(w.Requests, w.InputTokens, w.OutputTokens, w.Concurrency), int64(0))
		}
	})
}
