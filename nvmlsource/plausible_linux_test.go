//go:build cgo

package nvmlsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestImpossible: what a GPU cannot have used, or what its power contradicts, is not
// published, and of two GPUs the other keeps its number. A GPU at its limit is published.
func TestImpossible(t *testing.T) {
	for name, c := range map[string]struct {
		env    []string // of GPU 1
		inject string   // within the window
		reason energy.Reason
		says   string
	}{
		"at its limit":             {[]string{"FAKE_NVML_WATTS=350,700"}, "", "", ""},
		"no limit, 1000 W":         {[]string{"FAKE_NVML_WATTS=350,1000", "FAKE_NVML_FAULTS=nvmlDeviceGetEnforcedPowerLimit@1=3"}, "", "", ""},
		"1 MJ more":                {nil, "jump@1=1000000000", energy.CounterJump, "the power limit is 700 W"},
		"1 MJ more, no limit":      {[]string{"FAKE_NVML_FAULTS=nvmlDeviceGetEnforcedPowerLimit@1=3"}, "jump@1=1000000000", energy.CounterJump, "at most otherwise"},
		"1000 W of 700 W":          {[]string{"FAKE_NVML_WATTS=350,1000"}, "", energy.CounterJump, "the power limit is 700 W"},
		"3.5 times what it shows":  {[]string{"FAKE_NVML_FAULTS=186@1=value:100000"}, "", energy.CounterDisagrees, "times the gauge"},
		"starts again":             {nil, "reset@1=1", energy.CounterReset, "went down"},
		"a module above its GPU":   {[]string{"FAKE_NVML_WATTS=350,500", "FAKE_NVML_MODULE_W=0,900", "FAKE_NVML_COUNTS_MODULE=1"}, "", "", ""},
		"a module above its limit": {[]string{"FAKE_NVML_WATTS=350,500", "FAKE_NVML_MODULE_W=0,900", "FAKE_NVML_MODULE_LIMIT_W=600", "FAKE_NVML_COUNTS_MODULE=1"}, "", energy.CounterJump, "the power limit is 600 W"},
	} {
		t.Run(name, func(t *testing.T) {
			env := append([]string{"FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=350"}, c.env...)
			isolated(t, fake{env: env}, func(t *testing.T) {
				w := energy.NewRecorder(mustOpen(t, Config{})).Open()
				require.NoError(t, w.WaitTicks(t.Context(), 3))
				w.Resume()
				time.Sleep(time.Second)
				inject(t, c.inject)
				time.Sleep(time.Second)
				w.Pause()
				m := w.Measure(t.Context())
				require.Len(t, m.Devices, 2)
				one, two := m.Devices[0], m.Devices[1]
				assert.False(t, impossible(one), "%v", m.Reasons)
				if one.Valid { // or the machine is too busy
					assert.InEpsilon(t, 350, one.Watts, 0.1)
				}
				if c.reason == "" {
					assert.False(t, impossible(two), "%v", m.Reasons)
					assert.Equal(t, two.Device.PowerLimit == 1000, two.Has(energy.ModuleScope), "%v", m.Reasons)
					return
				}
				assert.False(t, two.Valid)
				assert.False(t, m.Valid)
				assert.True(t, m.Has(energy.PartialCohort))
				require.True(t, two.Has(c.reason), "%v", m.Reasons)
				assert.Contains(t, two.Reasons[len(two.Reasons)-1].Detail, c.says)
			})
		})
	}
}

// impossible reports whether a number is withheld because it cannot be.
func impossible(d energy.DeviceMeasurement) bool {
	return d.Has(energy.CounterJump) || d.Has(energy.InvalidPowerSample) || d.Has(energy.CounterDisagrees)
}
