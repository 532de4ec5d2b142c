//go:build cgo

package nvmlsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestModuleScope: a counter that is that of a superchip's module is marked, its power is
// checked against that of the module, and it is not taken for more than its GPU can draw.
func TestModuleScope(t *testing.T) {
	const module = "FAKE_NVML_MODULE_W=600"
	for name, c := range map[string]struct {
		env    []string
		marked bool
		watts  float64 // beside the counter; 0 is none
		limit  float64
	}{
		"no module":                 {nil, false, 400, 700},
		"old driver":                {[]string{"FAKE_NVML_SCOPES=0"}, false, 400, 700},
		"counts the module":         {[]string{module, "FAKE_NVML_COUNTS_MODULE=1"}, true, 600, 1000},
		"counts the GPU":            {[]string{module}, false, 400, 700},
		"does not show which":       {[]string{module, "FAKE_NVML_FAULTS=191=3"}, true, 600, 1000},
		"does not show its limit":   {[]string{module, "FAKE_NVML_FAULTS=191=3 190=3"}, true, 600, 0},
		"a GH200 that shows none":   {[]string{"FAKE_NVML_MODEL=NVIDIA GH200 480GB"}, true, 0, 0},
		"a GH200 on an old driver":  {[]string{"FAKE_NVML_MODEL=NVIDIA GH200 480GB", "FAKE_NVML_SCOPES=0"}, true, 0, 0},
		"a GH200 without the field": {[]string{"FAKE_NVML_MODEL=NVIDIA GH200 480GB", "FAKE_NVML_FAULTS=nvmlDeviceGetFieldValues=3"}, true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{env: c.env}, func(t *testing.T) {
				s := mustOpen(t, Config{})
				d := s.Devices()[0]
				assert.Equal(t, energy.Counter, d.Method)
				assert.Equal(t, c.limit, d.PowerLimit)
				if c.marked {
					require.Len(t, d.Marks, 1)
					assert.Equal(t, energy.ModuleScope, d.Marks[0].Reason)
					assert.Equal(t, d.UUID, d.Marks[0].Device)
					assert.Contains(t, d.Marks[0].Detail, "its CPU included")
					assert.False(t, d.Marks[0].Withholds())
				} else {
					assert.Empty(t, d.Marks)
				}
				assert.Equal(t, c.marked, d.Delay == 0 && d.DelaySD == 0, "what is known is of the GPU's counter: %v ± %v", d.Delay, d.DelaySD)
				r := readAll(s)[0]
				require.NoError(t, r.Err)
				assert.True(t, r.HasJoules)
				assert.Equal(t, c.watts > 0, r.HasWatts)
				assert.Equal(t, c.watts, r.Watts)
			})
		})
	}
}
