package annotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource"
)

func TestX13JoulesPerToken(t *testing.T) {
	x := newTrial(t)
	x.log("8*-1..11:500")
	x.result(map[string]any{"total_input_tokens": 20000, "total_output_tokens": 20000})
	x.annotate()
	x.valid(map[string]float64{"avg_power_w": 500, "joules_per_output_token": 2, "joules_per_total_token": 1})
	agg := x.file("agg.json")
	assert.Equal(t, "h200", agg["hw"])
	assert.Equal(t, 64.0, agg["conc"])

	x.result(map[string]any{"total_input_tokens": 524288, "total_output_tokens": 65536})
	x.annotate()
	agg = x.file("agg.json")
	assert.InDelta(t, 9, agg["joules_per_output_token"].(float64)/agg["joules_per_total_token"].(float64), 0.001)
}

// TestX14NoWindow: no result, or one without a window, leaves the other fields.
func TestX14NoWindow(t *testing.T) {
	number := func(v any) map[string]any { return map[string]any{"benchmark_start_time_unix": v} }
	for name, c := range map[string]struct {
		change map[string]any
		text   string
		reason string
	}{
		"missing key":        {change: number(nil), reason: "invalid_benchmark_window"},
		"a string":           {change: number("1700000000"), reason: "invalid_benchmark_window"},
		"true":               {change: number(true), reason: "invalid_benchmark_window"},
		"an object":          {change: number(map[string]any{"a": 1}), reason: "invalid_benchmark_window"},
		"year 55000":         {change: number(1.7e15), reason: "invalid_benchmark_window"},
		"reversed":           {change: number(base + 11), reason: "invalid_benchmark_window"},
		"empty":              {change: number(base + 10), reason: "invalid_benchmark_window"},
		"no duration":        {change: map[string]any{"duration": nil}, reason: "invalid_benchmark_window"},
		"negative duration":  {change: map[string]any{"duration": -1}, reason: "invalid_benchmark_window"},
		"NaN":                {text: `{"benchmark_start_time_unix": NaN, "benchmark_end_time_unix": 1700000010, "duration": 10}`, reason: "invalid_benchmark_window"},
		"Infinity":           {text: `{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": Infinity, "duration": 10}`, reason: "invalid_benchmark_window"},
		"infinite duration":  {text: `{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": 1700000010, "duration": 1e999}`, reason: "invalid_benchmark_window"},
		"cut off":            {text: `{"benchmark_start_time_unix": 17000`, reason: "invalid_benchmark_result"},
		"no object":          {text: `[1, 2]`, reason: "invalid_benchmark_result"},
		"nothing":            {text: " \n", reason: "invalid_benchmark_result"},
		"no UTF-8":           {text: "{\"a\": \"\xff\"}", reason: "invalid_benchmark_result"},
		"two objects":        {text: "{}{}", reason: "invalid_benchmark_result"},
		"nested beyond hope": {text: strings.Repeat("[", 100000), reason: "invalid_benchmark_result"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTrial(t)
			x.result(c.change)
			if c.text != "" {
				x.write("bench.json", c.text)
			}
			x.annotate()
			require.NoError(t, x.err)
			x.invalid(c.reason)
			assert.Equal(t, map[string]any{"hw": "h200", "conc": 64.0, "power_metric_schema_version": 2.0, "power_valid": 0.0}, x.file("agg.json"))
			assert.Nil(t, x.file("side.json")["benchmark_window"])
		})
	}
	x := newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	x.annotate()
	x.invalid("invalid_benchmark_result")
	require.NoError(t, os.Mkdir("bench.json", 0o755))
	x.annotate()
	x.invalid("invalid_benchmark_result")
	assert.Contains(t, x.out, "not a regular file")
}

