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
		i := Known.Find(name)
		require.GreaterOrEqual(t, i, 0, name)
		m := Known.At(i)
		assert.Equal(t, want.kind, m.Kind, name)
		v, ok := m.Value(5000)
		assert.True(t, ok)
		assert.Equal(t, want.value, v, name)
		if m.Kind == Energy {
			var d energy.Device
			m.Describe(&d, name)
			assert.Equal(t, energy.Device{Method: energy.Counter, Metric: name, Resolution: want.resolution, Behind: DCGM.Behind, Hint: DCGM.Hint}, d)
		}
	}
	assert.Negative(t, Known.Find("DCGM_FI_DEV_GPU_TEMP"))
	assert.Less(t, Known.Find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"), Known.Find("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL"), "millijoules go first")
}

func TestAbsentIsNotZero(t *testing.T) {
	counter, gauge := Known.At(Known.Find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")), Known.At(Known.Find("DCGM_FI_DEV_POWER_USAGE"))
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
		assert.Equal(t, want || Known.Find(name) != None && Known.At(Known.Find(name)).Kind == Energy, regexp.MustCompile("^(?:"+UnknownPattern+")$").MatchString(name), name)
	}
}

func TestBegins(t *testing.T) {
	for line, want := range map[string]string{
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{} 1": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
		"dcgm_power_usage 1":                       "dcgm_power_usage",
		"dcgm_power_usage\t1":                      "dcgm_power_usage",
		"dcgm_power_usage":                         "",
		"dcgm_power_usages 1":                      "",
		"# dcgm_power_usage 1":                     "",
		"":                                         "",
	} {
		name, at := Known.Begins([]byte(line), nil, None)
		assert.Equal(t, Known.Find(want), at, line)
		if want != "" {
			assert.Equal(t, want, string(name))
		}
	}
}

// Names are those of a collector of OpenTelemetry, too, which appends or takes away _total,
// and of AMD's exporter with a prefix. They are in the pattern by which a server is asked.
func TestNames(t *testing.T) {
	all := regexp.MustCompile("^(?:" + Known.Pattern() + ")$")
	for name, from := range map[string]string{
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total": "dcgm-exporter",
		"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL_total":  "dcgm-exporter",
		"kepler_node_gpu_joules_total":               "Kepler",
		"kepler_node_gpu_joules":                     "Kepler",
		"nv_energy_consumption":                      "Triton",
		"nv_energy_consumption_total":                "Triton",
		"nv_gpu_power_usage":                         "Triton",
		"gpu_energy_consumed":                        "AMD's device-metrics-exporter",
		"amd_gpu_energy_consumed":                    "AMD's device-metrics-exporter",
		"amd_gpu_energy_consumed_total":              "AMD's device-metrics-exporter",
		"amd_gpu_power_usage":                        "AMD's device-metrics-exporter",
		"node_rapl_package_joules_total":             "node_exporter",
		"node_rapl_package_0_die_1_joules_total":     "node_exporter",
	} {
		require.NotEqual(t, None, Known.Find(name), name)
		assert.Equal(t, from, Known.At(Known.Find(name)).From.Name, name)
		assert.Regexp(t, all, name)
	}
	for _, name := range []string{
		"DCGM_FI_DEV_POWER_USAGE_total", "kepler_node_gpu_active_joules_total", "kepler_process_gpu_joules_total", "node_rapl_core_joules_total", "gpu_energy_consumed_created", "",
	} {
		assert.Equal(t, None, Known.Find(name), name)
		assert.NotRegexp(t, all, name)
	}
}

// Metrics without a unit, an exporter or a name would be a slip.
func TestTable(t *testing.T) {
	for i := range Table {
		m := &Table[i]
		assert.True(t, m.Kind != 0 && m.Per > 0 && m.From != nil && m.From.Name != "" && (m.Name != "" || m.Pattern != ""), "%+v", m)
		assert.False(t, strings.HasSuffix(m.Name, total), m.Name)
		assert.True(t, len(m.From.UUID) > 0 || len(m.From.Place) > 0, m.From.Name)
		if m.Pattern != "" {
			assert.NotEmpty(t, m.mark(), m.Pattern)
		}
	}
}
