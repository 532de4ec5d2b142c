package amdsource

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/drm/drmtest"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/doctor"
)

// BenchmarkSleep is what TestOutput runs.
func BenchmarkSleep(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(time.Millisecond)
		b.AddTokens(10, 2)
	}
}

// TestOutput: a benchmark on two GPUs whose files are made up, as a user runs it, on the
// real clock, with the stamps of the driver.
func TestOutput(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures on the real clock")
	}
	a, b := instinct(0, 8, 3872, 700), instinct(1, 8, 3872, 300)
	root := drmtest.Write(t, a, b)
	defer run(t, root, tick, true, map[*drmtest.Card]float64{&a: 700, &b: 300})()
	r := drmtest.Bench(t, "BenchmarkSleep", "amd=root="+root)
	drmtest.RequireWatts(t, 1000, r)
	for key, want := range map[string]string{"energy-source": "amd", "gpu": "AMD Instinct MI300X OAM", "gpus": "2", "power-limit": "750W"} {
		assert.Equal(t, want, r.GetConfig(key), key)
	}
}

// TestDoctor: what powertest doctor says of a machine with a GPU that has a counter, and
// one that has not.
func TestDoctor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := instinct(0, 3, 120, 400)
		root := drmtest.Write(t, a, radeon("0000:03:00.0", nil))
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&a: 400})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		report, err := doctor.Examine(t.Context(), s, doctor.Options{Watch: 3 * time.Second})
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, report.WriteText(&out))
		for _, says := range []string{
			`1 +AMD Instinct MI300X OAM +750 W`,
			`0 +AMD GPU 1002:73bf +255 W`,
			`GPU 1: GPU-c0ffee0000000000`,
			`gpu_metrics energy_accumulator and socket power`,
			`hwmon power1_average, a mean over an unknown time`,
			`20(\.\d+)? ms`,
		} {
			assert.Regexp(t, says, out.String())
		}
		t.Log(out.String())
	})
}
