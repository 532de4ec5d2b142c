//go:build cgo

package nvmlsource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// driver is the NVML library of this process, initialised.
//
// There is one, and it stays until the process ends. go-nvml keeps what it
// resolved in package variables, so a second library would be called through
// the first one's functions; and on a machine without persistence mode the last
// nvmlShutdown unloads the driver, which takes seconds and restarts the energy
// counters.
type driver struct {
	nvml.Interface
	// Whether the library has what is called while measuring.
	hasFields, hasTotalEnergy, hasSamples, hasPower bool
}

const defaultLibrary = "libnvidia-ml.so.1"

// process is what this process has of NVML. It is guarded by opening.
var process struct {
	bound  string  // the library that go-nvml's calls are bound to
	driver *driver // initialised from it; nil as long as that failed
}

// load returns the process's driver, and initialises it the first time.
func load(path string) (*driver, error) {
	if path == "" {
		path = cmp.Or(process.bound, defaultLibrary)
	}
	if process.bound != "" && path != process.bound {
		return nil, fmt.Errorf("nvml: a process can use one NVML library only, and %s is in use\nopen %s in another process", process.bound, path)
	}
	if process.driver != nil {
		return process.driver, nil
	}
	if err := check(path); err != nil {
		return nil, err
	}
	process.bound = path
	d := &driver{Interface: nvml.New(nvml.WithLibraryPath(path))}
	if ret := d.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("nvml: initialise %s: %w", path, code(ret))
	}
	d.hasFields, d.hasTotalEnergy = d.has("nvmlDeviceGetFieldValues"), d.has("nvmlDeviceGetTotalEnergyConsumption")
	d.hasSamples, d.hasPower = d.has("nvmlDeviceGetSamples"), d.has("nvmlDeviceGetPowerUsage")
	process.driver = d
	return d, nil
}

// notThere is the linker's error of a library that does not exist.
type notThere struct{ error }

func (notThere) Is(target error) bool { return target == fs.ErrNotExist }

// check makes sure that the library can be loaded and is NVML. go-nvml does not:
// its Init hides the linker's message, and calls nvmlInit even if the library
// lacks it, which ends the process.
func check(path string) error {
	lib := dl.New(path, dl.RTLD_LAZY|dl.RTLD_LOCAL)
	if err := lib.Open(); err != nil {
		text := strings.TrimPrefix(err.Error(), path+": ") // which the linker says, too
		if err = errors.New(text); strings.Contains(text, "cannot open shared object file") {
			err = notThere{err}
		}
		return fmt.Errorf("nvml: load %s: %w\ninstall the NVIDIA driver if this machine has a GPU, and start a container with --gpus all", path, err)
	}
	defer lib.Close()
	if lib.Lookup("nvmlInit_v2") != nil && lib.Lookup("nvmlInit") != nil {
		return fmt.Errorf("nvml: %s has no nvmlInit: it is not an NVML library\ngive the path of the driver's libnvidia-ml.so.1", path)
	}
	return nil
}

// has reports whether the library has a function, in any of its versions, of which
// go-nvml takes the newest that there is. go-nvml binds functions at the first call,
// and a missing one ends the process, with exit status 127. So only the methods below
// call it, and they return FUNCTION_NOT_FOUND in its place.
func (d *driver) has(function string, versions ...string) bool {
	lookUp := d.Extensions().LookupSymbol
	return lookUp(function) == nil ||
		slices.ContainsFunc(versions, func(version string) bool { return lookUp(function+version) == nil })
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
	return call(d.has("nvmlSystemGetDriverVersion"), d.SystemGetDriverVersion)
}

func (d *driver) count() (int, nvml.Return) {
	return call(d.has("nvmlDeviceGetCount", "_v2"), d.DeviceGetCount)
}

func (d *driver) handle(index int) (nvml.Device, nvml.Return) {
	return call(d.has("nvmlDeviceGetHandleByIndex", "_v2"), func() (nvml.Device, nvml.Return) { return d.DeviceGetHandleByIndex(index) })
}

func (d *driver) uuid(g nvml.Device) (string, nvml.Return) {
	return call(d.has("nvmlDeviceGetUUID"), g.GetUUID)
}

func (d *driver) name(g nvml.Device) (string, nvml.Return) {
	return call(d.has("nvmlDeviceGetName"), g.GetName)
}

