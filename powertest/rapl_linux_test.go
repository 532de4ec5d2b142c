package powertest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// TestCPUs is about processes that measure the CPUs of a machine that is made up of files.
// Its clock is the real one.
func TestCPUs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures on the real clock")
	}
	tree := rapltest.New(t, rapltest.IntelCPU,
		rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0", Microjoules: rapltest.Intel - 10e6, Limit: 350},
		rapltest.Zone{Entry: "intel-rapl:0:0", Name: "core"}, rapltest.Zone{Entry: "intel-rapl:0:1", Name: "dram"},
		rapltest.Zone{Entry: "intel-rapl:1", Name: "psys"})
	tree.Run(map[string]float64{"intel-rapl:0": 150, "intel-rapl:0:0": 90, "intel-rapl:0:1": 30, "intel-rapl:1": 300})
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