// TestReasonOf: a file that is missing is the telemetry only where that is a file.
func TestReasonOf(t *testing.T) {
	none := &fs.PathError{Op: "open", Path: "libnvidia-ml.so.1", Err: fs.ErrNotExist}
	assert.Equal(t, smisource.TelemetryFileMissing, Source{Log: "gpu.csv"}.reasonOf(none))
	assert.Equal(t, smisource.TelemetryFileMissing, Source{Trace: "trace.json"}.reasonOf(none))
	assert.Equal(t, energy.SourceUnavailable, Source{Name: "nvml"}.reasonOf(none))
	assert.Equal(t, energy.SourceUnavailable, Source{Name: "nvml"}.reasonOf(fs.ErrPermission))
	assert.Equal(t, energy.SourceStalled, Source{Name: "nvml"}.reasonOf(energy.ErrStalled))
	unknown := fmt.Errorf("%w: %w", energy.ErrNoAnswer, &net.DNSError{Err: "no such host", Name: "gpu7", IsNotFound: true})
	assert.Equal(t, energy.SourceUnavailable, Source{Name: "dcgm"}.reasonOf(unknown))
	assert.Equal(t, smisource.TelemetryFileMissing, Source{Name: "smi", Arg: "gpu.csv"}.reasonOf(&smisource.Error{Reason: smisource.TelemetryFileMissing, Err: none}))
}

// TestReasonsOfLogs: those of package smisource that InferenceX has, too, are known
// here by its names.
func TestReasonsOfLogs(t *testing.T) {
	for _, r := range []energy.Reason{
		smisource.TelemetryFileMissing, smisource.TelemetryFileEmpty, smisource.TelemetryFileUnreadable, smisource.TimestampColumnMissing,
		smisource.PowerColumnMissing, smisource.GPUIdentityColumnMissing, smisource.InvalidTimestampSample, smisource.GPUIdentityMissing, smisource.NoUsablePowerSamples,
	} {
		assert.Contains(t, order, r)
	}
	assert.Equal(t, smisource.TelemetryFileMissing, telemetryFileMissing)
	assert.Equal(t, smisource.TelemetryFileUnreadable, telemetryFileUnreadable)
	assert.Equal(t, smisource.NoUsablePowerSamples, noUsableSamples)
}

// TestX15NoWork: nothing is divided by zero, or by what is no count.
func TestX15NoWork(t *testing.T) {
	for key, reason := range map[string]string{
		"completed":           "invalid_successful_query_count",
		"total_input_tokens":  "invalid_input_token_count",
		"total_output_tokens": "invalid_output_token_count",
	} {
		for _, value := range []any{0, -5, true, "10", 10.5, nil, json.Number("10.0"), json.Number("1e3"), json.Number("99999999999999999999999")} {
			x := newTrial(t)
			x.result(map[string]any{key: value})
			x.annotate()
			require.NoError(t, x.err)
			x.invalid(reason)
			assert.Equal(t, map[string]any{"0": 5000.0, "1": 5000.0}, x.file("side.json")["per_gpu_energy_j"], "%s=%v", key, value)
		}
	}
	x := newTrial(t)
	x.result(map[string]any{"completed": 0, "total_output_tokens": 0, "duration": 11})
	x.annotate()
	x.invalid("benchmark_duration_mismatch", "invalid_successful_query_count", "invalid_output_token_count")
	x.result(map[string]any{"duration": 10.5})
	x.annotate()
	x.valid(nil)
}

// TestX16NoTemporaryFiles: nothing but the named files is left.
func TestX16NoTemporaryFiles(t *testing.T) {
	x := newTrial(t)
	x.annotate("-benchfmt", "bench.txt")
	x.valid(nil)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.ElementsMatch(t, []string{"gpu.csv", "bench.json", "agg.json", "side.json", "bench.txt"}, names)
}

// TestX17Metrics: all keys, and their types.
func TestX17Metrics(t *testing.T) {
	x := newTrial(t)
	x.annotate("-gpus", "2")
	x.valid(map[string]float64{
		"avg_power_w": 500, "avg_total_gpu_power_w": 1000, "total_gpu_energy_j": 10000,
		"joules_per_successful_query": 1000, "joules_per_input_token": 1, "joules_per_output_token": 5, "joules_per_total_token": 10000.0 / 12000,
	})
	text, err := os.ReadFile("agg.json")
	require.NoError(t, err)
	assert.Contains(t, string(text), `"power_valid": 1,`, "an integer, and no truth value")
	assert.Contains(t, string(text), `"avg_power_w": 500.0,`, "a float, as Python spells it")
	assert.Contains(t, string(text), `"joules_per_total_token": 0.833333}`, "six decimals")
	assert.Len(t, x.file("agg.json"), 2+2+len(metrictable.InferenceX))
}

