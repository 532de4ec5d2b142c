//go:build cgo

package nvmlsource

import (
	"fmt"
	"math"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/powertest/energy"
)

// module is the module of a CPU and a GPU that a superchip is. Numbers are in watts, and
// 0 if they are unknown.
type module struct {
	watts, gpuWatts float64 // of all of it, and of its GPU
	limit           float64 // enforced power limit of all of it
	gpuOnly         bool    // the energy counter is seen to be that of the GPU
}

// moreThanGPU is by how much more than its GPU a module draws. Drivers that know no
// scopes return the GPU's power for any.
const moreThanGPU = 1.02

// moduleOf asks for the module that a GPU of the name is in; nil if it is in none.
func (d *driver) moduleOf(g nvml.Device, name string) *module {
	values := []nvml.FieldValue{
		{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: nvml.POWER_SCOPE_GPU},
		{FieldId: nvml.FI_DEV_POWER_INSTANT, ScopeId: nvml.POWER_SCOPE_MODULE},
		{FieldId: nvml.FI_DEV_POWER_CURRENT_LIMIT, ScopeId: nvml.POWER_SCOPE_MODULE},
		{FieldId: nvml.FI_DEV_ENERGY, ScopeId: nvml.POWER_SCOPE_GPU},
		{FieldId: nvml.FI_DEV_ENERGY, ScopeId: nvml.POWER_SCOPE_MODULE},
		{FieldId: nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION},
	}
	for i := range values {
		values[i].NvmlReturn = uint32(nvml.ERROR_NO_DATA)
	}
	_ = d.fields(g, values) // where that fails, each value has
	var of [6]float64
	for i := range values {
		of[i] = thousandths(&values[i])
	}
	if of[1] <= moreThanGPU*of[0] {
		if metricname.CountsModule(name) {
			return &module{}
		}
		return nil
	}
	m := &module{gpuWatts: of[0], watts: of[1], limit: of[2]}
	if gpu, whole, counted := of[3], of[4], of[5]; gpu > 0 && whole > 0 && counted > 0 {
		m.gpuOnly = math.Abs(counted-gpu) < math.Abs(counted-whole)
	}
	return m
}

// thousandths returns a field value in thousands of its unit; 0 if there is none.
func thousandths(v *nvml.FieldValue) float64 {
	n, wide := whole(nvml.ValueType(v.ValueType), v.Value)
	if nvml.Return(v.NvmlReturn) != nvml.SUCCESS || wide && n == math.MaxUint64 || !wide && n == math.MaxUint32 {
		return 0
	}
	return float64(n) / 1000
}

// take makes a device that is read by its counter one of the module, and its meter read
// the power of the module beside it.
func (m *module) take(by *meter, d *energy.Device) {
	d.PowerLimit, by.limit = m.limit, m.limit
	d.Delay, d.DelaySD = 0, 0 // they are known of the counter of a GPU
	fields := by.values[:0]
	for _, v := range by.values {
		if v.FieldId == nvml.FI_DEV_POWER_INSTANT {
			if m.watts == 0 {
				d.Metric = counterOnly
				continue // the GPU's alone is no check of the counter
			}
			v.ScopeId = nvml.POWER_SCOPE_MODULE
		}
		fields = append(fields, v)
	}
	by.values = fields
	mark := metricname.ModuleMark(d.UUID)
	if m.watts > 0 {
		mark.Detail += fmt.Sprintf(": it draws %.0f W now, and its GPU %.0f W", m.watts, m.gpuWatts)
	}
	d.Marks = append(d.Marks, mark)
}
