package powertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	"github.com/joulebench/joulebench/simsource"
)

// profileOf writes a profile of the first device of a simulation, which reports half of the
// joules that a meter shows.
func profileOf(t *testing.T, uuid string) (path string) {
	t.Helper()
	p := profile.Profile{SchemaVersion: profile.SchemaVersion, Devices: []profile.Device{{
		UUID: uuid, Method: energy.Counter, Meter: &profile.Meter{Scale: energy.Scale{Gain: 0.5, GainSD: 0.01}},
	}}}
	path = filepath.Join(t.TempDir(), "gpu.json")
	require.NoError(t, p.WriteFile(path))
	return path
}

// TestMeterWithProfile: what a meter measures is calibrated, and its record says so.
func TestMeterWithProfile(t *testing.T) {
	path := profileOf(t, simsource.New(simsource.Config{}).Devices()[0].UUID)
	p, err := profile.Read(path)
	require.NoError(t, err)
	measure := func(t *testing.T, value string) (r Report) {
		t.Setenv("POWERTEST_PROFILE", value)
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{Noise: -1})
			m, err := NewMeter(t.Context(), From(sim))
			require.NoError(t, err)
			defer m.Close()
			w := m.Start("BenchmarkServe")
			time.Sleep(2 * time.Second)
			w.AddOps(1)
			r = stop(t, w)
		})
		return r
	}
	record := func(r Report) string {
		var b strings.Builder
		require.NoError(t, r.WriteBenchmark(&b))
		return b.String()
	}
	raw, calibrated := measure(t, profile.Off), measure(t, path)
	assert.InEpsilon(t, 2*raw.Measurement.Energy.Joules, calibrated.Measurement.Energy.Joules, 1e-6)
	assert.InDelta(t, 4, calibrated.Measurement.Energy.ErrPercent(), 0.5, "twice the standard deviation of the gain")
	assert.NotContains(t, record(raw), "calibration:")
	assert.Contains(t, record(calibrated), "\ncalibration: "+p.ID()+"\n")
}

// TestProfileOfAnother: a profile that is named and is of something else is an error that
// says so.
func TestProfileOfAnother(t *testing.T) {
	path := profileOf(t, "GPU-2")
	t.Setenv("POWERTEST_PROFILE", path)
	_, err := NewMeter(t.Context(), From(simsource.New(simsource.Config{})))
	require.ErrorIs(t, err, profile.ErrOther)
	assert.ErrorContains(t, err, "it is of another UUID")
	t.Setenv("POWERTEST_PROFILE", filepath.Join(t.TempDir(), "none"))
	_, err = NewMeter(t.Context(), From(simsource.New(simsource.Config{})))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorIs(t, err, energy.ErrMalformed)
}

// TestBenchmarkWithProfile: the header of benchmarks has the profile; one that cannot be used
// fails the benchmark.
func TestBenchmarkWithProfile(t *testing.T) {
	t.Parallel()
	path := profileOf(t, simsource.New(simsource.Config{}).Devices()[0].UUID)
	r := styled(t, "^BenchmarkLoop$", []string{"POWERTEST_PROFILE=" + path})
	results := r.results()
	require.NotEmpty(t, results)
	assert.Len(t, results[0].GetConfig("calibration"), 12)

	r = styled(t, "^BenchmarkLoop$", []string{"POWERTEST_PROFILE=" + profileOf(t, "GPU-2")})
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.out, "it is of another UUID")
	assert.NotContains(t, r.out, "J/op\t")
}
