package powertest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
)

// fakeGPUs returns the environment of a machine whose NVIDIA driver is made up:
// 400 W, a counter that ticks every 20 ms.
func fakeGPUs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"LD_LIBRARY_PATH=" + nvmltest.Build(t),
		"TMPDIR=" + t.TempDir(), // where processes find each other
		"FAKE_NVML_TICK_MS=20",
		"POWERTEST_STRICT=1",
	}, more...)
}

// TestNVML: the default source, all the way down to the C functions.
func TestNVML(t *testing.T) {
	env := fakeGPUs(t, "FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=400,300")
	results := plain.bench(t, ".", env).results()
	require.Len(t, results, 2)
	for _, r := range results {
		requireWatts(t, 700, r)
		assert.Equal(t, "nvml", r.GetConfig("energy-source"))
		assert.Equal(t, "NVIDIA H200", r.GetConfig("gpu"))
		assert.Equal(t, "2", r.GetConfig("gpus"))
		assert.Equal(t, "700W", r.GetConfig("power-limit"))
	}
	r := plain.bench(t, "Other", append(env, "POWERTEST_DEVICES=1")).one()
	requireWatts(t, 300, r)
	assert.Equal(t, "1", r.GetConfig("gpus"))
}

// requireWatts requires the power to be the true one, within the interval that
// the result itself gives, and the joules to fit.
func requireWatts(t *testing.T, want float64, r *benchfmt.Result) {
	t.Helper()
	watts, _ := r.Value("W")
	percent, ok := r.Value("err-%")
	require.True(t, ok)
	assert.LessOrEqual(t, math.Abs(watts/want-1), percent/100+0.005, "%v W ± %v %%", watts, percent)
	joules, _ := r.Value("J/op")
	seconds, _ := r.Value("sec/op")
	assert.InEpsilon(t, watts*seconds, joules, 0.02)
}

// TestMixedGPUs: what differs is listed, in an order that does not vary.
func TestMixedGPUs(t *testing.T) {
	env := fakeGPUs(t, "FAKE_NVML_GPUS=3", "FAKE_NVML_MODEL=NVIDIA H200,NVIDIA A100,NVIDIA H200", "FAKE_NVML_LIMIT_W=700,400,700")
	r := plain.bench(t, "Other", env).one()
	assert.Equal(t, "NVIDIA A100, NVIDIA H200", r.GetConfig("gpu"))
	assert.Equal(t, "400W, 700W", r.GetConfig("power-limit"))
}

// TestTrapCounterReset: a counter that starts again takes the joules with it.
func TestTrapCounterReset(t *testing.T) {
	control := filepath.Join(t.TempDir(), "faults")
	require.NoError(t, os.WriteFile(control, nil, 0o644))
	env := fakeGPUs(t, "FAKE_NVML_CONTROL="+control, "POWERTEST_STRICT=0")
	r := styles.once(t, "^BenchmarkCounterReset$", env, "-test.benchtime=600x")
	requireNoJoules(t, r.one())
	assert.Contains(t, r.out, "are withheld: counter_reset")
}

// without is a result less one unit.
func without(r *benchfmt.Result, unit string) *benchfmt.Result {
	r.Values = slices.DeleteFunc(r.Values, func(v benchfmt.Value) bool { return v.Unit == unit })
	return r
}

// TestTrapOldDriver: a driver without the energy counter, or that fails, leaves
// the benchmark alone and has a sentence in its log.
func TestTrapOldDriver(t *testing.T) {
	env := append(fakeGPUs(t), "POWERTEST_STRICT=0")
	for name, more := range map[string][]string{
		"has no symbol": {"LD_LIBRARY_PATH=" + nvmltest.Build(t, "nvmlDeviceGetFieldValues", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetSamples")},
		"no permission": {"FAKE_NVML_FAULTS=nvmlDeviceGetCount=4"},
		"lost":          {"FAKE_NVML_FAULTS=*=15"},
	} {
		t.Run(name, func(t *testing.T) {
			r := plain.bench(t, "Plain", append(env, more...))
			x := r.one()
			_, ok := x.Value("tokens/s")
			assert.True(t, ok)
			requireNoJoules(t, without(x, "tokens/s"))
			assert.Contains(t, r.out, "powertest: there are no joules: nvml: ")
		})
	}
}

// TestTrapTwoProcesses: two processes that measure one GPU at the same time find
// each other, and both mark their numbers. One after the other they do not.
func TestTrapTwoProcesses(t *testing.T) {
	env := fakeGPUs(t)
	plain.binary(t)
	for _, together := range []bool{true, false} {
		var runs [2]run
		var traces [2]string
		var wg sync.WaitGroup
		for i := range runs {
			traces[i] = t.TempDir()
			one := func() {
				runs[i] = plain.once(t, "Plain", append(env, "POWERTEST_TRACE="+traces[i]), "-test.benchtime=500ms")
			}
			if together {
				wg.Go(one)
			} else {
				one()
			}
		}
		wg.Wait()
		for i, r := range runs {
			_, ok := r.one().Value("J/op")
			assert.True(t, ok, "a mark withholds nothing")
			if together {
				assert.Contains(t, r.out, "shared_gpu ("+nvmltest.UUID(0)+")")
			} else {
				assert.NotContains(t, r.out, "shared_gpu")
			}
			assert.Equal(t, together, readTrace(t, traces[i]).Measurement.Has("shared_gpu"))
			assert.Equal(t, together, readTrace(t, traces[i]).Measurement.Devices[0].Has("shared_gpu"))
		}
	}
}

// readTrace reads the only trace in a directory.
func readTrace(t *testing.T, dir string) Report {
	t.Helper()
	files := filesIn(t, dir)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var res Report
	require.NoError(t, json.Unmarshal(data, &res))
	return res
}
