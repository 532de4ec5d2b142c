//go:build cgo

package nvmlsource

import "github.com/NVIDIA/go-nvml/pkg/nvml"

// symbols says which functions the library has. go-nvml binds them at the first
// call, and a missing one kills the process, with exit status 127. So this file
// is the only one that calls it, and answers FUNCTION_NOT_FOUND in its place.
type symbols struct {
	driverVersion, count, handle                 bool
	uuid, name, pci, limit                       bool
	temperatureV, temperature                    bool
	fields, totalEnergy, samples, power          bool
	migMode, migCount, migHandle, persistence    bool
	computeProcesses, graphicsProcesses, exeName bool
}

func lookUp(find func(string) error) symbols {
	any := func(names ...string) bool {
		for _, name := range names {
			if find(name) == nil {
				return true
			}
		}
		return false
	}
	// Where several are named, go-nvml takes the newest that there is.
	return symbols{
		driverVersion:     any("nvmlSystemGetDriverVersion"),
		count:             any("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"),
		handle:            any("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"),
		uuid:              any("nvmlDeviceGetUUID"),
		name:              any("nvmlDeviceGetName"),
		pci:               any("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"),
		limit:             any("nvmlDeviceGetEnforcedPowerLimit"),
		temperatureV:      any("nvmlDeviceGetTemperatureV"),
		temperature:       any("nvmlDeviceGetTemperature"),
		fields:            any("nvmlDeviceGetFieldValues"),
		totalEnergy:       any("nvmlDeviceGetTotalEnergyConsumption"),
		samples:           any("nvmlDeviceGetSamples"),
		power:             any("nvmlDeviceGetPowerUsage"),
		migMode:           any("nvmlDeviceGetMigMode"),
		migCount:          any("nvmlDeviceGetMaxMigDeviceCount"),
		migHandle:         any("nvmlDeviceGetMigDeviceHandleByIndex"),
		persistence:       any("nvmlDeviceGetPersistenceMode"),
		computeProcesses:  any("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses"),
		graphicsProcesses: any("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2", "nvmlDeviceGetGraphicsRunningProcesses"),
		exeName:           any("nvmlSystemGetProcessName"),
	}
}

// call makes a call that returns one value, if the library has it.
func call[T any](has bool, f func() (T, nvml.Return)) (T, nvml.Return) {
	if !has {
		var none T
		return none, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return f()
}

func (d *driver) version() (string, nvml.Return) {
	return call(d.has.driverVersion, d.SystemGetDriverVersion)
}

func (d *driver) count() (int, nvml.Return) { return call(d.has.count, d.DeviceGetCount) }

func (d *driver) handle(index int) (nvml.Device, nvml.Return) {
	return call(d.has.handle, func() (nvml.Device, nvml.Return) { return d.DeviceGetHandleByIndex(index) })
}

func (d *driver) uuid(g nvml.Device) (string, nvml.Return) { return call(d.has.uuid, g.GetUUID) }

func (d *driver) name(g nvml.Device) (string, nvml.Return) { return call(d.has.name, g.GetName) }

func (d *driver) pci(g nvml.Device) (nvml.PciInfo, nvml.Return) {
	return call(d.has.pci, g.GetPciInfo)
}

// limit returns the enforced power limit in milliwatts.
func (d *driver) limit(g nvml.Device) (uint32, nvml.Return) {
	return call(d.has.limit, g.GetEnforcedPowerLimit)
}

// temperature returns degrees Celsius. The older of the two calls is deprecated,
// and older drivers lack the newer one.
func (d *driver) temperature(g nvml.Device) (int, nvml.Return) {
	if d.has.temperatureV {
		t, ret := g.GetTemperatureV().V1()
		return int(t.Temperature), ret
	}
	return call(d.has.temperature, func() (int, nvml.Return) {
		t, ret := g.GetTemperature(nvml.TEMPERATURE_GPU)
		return int(t), ret
	})
}

// migMode reports whether MIG mode is on now, whatever is pending.
func (d *driver) migMode(g nvml.Device) (bool, nvml.Return) {
	return call(d.has.migMode, func() (bool, nvml.Return) {
		current, _, ret := g.GetMigMode()
		return current == nvml.DEVICE_MIG_ENABLE, ret
	})
}

// persistence reports whether the driver stays loaded while nobody uses the GPU.
func (d *driver) persistence(g nvml.Device) (bool, nvml.Return) {
	return call(d.has.persistence, func() (bool, nvml.Return) {
		mode, ret := g.GetPersistenceMode()
		return mode == nvml.FEATURE_ENABLED, ret
	})
}

func (d *driver) migCount(g nvml.Device) (int, nvml.Return) {
	return call(d.has.migCount, g.GetMaxMigDeviceCount)
}

func (d *driver) migHandle(g nvml.Device, i int) (nvml.Device, nvml.Return) {
	return call(d.has.migHandle, func() (nvml.Device, nvml.Return) { return g.GetMigDeviceHandleByIndex(i) })
}

func (d *driver) computeProcesses(g nvml.Device) ([]nvml.ProcessInfo, nvml.Return) {
	return call(d.has.computeProcesses, g.GetComputeRunningProcesses)
}

func (d *driver) graphicsProcesses(g nvml.Device) ([]nvml.ProcessInfo, nvml.Return) {
	return call(d.has.graphicsProcesses, g.GetGraphicsRunningProcesses)
}

func (d *driver) exeName(pid int) (string, nvml.Return) {
	return call(d.has.exeName, func() (string, nvml.Return) { return d.SystemGetProcessName(pid) })
}

// The calls that are made while measuring do without closures.

// fields fills in the values; each carries a code of its own.
func (d *driver) fields(g nvml.Device, values []nvml.FieldValue) nvml.Return {
	if !d.has.fields || len(values) == 0 { // go-nvml panics on none
		return nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetFieldValues(values)
}

// totalEnergy returns millijoules.
func (d *driver) totalEnergy(g nvml.Device) (uint64, nvml.Return) {
	if !d.has.totalEnergy {
		return 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetTotalEnergyConsumption()
}

// samples returns the power samples newer than last, in milliwatts, with times
// in microseconds. Trailing ones may be zero: go-nvml keeps the length that the
// driver announced rather than the one that it delivered.
func (d *driver) samples(g nvml.Device, last uint64) (nvml.ValueType, []nvml.Sample, nvml.Return) {
	if !d.has.samples {
		return 0, nil, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetSamples(nvml.TOTAL_POWER_SAMPLES, last)
}

// power returns milliwatts.
func (d *driver) power(g nvml.Device) (uint32, nvml.Return) {
	if !d.has.power {
		return 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetPowerUsage()
}
