//go:build cgo

package nvmlsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// A source on the library does what every source must, however it has to read.
func TestConformance(t *testing.T) {
	tests := map[string]fake{
		"field values": {env: []string{"FAKE_NVML_GPUS=3", "FAKE_NVML_TICK_MS=20", "FAKE_NVML_WATTS=400"}},
		"total energy": {without: []string{"nvmlDeviceGetFieldValues"}, env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_TICK_MS=20", "FAKE_NVML_WATTS=400"}},
	}
	open := func(devices []string) (energy.Source, error) { return energy.Open("nvml", "", devices) }
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			isolated(t, f, func(t *testing.T) {
				assert.NoError(t, energytest.TestSource(func() (energy.Source, error) { return Open(Config{}) },
					energytest.Patience(3*time.Second), energytest.Allocs(8), energytest.ExpectWatts(399, 401), energytest.Opens(open)))
			})
		})
	}
}

// The recorder and the library together: joules of a constant load.
func TestRecordedJoules(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_WATTS=700", "FAKE_NVML_TICK_MS=20"}}, func(t *testing.T) {
		r := energy.NewRecorder(mustOpen(t, Config{}))
		w := r.Open()
		assert.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		time.Sleep(500 * time.Millisecond)
		w.Pause()
		want := 700 * w.Duration().Seconds()
		m := w.Measure(t.Context())
		if assert.True(t, m.Valid, "%v", m.Reasons) {
			assert.InEpsilon(t, want, m.Energy.Joules, 0.1)
			assert.LessOrEqual(t, m.Energy.Low, want)
			assert.GreaterOrEqual(t, m.Energy.High, want)
		}
	})
}
