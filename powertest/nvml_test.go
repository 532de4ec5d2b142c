package powertest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestDriver is about processes that measure GPUs through a driver's library that is
// made up. Its clock is the real one.
func TestDriver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a library, and measures on the real clock")
	}
	driver := nvmltest.Build(t)
	for name, test := range map[string]func(t *testing.T, driver string){
		"nvml":          testNVML,
		"mixed GPUs":    testMixedGPUs,
		"counter reset": testCounterReset,
		"impossible":    testImpossible,
		"old driver":    testOldDriver,
		"left out":      testLeftOut,
		"several":       testSeveral,
		"beside CPUs":   testBesideGPUs,
		"two processes": testTwoProcesses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, driver)
		})
	}
}

// fakeGPUs returns the environment of a machine whose NVIDIA driver is made up:
// 400 W, a counter that ticks every 20 ms.
func fakeGPUs(t *testing.T, driver string, more ...string) []string {
	t.Helper()
	return append([]string{
		"LD_LIBRARY_PATH=" + driver,
		"TMPDIR=" + t.TempDir(), // where processes find each other
		"FAKE_NVML_TICK_MS=20",
	}, more...)
}

// testNVML: the default source, all the way down to the C functions.
func testNVML(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=400,300")
	out := onRealClock(t, "^Benchmark(Plain|Other)$", env)
	results := out.results()
	require.Len(t, results, 2)
	for _, r := range results {
		requireWatts(t, 700, out, r)
		assert.Equal(t, "nvml", r.GetConfig("energy-source"))
		assert.Equal(t, "NVIDIA H200", r.GetConfig("gpu"))
		assert.Equal(t, "2", r.GetConfig("gpus"))
		assert.Equal(t, "700W", r.GetConfig("power-limit"))
	}
	out = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_DEVICES=1"))
	requireWatts(t, 300, out, out.one())
	assert.Equal(t, "1", out.one().GetConfig("gpus"))
}

// realClock is what is allowed beside the interval of a result on the real clock: on a
// machine that is busy with other things reads come late by more than the interval of
// some ticks of 20 ms knows.
const realClock = 0.05

// requireWatts requires the power to be the true one, within the interval that the
// result itself gives, and the joules to fit. On a machine that is busy with other
// things the joules may be withheld: then the log says why.
func requireWatts(t *testing.T, want float64, out run, r *benchfmt.Result) {
	t.Helper()
	watts, _ := r.Value("W")
	percent, ok := r.Value("err-%")
	if !ok {
		require.Contains(t, out.out, "the joules of the benchmark are withheld: ")
		return
	}
	assert.LessOrEqual(t, math.Abs(watts/want-1), percent/100+realClock, "%v W ± %v %%", watts, percent)
	joules, _ := r.Value("J/op")
	seconds, _ := r.Value("sec/op")
	assert.InEpsilon(t, watts*seconds, joules, 0.02)
}

// testMixedGPUs: what differs is listed, in an order that does not vary.
func testMixedGPUs(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_GPUS=3", "FAKE_NVML_MODEL=NVIDIA H200,NVIDIA A100,NVIDIA H200", "FAKE_NVML_LIMIT_W=700,400,700")
	r := onRealClock(t, "^BenchmarkOther$", env).one()
	assert.Equal(t, "NVIDIA A100, NVIDIA H200", r.GetConfig("gpu"))
	assert.Equal(t, "400W, 700W", r.GetConfig("power-limit"))
}

// testLeftOut: a GPU that reports nothing is named, and fails under strict unless it was
// left out by choice.
func testLeftOut(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_GPUS=4", "FAKE_NVML_WATTS=100",
		"FAKE_NVML_FAULTS=nvmlDeviceGetFieldValues@2=3 nvmlDeviceGetTotalEnergyConsumption@2=3 nvmlDeviceGetSamples@2=3 nvmlDeviceGetPowerUsage@2=3")
	out := onRealClock(t, "^BenchmarkOther$", env)
	assert.Equal(t, "3 of 4", out.one().GetConfig("gpus"))
	requireWatts(t, 300, out, out.one())
	assert.Contains(t, out.out, "1 of 4 GPUs are not measured: GPU 2 (NVIDIA H200, "+nvmltest.UUID(2)+"): it reports neither energy nor power")
	out = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_STRICT=1"))
	assert.Contains(t, out.out, "--- FAIL")
	assert.Contains(t, out.out, "POWERTEST_DEVICES=0,1,3")
	out = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_DEVICES=0,1,3"))
	assert.Equal(t, "3", out.one().GetConfig("gpus"))
	assert.NotContains(t, out.out, "not measured")
}

