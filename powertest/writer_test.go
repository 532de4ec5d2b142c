package powertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// serve is a report of a load that was measured elsewhere.
func serve(joules float64) Report {
	return NewReport("BenchmarkServe/conc=64", Work{Requests: 30, PromptTokens: 4000, OutputTokens: 1000, Users: 64}, energy.Measurement{
		Valid: true, Duration: 10 * time.Second, Watts: joules / 10,
		Energy: energy.Estimate{Joules: joules, Low: joules * 0.99, High: joules * 1.01},
		Source: energy.Info{Name: "smi"},
		Devices: []energy.DeviceMeasurement{{Valid: true, Device: energy.Device{
			UUID: "GPU-1", Name: "NVIDIA H200", PowerLimit: 700, Method: energy.Gauge}}},
	})
}

func TestWriteBenchmark(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, serve(3000.123456789).WriteBenchmark(&b))
	assert.Equal(t, `Unit J/op better=lower
Unit W better=lower
Unit err-% better=lower
Unit tokens/J better=higher
Unit J/token better=lower
Unit tokens/s better=higher
Unit J/req better=lower
Unit J/user better=lower
Unit W/gpu better=lower
Unit J/prompt-token better=lower
Unit J/total-token better=lower
energy-source: smi
gpu: NVIDIA H200
gpus: 1
power-limit: 700W

BenchmarkServe/conc=64 30 3.333333333333333e+08 ns/op 100.0041152263 J/op 300.01234567890003 W 1.000000000000005 err-% 0.333319616476813 tokens/J 3.0001234567890003 J/token 100 tokens/s 100.0041152263 J/req 46.87692901232813 J/user 300.01234567890003 W/gpu 0.7500308641972501 J/prompt-token 0.6000246913578 J/total-token
`, b.String())
}

// TestWriterDigits: as many as are asked for.
func TestWriterDigits(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Digits = 3
	require.NoError(t, w.Write(serve(3000.123456789)))
	assert.Contains(t, b.String(), " 3.33e+08 ns/op 100 J/op 300 W ")
}

// TestWriter: each line before a record comes once, when it is new: of units, and of
// what must be equal for records to be comparable.
func TestWriter(t *testing.T) {
	var b, other bytes.Buffer
	w := NewWriter(&b)
	require.NoError(t, w.Write(serve(3000)))
	first := b.String()
	require.NoError(t, serve(3000).WriteBenchmark(&other))
	assert.Equal(t, first, other.String(), "a record that stands alone")

	b.Reset()
	require.NoError(t, w.Write(serve(3100)))
	assert.Regexp(t, `^BenchmarkServe/conc=64 30 [^\n]*\n$`, b.String(), "nothing is new but the record")

	b.Reset()
	r := serve(50)
	r.Metrics = append(r.Metrics, Metric{"prefill-J/op", 1}, Metric{"errors/s", 2}, Metric{"prefill-J/op", 3})
	r.Measurement.Devices[0].Device.Name, r.Measurement.Devices[0].Device.PowerLimit = "NVIDIA A100", 0
	require.NoError(t, w.Write(r))
	before, _, _ := strings.Cut(b.String(), "Benchmark")
	lines := slices.DeleteFunc(strings.Split(before, "\n"), func(l string) bool { return l == "" })
	assert.ElementsMatch(t, []string{"Unit prefill-J/op better=lower", "gpu: NVIDIA A100", "power-limit:"}, lines,
		"a unit that is new (more errors/s are not known to be better), a setting that changes, and one that ends")

	b.Reset()
	require.NoError(t, w.Write(serve(3000)))
	assert.Contains(t, b.String(), "gpu: NVIDIA H200\n")
	assert.Contains(t, b.String(), "power-limit: 700W\n")
	assert.NotContains(t, b.String(), "Unit ")
	assert.NotContains(t, b.String(), "gpus:")
}

