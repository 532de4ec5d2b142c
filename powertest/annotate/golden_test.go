package annotate

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/smisource/smitest"
)

// TestD10 runs the cases whose numbers InferenceX's aggregator was seen to give.
func TestD10(t *testing.T) {
	ramp := "-1:100,1:140,3.5:190,6:240,8.5:290,11:340"
	for _, c := range []struct {
		name     string
		gpus     []string
		row      string
		from, to float64
		flags    []string
		joules   []float64 // of each GPU; nil if there are none
		reasons  []string
	}{
		{name: "irregular", gpus: []string{ramp, "-1:200,1:240,3.5:290,6:340,8.5:390,11:440"}, to: 10, flags: []string{"-gpus", "2"}, joules: []float64{2200, 3200}},
		{name: "gap of 3 s", gpus: []string{"-1:100,2:100,5:100,8:100,11:100"}, to: 10, joules: []float64{1000}},
		{name: "gap of more", gpus: []string{"-1:100,2:100,5:100,8.001:100,11:100"}, to: 10, reasons: []string{"sampling_gap_exceeded"}},
		{name: "edges on samples", gpus: []string{"0..10:100"}, to: 10, joules: []float64{1000}},
		{name: "two readings at once", gpus: []string{"-1..5:100,5:200,6..11:100"}, to: 10, joules: []float64{1050}},
		{name: "no GPU", gpus: []string{"-1..11:100"}, row: stamp(5) + ", , 100 W", to: 10, reasons: []string{"gpu_identity_missing"}},
		{name: "garbage", gpus: []string{"-1..11:100"}, row: "garbage, 0, 100 W", to: 10, reasons: []string{"invalid_timestamp_sample"}},
		{name: "two expected", gpus: []string{"-1..11:100"}, to: 10, flags: []string{"-gpus", "2"}, reasons: []string{"expected_gpu_count_mismatch"}},
		{name: "none expected", gpus: []string{"-1..11:100"}, to: 10, flags: []string{"-gpus", "0"}, reasons: []string{"invalid_expected_gpu_count"}},
		{name: "one sample", gpus: []string{"5:100"}, to: 10, reasons: []string{"insufficient_power_samples"}},
		{name: "no rows", to: 10, reasons: []string{"no_usable_power_samples"}},
		{name: "none near", gpus: []string{"-30..-20:100"}, to: 10, flags: []string{"-gpus", "1"}, reasons: []string{"no_usable_power_samples"}},
		{name: "a part of a second", gpus: []string{"0:100,1:200,2:300,3:400"}, from: 1.2, to: 1.6, reasons: []string{"no_in_window_samples"}},
		{name: "not bracketed", gpus: []string{"-1..9:100"}, to: 10, reasons: []string{"benchmark_window_not_bracketed"}},
		{name: "N/A inside", gpus: []string{"-1..11:100"}, row: stamp(5) + ", 0, [N/A]", to: 10, reasons: []string{"invalid_power_sample"}},
		{name: "silent GPU", gpus: []string{"-1..11:100", "-30..-20:100"}, to: 10, flags: []string{"-gpus", "1"}, reasons: []string{"insufficient_power_samples"}},
		{name: "repeated header", gpus: []string{"-1..11:100"}, row: "timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz]", to: 10, joules: []float64{1000}},
		{name: "N/A far outside", gpus: []string{"-9..11:100"}, row: stamp(-9) + ", 0, [N/A]", to: 10, joules: []float64{1000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTrial(t)
			x.log(c.gpus...)
			if c.row != "" {
				x.addRow(c.row)
			}
			x.window(c.from, c.to)
			x.annotate(c.flags...)
			if c.reasons != nil {
				require.NoError(t, x.err)
				// Ours may be there as well, after theirs.
				assert.Equal(t, c.reasons, slices.DeleteFunc(x.reasons(), func(r string) bool { return r == "window_too_short" }))
				return
			}
			total := 0.0
			for i, j := range c.joules {
				assert.InEpsilon(t, j, x.file("side.json")["per_gpu_energy_j"].(map[string]any)[string(rune('0'+i))], 1e-9)
				total += j
			}
			x.valid(map[string]float64{"total_gpu_energy_j": total, "avg_total_gpu_power_w": total / (c.to - c.from), "avg_power_w": total / (c.to - c.from) / float64(len(c.joules))})
		})
	}
}

// TestD10Work: what the energy is divided by.
func TestD10Work(t *testing.T) {
	for _, c := range []struct {
		name          string
		watts         string
		seconds       float64
		input, output int
		want          map[string]float64
	}{
		{"682 tokens/s on 8 GPUs of 720 W", "8*-1..101:720", 100, 1000, 68200, map[string]float64{"joules_per_output_token": 5760.0 / 682}},
		{"a minute on 8 GPUs of 600 W", "8*-1..61:600", 60, 240000, 30000, map[string]float64{"total_gpu_energy_j": 288000, "joules_per_output_token": 9.6, "joules_per_input_token": 1.2}},
		{"8k in and 1k out", "8*-1..11:500", 10, 524288, 65536, map[string]float64{"joules_per_output_token": 40000.0 / 65536, "joules_per_total_token": 40000.0 / 589824}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTrial(t)
			x.log(c.watts)
			x.result(map[string]any{"benchmark_end_time_unix": base + c.seconds, "duration": c.seconds, "total_input_tokens": c.input, "total_output_tokens": c.output})
			x.annotate("-gpus", "8")
			x.valid(c.want)
		})
	}
}

