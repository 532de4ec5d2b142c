package annotate

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// hostRig is a processor and its memory, which draw 50 W each and are read while the
// command runs.
type hostRig struct {
	*simsource.Source
	devices []energy.Device
}

func (hostRig) Info() energy.Info { return energy.Info{Name: "host", Period: 10 * time.Millisecond} }

func (h hostRig) Devices() []energy.Device { return h.devices }

func init() {
	energy.Register("host", func(arg string, _ []string) (energy.Source, error) {
		if arg == "denied" {
			return nil, fmt.Errorf("host: read energy_uj: %w", fs.ErrPermission)
		}
		h := hostRig{Source: simsource.New(simsource.Config{GPUs: 2, Seed: 9, Idle: 50, Period: 10 * time.Millisecond, Noise: -1})}
		for i, d := range h.Source.Devices() {
			d.Kind, d.UUID, d.Index = []energy.Kind{energy.CPU, energy.DRAM}[i], fmt.Sprintf("PACKAGE-%d", i), 0
			h.devices = append(h.devices, d)
		}
		return h, nil
	})
}

// TestLiveKinds: what is measured beside the GPUs has keys of its own, and so has the sum.
func TestLiveKinds(t *testing.T) {
	var truth float64
	x := liveTrial(t, bench(&truth), "-source", "rig+host", "-gpus", "2")
	require.NoError(t, x.err)
	agg := x.file("agg.json")
	for key, want := range map[string]float64{
		"total_gpu_energy_j": truth, "cpu_energy_j": 500, "cpu_avg_power_w": 50, "dram_energy_j": 500,
		"all_energy_j": truth + 1000, "all_joules_per_output_token": (truth + 1000) / 200,
	} {
		require.Contains(t, agg, key)
		assert.InEpsilon(t, want, agg[key], 0.02, key)
	}
	assert.EqualValues(t, 1, agg["power_valid"])
	assert.EqualValues(t, 2, x.file("side.json")["observed_gpu_count"])
	assert.Len(t, x.measured().Kinds, 3)
	assert.Contains(t, x.out, "all energy")
}

// TestLiveKindsOneMissing: the GPUs' metrics are what they would be without the other.
func TestLiveKindsOneMissing(t *testing.T) {
	var truth float64
	x := liveTrial(t, bench(&truth), "-source", "rig+host=denied")
	require.NoError(t, x.err)
	agg := x.file("agg.json")
	assert.InEpsilon(t, truth, agg["total_gpu_energy_j"], 0.02)
	assert.NotContains(t, agg, "cpu_energy_j")
	assert.NotContains(t, agg, "all_energy_j")
	assert.Contains(t, x.out, "withheld: source_unavailable (host): host: read energy_uj: permission denied")
}

// TestLiveKindsNoGPU: the energy of a processor is none of GPUs.
func TestLiveKindsNoGPU(t *testing.T) {
	var truth float64
	x := liveTrial(t, bench(&truth), "-source", "host")
	require.NoError(t, x.err)
	assert.Equal(t, []string{"no_gpu_measured"}, x.reasons())
	assert.NotContains(t, x.file("agg.json"), "total_gpu_energy_j")
}