// TestX17Rounding: watts and joules have three decimals, what is per something six.
func TestX17Rounding(t *testing.T) {
	for key, want := range map[string]string{
		"avg_power_w": "1234.568", "total_gpu_energy_j": "1234.568", "decode_avg_power_w": "1234.568", "prefill_gpu_energy_j": "1234.568",
		"joules_per_input_token": "1234.567891", "decode_joules_per_output_token": "1234.567891",
	} {
		c, ok := metrictable.ByInferenceX(key)
		require.True(t, ok, key)
		assert.Equal(t, want, pyjson.Round(1234.56789123, c.Decimals).String(), key)
	}
}

// TestX20ExpectedGPUs: without -gpus the number is reported, and not checked.
func TestX20ExpectedGPUs(t *testing.T) {
	x := newTrial(t)
	x.annotate()
	x.valid(nil)
	assert.Nil(t, x.file("side.json")["expected_gpu_count"])
	assert.Equal(t, 2.0, x.file("side.json")["observed_gpu_count"])
	assert.Contains(t, x.out, "2 seen; -gpus says how many there should be")
	x.annotate("-gpus", "8")
	x.invalid("expected_gpu_count_mismatch")
	assert.Equal(t, 8.0, x.file("side.json")["expected_gpu_count"])
	assert.Contains(t, x.out, "2 of 8")
	x.annotate("-gpus", "1", "-devices", "1")
	x.valid(map[string]float64{"total_gpu_energy_j": 5000})
	assert.Equal(t, []any{"1"}, x.file("side.json")["observed_gpu_ids"])
	x.annotate("-devices", "7")
	assert.ErrorIs(t, x.err, energy.ErrNoDevice, "that there is no such GPU is no finding about the power")
	assert.ErrorContains(t, x.err, `nothing is named "7"; there are 0 (`)
	x.annotate("-gpus", "2", "-devices", "0-1")
	x.valid(map[string]float64{"total_gpu_energy_j": 10000})
	x.annotate("-gpus", "2", "-devices", "ALL")
	x.valid(map[string]float64{"total_gpu_energy_j": 10000})
	x.annotate("-gpus", "1", "-devices", "SMI:GPU.CSV:1")
	x.valid(map[string]float64{"total_gpu_energy_j": 5000})
	assert.Equal(t, []any{"1"}, x.file("side.json")["observed_gpu_ids"])
}

// TestX21StaleKeys: numbers of another run never stay, those of roles included.
func TestX21StaleKeys(t *testing.T) {
	x := newTrial(t)
	stale := map[string]any{"hw": "h200", "power_valid": 1, "power_metric_schema_version": 1, "power_invalid_reasons": []string{"x"}}
	for _, key := range powerKeys() {
		stale[key] = 1.5
	}
	text, err := json.Marshal(stale)
	require.NoError(t, err)
	x.write("agg.json", string(text))
	x.log("2*-1..9:500")
	x.annotate()
	x.invalid("benchmark_window_not_bracketed")
	x.write("agg.json", string(text))
	x.log("2*-1..11:500")
	x.annotate()
	x.valid(nil)
	assert.NotContains(t, x.file("agg.json"), "prefill_avg_power_w")
	assert.NotContains(t, x.file("agg.json"), "power_invalid_reasons")
}

// TestX26DiskFull: where the new aggregate can't be written, the old numbers go all
// the same.
func TestX26DiskFull(t *testing.T) {
	replaceFile = func(string, func(io.Writer) error) error { return errors.New("no space left on device") }
	t.Cleanup(func() { replaceFile = atomicfile.Write })
	x := newTrial(t)
	x.write("full.json", `{"hw": "h200", "avg_power_w": 333.25, "joules_per_total_token": 1.5, "total_gpu_energy_j": 12345.5}`)
	x.run("-log", "gpu.csv", "-bench", "bench.json", "-agg", "full.json", "-sidecar", "side.json", "-tz", "UTC")
	assert.False(t, x.Annotated)
	assert.Equal(t, []string{"aggregate_result_unwritable"}, x.reasons())
	assert.NotContains(t, x.file("full.json"), "avg_power_w")
	assert.NotContains(t, x.file("full.json"), "total_gpu_energy_j")
	assert.Equal(t, map[string]any{"hw": "h200", "power_metric_schema_version": 2.0, "power_valid": 0.0}, x.file("full.json"))
}