// TestWriterReadsBack: what a Writer has written is what benchfmt reads.
func TestWriterReadsBack(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	for range 3 {
		require.NoError(t, w.Write(serve(3000)))
	}
	reader := benchfmt.NewReader(&b, "")
	results := 0
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			results++
			assert.Equal(t, "smi", rec.GetConfig("energy-source"))
			joules, _ := rec.Value("J/op")
			assert.Equal(t, 100.0, joules)
		case *benchfmt.SyntaxError:
			assert.Fail(t, "torn line", "%v", rec)
		}
	}
	assert.Equal(t, 3, results)
	units := benchfmt.UnitMetadataMap(reader.Units())
	for _, m := range serve(3000).Metrics {
		better, _ := metrictable.Better(m.Unit)
		assert.Equal(t, int(better), units.GetBetter(m.Unit), m.Unit)
	}
}

// TestWriterFromGoroutines: records are whole, and no line before them comes twice.
func TestWriterFromGoroutines(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { assert.NoError(t, w.Write(serve(3000))) })
	}
	wg.Wait()
	assert.Equal(t, 8, strings.Count(b.String(), "\nBenchmarkServe/conc=64 30 "))
	assert.Equal(t, 1, strings.Count(b.String(), "Unit J/op "))
	assert.Equal(t, 1, strings.Count(b.String(), "gpus: 1"))
}

func TestRecordName(t *testing.T) {
	for name, want := range map[string]string{
		"BenchmarkServe/conc=64": "Serve/conc=64",
		"serve the world":        "Serve_the_world",
		"":                       "Load",
		"Benchmark":              "Load",
		"a\tb\x00c":              "A_b_c",
		"été":                    "Été",
	} {
		assert.Equal(t, want, recordName(name, 0))
	}
	assert.Equal(t, "X-8", recordName("BenchmarkX", 8))
}

// TestWriteBenchmarkWithheld: what remains is written, and nothing is made up.
func TestWriteBenchmarkWithheld(t *testing.T) {
	r := NewReport("x", Work{Requests: 10, OutputTokens: 100, Elapsed: time.Second}, energy.Measurement{
		Reasons: []energy.Finding{{Reason: energy.CounterReset}}})
	var b bytes.Buffer
	require.NoError(t, r.WriteBenchmark(&b))
	assert.Contains(t, b.String(), "BenchmarkX 10 1e+08 ns/op 100 tokens/s\n")
	assert.NotContains(t, b.String(), "J")
	err := NewReport("x", Work{}, *r.Measurement).WriteBenchmark(&b)
	require.ErrorIs(t, err, ErrNoNumbers)
	assert.ErrorContains(t, err, "counter_reset")
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriteBenchmarkFails(t *testing.T) {
	full := errors.New("no space left on device")
	assert.ErrorIs(t, serve(1).WriteBenchmark(failing{full}), full)
}

// TestReportJSON: the keys are what programs rely on.
func TestReportJSON(t *testing.T) {
	r := serve(3000)
	r.Phases = []PhaseReport{{Name: "decode", Attribution: timeSliced}}
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(data, &keys))
	assert.Equal(t, 1.0, keys["schema_version"])
	assert.Equal(t, "BenchmarkServe/conc=64", keys["name"])
	assert.Equal(t, "smi", keys["source"])
	assert.Equal(t, map[string]any{"ops": 30.0, "requests": 30.0, "prompt_tokens": 4000.0, "output_tokens": 1000.0, "users": 64.0, "elapsed_ns": 1e10}, keys["work"])
	assert.Equal(t, map[string]any{"unit": "J/op", "value": 100.0}, keys["metrics"].([]any)[0])
	m := keys["measurement"].(map[string]any)
	assert.Equal(t, map[string]any{"joules": 3000.0, "low": 2970.0, "high": 3030.0}, m["energy"])
	device := m["devices"].([]any)[0].(map[string]any)["device"].(map[string]any)
	assert.Equal(t, map[string]any{"uuid": "GPU-1", "index": 0.0, "name": "NVIDIA H200", "power_limit_watts": 700.0, "method": "gauge"}, device)
	assert.Equal(t, "time-sliced", keys["phases"].([]any)[0].(map[string]any)["attribution"])

	var back Report
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, r.Metrics, back.Metrics)
}

// TestReportFile: a report that can't be written leaves the old one.
func TestReportFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, serve(3000).WriteFile(path))
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	bad := serve(3000)
	bad.Metrics = append(bad.Metrics, Metric{"J/op", math.NaN()}) // JSON knows no NaN
	require.Error(t, bad.WriteFile(path))
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(old), string(now))
}