// TestD10Accumulator: the log against the energy accumulators around it. It never
// makes a window invalid.
func TestD10Accumulator(t *testing.T) {
	const head = "gpu,total_energy_consumption\n"
	for _, c := range []struct {
		name, watts, start, end string
		want                    map[string]any
	}{
		{"agree", "0..10:500", "0,1000000\n", "0,1005000\n", map[string]any{"available": true, "relative_error": 0.0, "within_tolerance": true, "accumulator_delta_j": 5000.0, "stream_span_s": 10.0}},
		{"20 % off", "0..10:400", "0,1000000\n", "0,1005000\n", map[string]any{"relative_error": 0.2, "within_tolerance": false}},
		{"one went down", "2*0..10:500", "0,1000000\n1,2000000\n", "0,1011000\n1,1999000\n", map[string]any{"relative_error": 0.0, "within_tolerance": false, "negative_delta_gpus": []any{"1"}}},
		{"no end", "0..10:500", "0,1000000\n", "", map[string]any{"available": false, "reason": "missing_end_snapshot"}},
		{"no start", "0..10:500", "", "0,1000000\n", map[string]any{"available": false, "reason": "missing_start_snapshot"}},
		{"no numbers", "0..10:500", "0,N/A\n", "0,1000000\n", map[string]any{"available": false, "reason": "unparseable_start_snapshot"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTrial(t)
			x.log(c.watts)
			if c.start != "" {
				x.write("gpu_energy_start.csv", head+c.start)
			}
			if c.end != "" {
				x.write("gpu_energy_end.csv", head+c.end)
			}
			x.annotate()
			x.valid(nil)
			check := x.file("side.json")["accumulator_check"].(map[string]any)
			for key, value := range c.want {
				assert.Equal(t, value, check[key], key)
			}
		})
	}
	x := newTrial(t)
	x.annotate()
	require.Contains(t, x.file("side.json"), "accumulator_check")
	assert.Nil(t, x.file("side.json")["accumulator_check"])
}

// TestD8SidecarKeys: the keys of the validation file and of its window, whether the
// power is valid or not.
func TestD8SidecarKeys(t *testing.T) {
	x := newTrial(t)
	keys := []string{
		"schema_version", "power_valid", "reasons", "telemetry_source", "benchmark_result", "benchmark_window",
		"integration_method", "expected_gpu_count", "observed_gpu_count", "observed_gpu_ids", "per_gpu_sample_counts",
		"per_gpu_max_sample_gap_s", "per_gpu_energy_j", "device_issues", "accumulator_check", "metrics", "powertest",
	}
	for _, gpus := range [][]string{{"2*-1..11:500"}, {"-1..11:500", "-1..9:500"}, nil} {
		x.log(gpus...)
		x.annotate("-gpus", "2")
		side := x.file("side.json")
		names := []string{}
		for key := range side {
			names = append(names, key)
		}
		assert.ElementsMatch(t, keys, names)
		assert.Len(t, side["benchmark_window"], 7)
	}
	log, err := smitest.Log("-1..9:500", "-1..3:500,7..11:500", "-1..3:500,7..11:500")
	require.NoError(t, err)
	x.write("gpu.csv", strings.NewReplacer(", 0, ", ", 10, ", ", 1, ", ", 9, ", ", 2, ", ", node, ").Replace(log))
	x.annotate()
	assert.Equal(t, []string{"sampling_gap_exceeded", "benchmark_window_not_bracketed"}, x.reasons(), "9 comes before 10")
	assert.Equal(t, []any{"9", "10", "node"}, x.file("side.json")["observed_gpu_ids"])

	x.log("-1..11:500", "-1..9:500")
	x.annotate("-gpus", "2")
	side := x.file("side.json")
	assert.Equal(t, map[string]any{"1": []any{"benchmark_window_not_bracketed"}}, side["device_issues"])
	assert.Equal(t, []any{"0", "1"}, side["observed_gpu_ids"])
	assert.Equal(t, map[string]any{"0": 5000.0}, side["per_gpu_energy_j"])
	assert.Equal(t, map[string]any{"0": 1.0}, side["per_gpu_max_sample_gap_s"])
	assert.Equal(t, map[string]any{"0": 13.0, "1": 11.0}, side["per_gpu_sample_counts"])
	assert.Equal(t, []any{"benchmark_window_not_bracketed"}, side["reasons"])
}