// TestX27Overflow: absurd readings add up to infinity, and JSON has no word for it.
func TestX27Overflow(t *testing.T) {
	x := newTrial(t)
	x.write("agg.json", `{"avg_power_w": 1}`)
	x.log("2*-1..11:9e307")
	x.annotate()
	require.NoError(t, x.err)
	assert.Empty(t, x.file("side.json")["metrics"], "strict JSON, too")
	assert.Equal(t, 0.0, x.file("agg.json")["power_valid"])
	assert.NotContains(t, x.file("agg.json"), "avg_power_w")
	assert.NotEmpty(t, x.reasons())
	f := checkMetrics([]Metric{{Key: "total_gpu_energy_j", Value: math.Inf(1)}, {Key: "avg_power_w", Value: 1}})
	require.Len(t, f, 1)
	assert.Equal(t, nonFinite, f[0].Reason)
}

// TestX27Roles: the energy of prefill and decode GPUs, over the whole window.
func TestX27Roles(t *testing.T) {
	x := newTrial(t)
	x.log("2*-1..61:400", "2*-1..61:300")
	x.result(map[string]any{"benchmark_end_time_unix": base + 60, "duration": 60, "completed": 8, "total_input_tokens": 32768, "total_output_tokens": 4096})
	x.annotate("-gpus", "4", "-role", "0-1=prefill", "-role", "2,3=decode")
	x.valid(map[string]float64{
		"avg_power_w": 350, "avg_total_gpu_power_w": 1400, "total_gpu_energy_j": 84000, "joules_per_successful_query": 10500,
		"prefill_gpu_energy_j": 48000, "decode_gpu_energy_j": 36000, "prefill_avg_power_w": 400, "decode_avg_power_w": 300,
		"prefill_joules_per_input_token": 48000.0 / 32768, "decode_joules_per_output_token": 36000.0 / 4096,
	})
	assert.Equal(t, map[string]any{"0": "prefill", "1": "prefill", "2": "decode", "3": "decode"}, x.file("side.json")["per_gpu_role"])

	x.log("-1..10:400,10.5:400", "-1..9:400", "2*-1..61:300")
	x.annotate("-role", "0-1=prefill", "-role", "2,3=decode")
	x.invalid("benchmark_window_not_bracketed")
	for role, ok := range map[int]bool{0: true, 1: false} { // decode, prefill
		r := x.measured().Roles[role]
		assert.Equal(t, ok, r.Valid, r.Role)
	}
	for sel, text := range map[string]string{"9": "nothing is named", "0-9": "no device has the index 4", "": "names no devices", "smi:": "ambiguous"} {
		x.annotate("-role", sel+"=prefill")
		assert.ErrorContains(t, x.err, text, sel)
	}
	x.annotate("-role", "0=prefill", "-role", "0-1=decode")
	assert.ErrorIs(t, x.err, energy.ErrMalformed)
	assert.ErrorContains(t, x.err, "two roles")
}

// TestClockStepWithholds: a window by a clock that was set is of another time.
func TestClockStepWithholds(t *testing.T) {
	for _, step := range []time.Duration{0, time.Second, -time.Hour} {
		found := run{setBy: step}.findings()
		r := judge(Options{}, harness{}, Workload{}, telemetry{}, found, nil)
		assert.Equal(t, step != 0, slices.Contains(r.Reasons(), energy.ClockStep))
	}
}

// TestMarks: a mark is reported, and is no issue of a device.
func TestMarks(t *testing.T) {
	gpus := []seenGPU{{energy.DeviceAudit{ID: "0", UUID: "a"}, true}, {energy.DeviceAudit{ID: "1", UUID: "b"}, true}}
	all := []energy.Finding{{Reason: energy.Throttled, Device: "a"}, {Reason: energy.CounterReset, Device: "b"}, {Reason: energy.PartialCohort}}
	v := validation{}.withGPUs(telemetry{}.with(gpus...), all, Result{}.spoils)
	assert.Equal(t, pyjson.Members[[]energy.Reason]{{Key: "1", Value: []energy.Reason{energy.CounterReset}}}, v.DeviceIssues)
	reasons, marks := verdict(all, Result{}.spoils)
	assert.Equal(t, []energy.Reason{energy.CounterReset}, reasons)
	assert.Equal(t, []energy.Reason{energy.Throttled}, marks)
}

