package metricname

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestForeign(t *testing.T) {
	for name, want := range map[string]string{
		"kepler_node_gpu_joules_total": "Kepler", "nvidia_smi_power_draw_watts": "nvidia_gpu_exporter", "nv_energy_consumption": "Triton",
		"DCGM_FI_DEV_POWER_USAGE": "", "go_goroutines": "",
	} {
		assert.Equal(t, want, Foreign(name), name)
	}
}

func TestLooksDrawn(t *testing.T) {
	for name, want := range map[string]bool{
		"kepler_node_gpu_joules_total": true, "nvidia_smi_power_draw_watts": true, "nv_energy_consumption": true, "nv_gpu_power_usage": true,
		"nv_gpu_power_limit": false, "nvidia_smi_enforced_power_limit_watts": false, "nvidia_smi_pstate": false, "go_goroutines": false,
	} {
		assert.Equal(t, want, LooksDrawn(name), name)
	}
}
