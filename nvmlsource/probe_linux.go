//go:build cgo

package nvmlsource

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// handle is how the driver is asked about a GPU, or why it cannot be.
type handle struct {
	device nvml.Device
	err    error
}

// inventory lists the GPUs that the driver shows to this process, in its order.
// One that does not answer is listed with its error: it matters only if it is
// chosen.
func (d *driver) inventory() ([]gpu, []handle, error) {
	n, ret := d.count()
	if ret != nvml.SUCCESS {
		return nil, nil, fmt.Errorf("nvml: count the GPUs: %w", code(ret))
	}
	if n == 0 {
		return nil, nil, fmt.Errorf("nvml: %w: the driver shows no GPU to this process\ncheck nvidia-smi -L, in a container run with --gpus all", energy.ErrNoDevice)
	}
	gpus, handles := make([]gpu, n), make([]handle, n)
	for i := range gpus {
		gpus[i], handles[i] = d.describe(i)
	}
	return gpus, handles, nil
}

func (d *driver) describe(index int) (gpu, handle) {
	g := gpu{Device: energy.Device{Index: index}}
	h, ret := d.handle(index)
	if ret != nvml.SUCCESS {
		return g, handle{err: code(ret)}
	}
	uuid, ret := d.uuid(h)
	if ret != nvml.SUCCESS || uuid == "" {
		return g, handle{err: fmt.Errorf("read its UUID: %w", code(ret))}
	}
	g.UUID = uuid
	// What follows may be missing.
	if name, ret := d.name(h); ret == nvml.SUCCESS {
		g.Name = name
	}
	if v, ret := d.vbios(h); ret == nvml.SUCCESS {
		g.VBIOS = v
	}
	if pci, ret := d.pci(h); ret == nvml.SUCCESS {
		g.PCI = fmt.Sprintf("%08X:%02X:%02X.0", pci.Domain, pci.Bus, pci.Device) // a GPU's function is always 0
	}
	if on, ret := d.migMode(h); ret == nvml.SUCCESS && on {
		g.mig = true
		g.instances = d.migInstances(h)
	}
	return g, handle{device: h}
}

// migInstances returns the UUIDs of the GPU's MIG instances. Their numbers may
// have gaps, where instances were destroyed.
func (d *driver) migInstances(h nvml.Device) []string {
	n, ret := d.migCount(h)
	if ret != nvml.SUCCESS {
		return nil
	}
	var uuids []string
	for i := range n {
		m, ret := d.migHandle(h, i)
		if ret != nvml.SUCCESS {
			continue
		}
		if uuid, ret := d.uuid(m); ret == nvml.SUCCESS && strings.HasPrefix(uuid, "MIG-") {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}

// way is a way in which a GPU may report its energy.
type way struct {
	metric  string
	method  energy.Method
	power   sensors.Reading // which power it reads
	stamped bool            // a power reading carries its own time
	read    func(*meter, *energy.Reading)
	fields  []uint32 // what to ask for, where read asks for field values
}

// counterOnly is the metric of the energy counter without the power beside it.
const counterOnly = "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION)"

// ways are all of them, best first. Which of them works depends on the GPU, the
// driver, virtualisation and permissions, which no table of architectures has, so
// they are tried. What kind of sensor is behind a power, package sensors knows.
var ways = []way{
	{
		metric: "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION, POWER_INSTANT)", method: energy.Counter, power: sensors.Instant,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION, nvml.FI_DEV_POWER_INSTANT},
	},
	{
		metric: counterOnly, method: energy.Counter,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION},
	},
	{metric: "nvmlDeviceGetTotalEnergyConsumption", method: energy.Counter, read: (*meter).readTotalEnergy},
	{metric: "nvmlDeviceGetSamples(TOTAL_POWER_SAMPLES)", method: energy.Gauge, power: sensors.Draw, stamped: true, read: (*meter).readSamples},
	{
		metric: "nvmlDeviceGetFieldValues(POWER_INSTANT)", method: energy.Gauge, power: sensors.Instant,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_POWER_INSTANT},
	},
	{
		metric: "nvmlDeviceGetFieldValues(POWER_AVERAGE), 1 s mean", method: energy.Gauge, power: sensors.Average,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_POWER_AVERAGE},
	},
	{
		metric: "nvmlDeviceGetPowerUsage, up to 1 s mean", method: energy.Gauge, power: sensors.Draw,
		read: (*meter).readPowerUsage,
	},
}

// probe finds the best way to read the GPU. If there is none, it fails with the
// first failure that can be remedied, if there is one.
func (d *driver) probe(g gpu, h nvml.Device) (*meter, energy.Device, error) {
	dev := g.Device
	if mw, ret := d.limit(h); ret == nvml.SUCCESS {
		dev.PowerLimit = float64(mw) / 1000
	}
	var failure error
	for _, w := range ways {
		m := newMeter(d, h, w, dev.PowerLimit)
		err := m.try(w)
		switch {
		case err == nil:
			dev.Metric, dev.Method, dev.Sensor = w.metric, w.method, sensors.Of(w.power, dev.Name)
			dev.Sensor.Stamped = w.stamped
			if w.method == energy.Counter {
				dev.Resolution = 0.001 // NVML counts millijoules
				dev.Delay, dev.DelaySD = sensors.CounterDelay(dev.Name)
				if whole := d.moduleOf(h, dev.Name); whole != nil && !whole.gpuOnly {
					whole.take(m, &dev)
				}
			}
			return m, dev, nil
		case errors.Is(err, energy.ErrDeviceLost):
			return nil, dev, fmt.Errorf("nvml: %s: %w", g, err)
		case failure == nil && !absent(err):
			failure = fmt.Errorf("%s: %w", w.metric, err)
		}
	}
	if failure == nil {
		return nil, dev, fmt.Errorf("nvml: %s %w\nchoose other GPUs, with POWERTEST_DEVICES or -devices", g, energy.ErrNoEnergy)
	}
	return nil, dev, fmt.Errorf("nvml: %s reports neither energy nor power: %w", g, failure)
}

// absent reports whether the error of a way says that the GPU does not have it, or
// has no usable value in it, which cannot be remedied.
func absent(err error) bool {
	c := code(nvml.SUCCESS)
	return errors.As(err, &c) && unavailable(nvml.Return(c)) ||
		errors.Is(err, errDead) || errors.Is(err, errValue) || errors.Is(err, errPower) || errors.Is(err, errNoSamples)
}

// errDead is the error of a counter that works by its code only.
var errDead = errors.New("the counter stays at 0")

// A counter that starts with the driver shows 0 until its first tick.
const (
	firstTick = 300 * time.Millisecond
	retry     = 20 * time.Millisecond
)

// try reads once, to check that the way has all its values. A counter that stays at
// 0 is none, whatever its call returns.
func (m *meter) try(w way) error {
	for start := time.Now(); ; time.Sleep(retry) {
		var r energy.Reading
		w.read(m, &r)
		switch {
		case r.Err != nil:
			return r.Err
		case w.method == energy.Gauge:
			return nil
		case len(w.fields) == 2 && !r.HasWatts:
			return code(nvml.ERROR_NOT_SUPPORTED)
		case r.Joules > 0:
			return nil
		case time.Since(start) > firstTick:
			return errDead
		}
	}
}