// testCounterReset: a counter that starts again takes the joules with it.
func testCounterReset(t *testing.T, driver string) {
	control := filepath.Join(t.TempDir(), "faults")
	require.NoError(t, os.WriteFile(control, nil, 0o644))
	env := fakeGPUs(t, driver, "FAKE_NVML_CONTROL="+control)
	r := onRealClock(t, "^BenchmarkCounterReset$", env, "-test.benchtime=600x")
	requireNoJoules(t, r.one())
	assert.Contains(t, r.out, "are withheld: counter_reset")
}

// testImpossible: what the printed power limit contradicts is not printed, and strict
// mode fails.
func testImpossible(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_WATTS=1100")
	r := onRealClock(t, "^BenchmarkOther$", env, "-test.benchtime=1s")
	requireNoJoules(t, r.one())
	assert.Equal(t, "700W", r.one().GetConfig("power-limit"))
	assert.Contains(t, r.out, "are withheld: counter_jump")
	assert.Contains(t, r.out, "the power limit is 700 W")
	r = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_STRICT=1"), "-test.benchtime=1s")
	assert.NotZero(t, r.code)
}

// without is a result less one unit.
func without(r *benchfmt.Result, unit string) *benchfmt.Result {
	r.Values = slices.DeleteFunc(r.Values, func(v benchfmt.Value) bool { return v.Unit == unit })
	return r
}

// testOldDriver: a driver without the energy counter, or that fails, leaves
// the benchmark alone and has a sentence in its log.
func testOldDriver(t *testing.T, driver string) {
	env := fakeGPUs(t, driver)
	for name, more := range map[string][]string{
		"has no symbol": {"LD_LIBRARY_PATH=" + nvmltest.Build(t, "nvmlDeviceGetFieldValues", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetSamples")},
		"no permission": {"FAKE_NVML_FAULTS=nvmlDeviceGetCount=4"},
		"lost":          {"FAKE_NVML_FAULTS=*=15"},
	} {
		t.Run(name, func(t *testing.T) {
			r := onRealClock(t, "^BenchmarkPlain$", append(env, more...))
			x := r.one()
			_, ok := x.Value("tokens/s")
			assert.True(t, ok)
			requireNoJoules(t, without(x, "tokens/s"))
			assert.Contains(t, r.out, "powertest: no energy measurement: nvml: ")
		})
	}
}

// testTwoProcesses: two processes that measure one GPU at the same time find
// each other, and both mark their numbers. One after the other they do not.
func testTwoProcesses(t *testing.T, driver string) {
	env := fakeGPUs(t, driver)
	for _, together := range []bool{true, false} {
		meeting := t.TempDir()
		var runs [2]run
		var traces [2]string
		var wg sync.WaitGroup
		for i := range runs {
			traces[i] = t.TempDir()
			one := func() {
				own := append(slices.Clone(env), "POWERTEST_TRACE="+traces[i])
				if together {
					own = append(own, "STYLES_MEETING="+meeting)
				}
				runs[i] = onRealClock(t, "^BenchmarkMeeting$", own, "-test.benchtime=500ms")
			}
			if together {
				wg.Go(one)
			} else {
				one()
			}
		}
		wg.Wait()
		for i, r := range runs {
			r.one()
			m := readTrace(t, traces[i]).Measurement
			assert.Equal(t, together, m.Has(energy.SharedGPU))
			assert.Equal(t, together, m.Devices[0].Has(energy.SharedGPU))
			assert.Equal(t, together, strings.Contains(r.out, "shared_gpu ("+nvmltest.UUID(0)+")"))
			withheld := slices.ContainsFunc(m.Reasons, func(f energy.Finding) bool { return f.Withholds() })
			assert.Equal(t, !withheld, m.Valid, "a mark withholds nothing")
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
