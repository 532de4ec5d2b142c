package powertest

import (
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// fakeCPUs is a machine of one package that draws 150 W, with 30 W of memory, and has zones
// that contain one another.
func fakeCPUs(t *testing.T) *rapltest.Tree {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("CPUs are read on linux")
	}
	tree := rapltest.New(t, rapltest.IntelCPU,
		rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0", Limit: 350}, rapltest.Zone{Entry: "intel-rapl:0:0", Name: "core"},
		rapltest.Zone{Entry: "intel-rapl:0:1", Name: "dram"}, rapltest.Zone{Entry: "intel-rapl:1", Name: "psys"})
	tree.Run(map[string]float64{"intel-rapl:0": 150, "intel-rapl:0:0": 90, "intel-rapl:0:1": 30, "intel-rapl:1": 300})
	return tree
}

// TestCPUs is about processes that measure the CPUs of a machine that is made up of files.
// Its clock is the real one.
func TestCPUs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures on the real clock")
	}
	tree := fakeCPUs(t)
	env := []string{"POWERTEST_SOURCE=rapl=root=" + tree.Root, "TMPDIR=" + t.TempDir()}

	out := onRealClock(t, "^BenchmarkOther$", env)
	requireWatts(t, 180, out, out.one())
	assert.Equal(t, "rapl", out.one().GetConfig("energy-source"))
	assert.Equal(t, "package+dram", out.one().GetConfig("cpu-energy"))
	assert.Empty(t, out.one().GetConfig("gpus"), "there is no GPU")

	out = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_DEVICES=CPU-package-0"))
	requireWatts(t, 150, out, out.one())
	assert.Equal(t, "package", out.one().GetConfig("cpu-energy"))

	assert.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:0:1")+"/max_energy_range_uj")))
	out = onRealClock(t, "^BenchmarkOther$", env)
	requireWatts(t, 150, out, out.one())
	assert.Contains(t, out.out, "are not measured: DRAM 0 (memory of package-0, DRAM-package-0")
	out = onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_STRICT=1"))
	assert.Contains(t, out.out, "--- FAIL")
}

// testBesideGPUs: GPUs and CPUs in one benchmark, through a driver and files that are made up.
// The default is the GPUs alone.
func testBesideGPUs(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_WATTS=400")
	assert.Equal(t, "nvml", onRealClock(t, "^BenchmarkOther$", env).one().GetConfig("energy-source"))
	out := onRealClock(t, "^BenchmarkOther$", append(env, "POWERTEST_SOURCE=nvml+rapl=root="+fakeCPUs(t).Root))
	r := out.one()
	requireWatts(t, 400, out, r)
	assert.Equal(t, "nvml+rapl", r.GetConfig("energy-source"))
	assert.Equal(t, "package+dram", r.GetConfig("cpu-energy"))
	seconds, _ := r.Value("sec/op")
	for unit, watts := range map[string]float64{"cpu-J/op": 150, "dram-J/op": 30, "all-J/op": 580} {
		if joules, ok := r.Value(unit); ok { // or withheld, on a machine that is busy with other things
			assert.InEpsilon(t, watts, joules/seconds, 2*realClock, unit)
		}
	}
}
