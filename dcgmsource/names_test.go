package dcgmsource

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheUnitFollowsFromTheName(t *testing.T) {
	for name, want := range map[string]struct {
		kind       kind
		value      float64
		resolution float64
	}{
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": {energyKind, 5, 1e-3},
		"dcgm_total_energy_consumption":        {energyKind, 5, 1e-3},
		"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL":  {energyKind, 5000, 1},
		"DCGM_FI_DEV_POWER_USAGE":              {powerKind, 5000, 1},
		"DCGM_FI_DEV_BOARD_POWER_WATTS":        {powerKind, 5000, 1},
		"dcgm_power_usage":                     {powerKind, 5000, 1},
	} {
		i := metricNamed(name)
		require.GreaterOrEqual(t, i, 0, name)
		m := metrics[i]
		assert.Equal(t, want.kind, m.kind, name)
		v, ok := m.value(5000)
		assert.True(t, ok)
		assert.Equal(t, want.value, v, name)
		if m.kind == energyKind {
			assert.Equal(t, want.resolution, m.resolution(), name)
		}
	}
	assert.Negative(t, metricNamed("DCGM_FI_DEV_GPU_TEMP"))
	assert.Less(t, metricNamed("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"), metricNamed("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL"), "millijoules go first")
}

func TestAbsentIsNotZero(t *testing.T) {
	counter, gauge := metrics[metricNamed("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")], metrics[metricNamed("DCGM_FI_DEV_POWER_USAGE")]
	for _, raw := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 9223372036854775792, 9223372036854775794, math.MaxInt64} {
		for _, m := range []metric{counter, gauge} {
			_, ok := m.value(raw)
			assert.False(t, ok, "%s %v", m.name, raw)
		}
	}
	for _, blank := range []float64{140737488355328, 140737488355329, 140737488355330, 140737488355331} {
		_, ok := gauge.value(blank)
		assert.False(t, ok, blank)
		v, ok := counter.value(blank)
		assert.True(t, ok, "a counter may come by there")
		assert.Equal(t, blank/1000, v)
	}
	v, ok := counter.value(0)
	assert.True(t, ok, "a counter starts at zero")
	assert.Zero(t, v)
	v, ok = gauge.value(140737488355332)
	assert.True(t, ok)
	assert.Equal(t, 140737488355332.0, v)
}

func TestEnergyLike(t *testing.T) {
	for name, want := range map[string]bool{
		"DCGM_FI_DEV_MODULE_ENERGY_KILOJOULES": true,
		"dcgm_fi_dev_Energy":                   true,
		"DCGM_FI_DEV_JOULES":                   true,
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": false,
		"DCGM_FI_DEV_POWER_USAGE":              false,
		"node_energy_joules_total":             false,
		"":                                     false,
	} {
		assert.Equal(t, want, energyLike(name), name)
	}
}