func (d *driver) vbios(g nvml.Device) (string, nvml.Return) {
	return call(d.has("nvmlDeviceGetVbiosVersion"), g.GetVbiosVersion)
}

func (d *driver) pci(g nvml.Device) (nvml.PciInfo, nvml.Return) {
	return call(d.has("nvmlDeviceGetPciInfo", "_v3", "_v2"), g.GetPciInfo)
}

// limit returns the enforced power limit in milliwatts.
func (d *driver) limit(g nvml.Device) (uint32, nvml.Return) {
	return call(d.has("nvmlDeviceGetEnforcedPowerLimit"), g.GetEnforcedPowerLimit)
}

// temperature returns degrees Celsius. The older of the two calls is deprecated,
// and older drivers lack the newer one.
func (d *driver) temperature(g nvml.Device) (int, nvml.Return) {
	if d.has("nvmlDeviceGetTemperatureV") {
		t, ret := g.GetTemperatureV().V1()
		return int(t.Temperature), ret
	}
	return call(d.has("nvmlDeviceGetTemperature"), func() (int, nvml.Return) {
		t, ret := g.GetTemperature(nvml.TEMPERATURE_GPU)
		return int(t), ret
	})
}

// migMode reports whether MIG mode is on now, whatever is pending.
func (d *driver) migMode(g nvml.Device) (bool, nvml.Return) {
	return call(d.has("nvmlDeviceGetMigMode"), func() (bool, nvml.Return) {
		current, _, ret := g.GetMigMode()
		return current == nvml.DEVICE_MIG_ENABLE, ret
	})
}

// persistence reports whether the driver stays loaded while no program uses the GPU.
func (d *driver) persistence(g nvml.Device) (bool, nvml.Return) {
	return call(d.has("nvmlDeviceGetPersistenceMode"), func() (bool, nvml.Return) {
		mode, ret := g.GetPersistenceMode()
		return mode == nvml.FEATURE_ENABLED, ret
	})
}

func (d *driver) migCount(g nvml.Device) (int, nvml.Return) {
	return call(d.has("nvmlDeviceGetMaxMigDeviceCount"), g.GetMaxMigDeviceCount)
}

func (d *driver) migHandle(g nvml.Device, i int) (nvml.Device, nvml.Return) {
	return call(d.has("nvmlDeviceGetMigDeviceHandleByIndex"), func() (nvml.Device, nvml.Return) { return g.GetMigDeviceHandleByIndex(i) })
}

func (d *driver) computeProcesses(g nvml.Device) ([]nvml.ProcessInfo, nvml.Return) {
	return call(d.has("nvmlDeviceGetComputeRunningProcesses", "_v3", "_v2"), g.GetComputeRunningProcesses)
}

func (d *driver) graphicsProcesses(g nvml.Device) ([]nvml.ProcessInfo, nvml.Return) {
	return call(d.has("nvmlDeviceGetGraphicsRunningProcesses", "_v3", "_v2"), g.GetGraphicsRunningProcesses)
}

func (d *driver) exeName(pid int) (string, nvml.Return) {
	return call(d.has("nvmlSystemGetProcessName"), func() (string, nvml.Return) { return d.SystemGetProcessName(pid) })
}

// The calls that are made while measuring do without closures.

// fields fills in the values; each carries a code of its own.
func (d *driver) fields(g nvml.Device, values []nvml.FieldValue) nvml.Return {
	if !d.hasFields || len(values) == 0 { // go-nvml panics on none
		return nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetFieldValues(values)
}

// totalEnergy returns millijoules.
func (d *driver) totalEnergy(g nvml.Device) (uint64, nvml.Return) {
	if !d.hasTotalEnergy {
		return 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetTotalEnergyConsumption()
}

// samples returns the power samples newer than last, in milliwatts, with times
// in microseconds. Trailing ones may be zero: go-nvml keeps the length that the
// driver announced rather than the one that it delivered.
func (d *driver) samples(g nvml.Device, last uint64) (nvml.ValueType, []nvml.Sample, nvml.Return) {
	if !d.hasSamples {
		return 0, nil, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetSamples(nvml.TOTAL_POWER_SAMPLES, last)
}

// power returns milliwatts.
func (d *driver) power(g nvml.Device) (uint32, nvml.Return) {
	if !d.hasPower {
		return 0, nvml.ERROR_FUNCTION_NOT_FOUND
	}
	return g.GetPowerUsage()
}