// TestNotFinite: a measurement that JSON cannot hold is no reason for no file.
func TestNotFinite(t *testing.T) {
	x := newTrial(t)
	r := Result{Measured: true, Measurement: energy.Measurement{Watts: math.Inf(1)}}
	require.NoError(t, r.WriteValidation("side.json"))
	assert.Nil(t, x.powertest("measurement"))
	assert.Contains(t, x.powertest("notes").([]any)[0], "the measurement is left out: ")
	assert.Error(t, r.WriteValidation("none/side.json"))
}

// TestFindingInWords: a GPU is not called one twice, nor is the reason given twice.
func TestFindingInWords(t *testing.T) {
	r := Result{telemetry: telemetry{}.with(seenGPU{energy.DeviceAudit{ID: "0", UUID: "GPU-a"}, true})}
	for want, f := range map[string]energy.Finding{
		"throttled (GPU 0)":     {Reason: energy.Throttled, Device: "GPU-a"},
		"throttled (GPU-b)":     {Reason: energy.Throttled, Device: "GPU-b"},
		"throttled (GPU SIM-c)": {Reason: energy.Throttled, Device: "SIM-c"},
		"throttled: src: hot":   {Reason: energy.Throttled, Detail: "src: throttled: hot"},
	} {
		assert.Equal(t, want, r.inWords(energy.Causes([]energy.Finding{f})[0]))
	}
	r = Result{Workload: Workload{Start: time.Unix(1700000000, 922669200), End: time.Unix(1700000006, 940345800)}}
	var b strings.Builder
	r.writeWindow(&b)
	assert.Contains(t, b.String(), "window\t6.018s from 2023-11-14T22:13:20.922Z\n", "in ms")
}

// TestTableOfFindings: what to do stands under what was found, and an error of the
// writer is returned.
func TestTableOfFindings(t *testing.T) {
	r := Result{options: Options{Result: "bench.json"}, Findings: []energy.Finding{{Reason: energy.SourceStalled, Detail: "it is off\nswitch it on"}, {Reason: energy.Throttled}}, Workload: Workload{Notes: []string{"a note"}}}
	var b strings.Builder
	require.NoError(t, r.WriteTable(&b))
	assert.Equal(t, "window  unknown\nsource  \nenergy  withheld\ninvalid: source_stalled: it is off\n  switch it on\nmarked: throttled\nnote: a note\n", b.String())
	read, write := io.Pipe()
	require.NoError(t, read.CloseWithError(io.ErrShortWrite))
	assert.ErrorIs(t, r.WriteTable(write), io.ErrShortWrite)
}

// TestLogArg: a log is opened by name, whatever its path and zone are called.
func TestLogArg(t *testing.T) {
	for want, s := range map[string]Source{
		"gpu.csv?offset=0s&tz=+0200":             {Log: "gpu.csv"},
		"a?b=c.csv?offset=-1.5s&gap=3s&tz=+0200": {Log: "a?b=c.csv", ClockOffset: -1500 * time.Millisecond, MaxGap: 3 * time.Second},
		"gpu.csv?offset=0s&gap=1m0s&tz=+0200":    {Log: "gpu.csv", MaxGap: time.Minute},
	} {
		assert.Equal(t, want, s.log(time.FixedZone("CEST", 7200)).Argument())
	}
	assert.Equal(t, "gpu.csv?offset=0s", Source{Log: "gpu.csv"}.log(nil).Argument())
	assert.Equal(t, "gpu.csv?offset=0s&tz=Europe%2FBerlin", Source{Log: "gpu.csv"}.log(must(time.LoadLocation("Europe/Berlin"))(t)).Argument())

	x := newTrial(t)
	require.NoError(t, os.Rename("gpu.csv", "gpu.csv?tz=Asia%2FTokyo"))
	x.run("-log", "gpu.csv?tz=Asia%2FTokyo", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC")
	x.valid(nil)
}

func must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V { require.NoError(t, err); return v }
}

// TestValidationPath: beside the result, without its extension.
func TestValidationPath(t *testing.T) {
	assert.Equal(t, "power_validation_result.json", ValidationPath("result.json"))
	assert.Equal(t, filepath.Join("out", "power_validation_a.b.json"), ValidationPath(filepath.Join("out", "a.b.json")))
}
