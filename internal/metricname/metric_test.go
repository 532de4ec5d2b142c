package metricname

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestTheUnitFollowsFromTheName(t *testing.T) {
	for name, want := range map[string]struct {
		kind       Kind
		value      float64
		resolution float64
	}{
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": {Energy, 5, 1e-3},
		"dcgm_total_energy_consumption":        {Energy, 5, 1e-3},
		"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL":  {Energy, 5000, 1},
		"DCGM_FI_DEV_POWER_USAGE":              {Power, 5000, 1},
		// Of OpenTelemetry collectors.
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total": {Energy, 5, 1e-3},
		"dcgm_total_energy_consumption_total":        {Energy, 5, 1e-3},
		"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL_total":  {Energy, 5000, 1},
		"DCGM_FI_DEV_BOARD_POWER_WATTS":              {Power, 5000, 1},
		"dcgm_power_usage":                           {Power, 5000, 1},
	} {
		i := Find(name)
		require.GreaterOrEqual(t, i, 0, name)
		m := Table[i]
		assert.Equal(t, want.kind, m.Kind, name)
		v, ok := m.Value(5000)
		assert.True(t, ok)
		assert.Equal(t, want.value, v, name)
		if m.Kind == Energy {
			var d energy.Device
			m.Describe(&d)
			assert.Equal(t, energy.Device{Method: energy.Counter, Metric: name, Resolution: want.resolution, Behind: DCGM.Behind, Hint: DCGM.Hint}, d)
		}
	}
	assert.Negative(t, Find("DCGM_FI_DEV_GPU_TEMP"))
	assert.Less(t, Find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"), Find("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL"), "millijoules go first")
}

func TestAbsentIsNotZero(t *testing.T) {
	counter, gauge := &Table[Find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")], &Table[Find("DCGM_FI_DEV_POWER_USAGE")]
	for _, raw := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 9223372036854775792, 9223372036854775794, math.MaxInt64} {
		for _, m := range []*Metric{counter, gauge} {
			_, ok := m.Value(raw)
			assert.False(t, ok, "%s %v", m.Name, raw)
		}
	}
	for _, blank := range []float64{140737488355328, 140737488355329, 140737488355330, 140737488355331} {
		_, ok := gauge.Value(blank)
		assert.False(t, ok, blank)
		v, ok := counter.Value(blank)
		assert.True(t, ok, "a counter may come by there")
		assert.Equal(t, blank/1000, v)
	}
	v, ok := counter.Value(0)
	assert.True(t, ok, "a counter starts at zero")
	assert.Zero(t, v)
	v, ok = gauge.Value(140737488355332)
	assert.True(t, ok)
	assert.Equal(t, 140737488355332.0, v)
}

func TestLooksLikeEnergy(t *testing.T) {
	for name, want := range map[string]bool{
		"DCGM_FI_DEV_MODULE_ENERGY_KILOJOULES": true,
		"dcgm_fi_dev_Energy":                   true,
		"DCGM_FI_DEV_JOULES":                   true,
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": false,
		"DCGM_FI_DEV_POWER_USAGE":              false,
		"node_energy_joules_total":             false,
		"":                                     false,
	} {
		assert.Equal(t, want, LooksLikeEnergy(name), name)
		assert.Equal(t, want || Find(name) != None && Table[Find(name)].Kind == Energy, regexp.MustCompile("^(?:"+UnknownPattern+")$").MatchString(name), name)
	}
}

func TestBegins(t *testing.T) {
	for line, want := range map[string]int{
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{} 1": 0,
		"dcgm_power_usage 1":                       Find("dcgm_power_usage"),
		"dcgm_power_usage\t1":                      Find("dcgm_power_usage"),
		"dcgm_power_usage":                         None,
		"dcgm_power_usages 1":                      None,
		"# dcgm_power_usage 1":                     None,
		"":                                         None,
	} {
		assert.Equal(t, want, Begins([]byte(line)), line)
	}
}

// The table is sound: every name once, with a unit and an exporter.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for i, m := range Table {
		assert.False(t, seen[m.Name], m.Name)
		seen[m.Name] = true
		assert.Equal(t, i, Find(m.Name))
		assert.Positive(t, m.Per, m.Name)
		assert.Contains(t, exporters, m.From, m.Name)
		assert.Contains(t, strings.ToLower(m.Name), m.From.Mark)
	}
	for _, x := range exporters {
		assert.NotEmpty(t, x.UUID)
		assert.Equal(t, strings.ToLower(x.Mark), x.Mark)
	}
}
