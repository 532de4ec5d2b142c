//go:build cgo

package nvmlsource

import (
	"errors"
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

// way is a way in which a GPU may tell its energy.
type way struct {
	via       string
	method    energy.Method
	minWindow time.Duration
	lag       time.Duration // of a mean
	fresh     bool          // a power reading carries its own time
	read      func(*meter, *energy.Reading)
	fields    []uint32 // what to ask for, where read asks for field values
}

// ways are all of them, best first. Which of them works depends on the GPU, the
// driver, virtualisation and permissions, and no table of architectures knows
// it, so they are tried.
//
// A mean over the last second is no measure of a window that is not much longer.
// nvmlDeviceGetPowerUsage tells such a mean on some architectures and the power
// of the moment on others, and does not say which.
var ways = []way{
	{
		via: "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION, POWER_INSTANT)", method: energy.Counter,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION, nvml.FI_DEV_POWER_INSTANT},
	},
	{
		via: "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION)", method: energy.Counter,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION},
	},
	{via: "nvmlDeviceGetTotalEnergyConsumption", method: energy.Counter, read: (*meter).readTotalEnergy},
	{via: "nvmlDeviceGetSamples(TOTAL_POWER_SAMPLES)", method: energy.Gauge, fresh: true, read: (*meter).readSamples},
	{
		via: "nvmlDeviceGetFieldValues(POWER_INSTANT)", method: energy.Gauge,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_POWER_INSTANT},
	},
	{
		via: "nvmlDeviceGetFieldValues(POWER_AVERAGE), 1 s mean", method: energy.Gauge, minWindow: 5 * time.Second, lag: time.Second / 2,
		read: (*meter).readFields, fields: []uint32{nvml.FI_DEV_POWER_AVERAGE},
	},
	{
		via: "nvmlDeviceGetPowerUsage, up to 1 s mean", method: energy.Gauge, minWindow: 5 * time.Second, lag: time.Second / 2,
		read: (*meter).readPowerUsage,
	},
}

// probe finds the best way to read the GPU. If there is none, it fails with the
// first failure that somebody can do something about, if there is one.
func (d *driver) probe(g gpu, h nvml.Device) (*meter, energy.Device, error) {
	dev := energy.Device{UUID: g.uuid, Index: g.index, Name: g.name, PCI: g.pci.String()}
	if mw, ret := d.limit(h); ret == nvml.SUCCESS {
		dev.PowerLimit = float64(mw) / 1000
	}
	var failure error
	for _, w := range ways {
		m := newMeter(d, h, w, dev.PowerLimit)
		err := m.try(w)
		switch {
		case err == nil:
			dev.Metric, dev.Method, dev.MinWindow = w.via, w.method, w.minWindow
			dev.Lag, dev.Held = w.lag, !w.fresh
			if w.method == energy.Counter {
				dev.Resolution = 0.001 // NVML counts millijoules
			}
			return m, dev, nil
		case errors.Is(err, energy.ErrDeviceLost):
			return nil, dev, fmt.Errorf("nvml: %s: %w", g, err)
		case failure == nil && !absent(err):
			failure = fmt.Errorf("%s: %w", w.via, err)
		}
	}
	if failure == nil {
		return nil, dev, fmt.Errorf("nvml: %w: %s tells neither its energy nor its power: choose other GPUs with POWERTEST_DEVICES, %s",
			errors.ErrUnsupported, g, instead)
	}
	return nil, dev, fmt.Errorf("nvml: %s tells neither its energy nor its power: %w; %s", g, failure, instead)
}

// absent reports whether the error of a way says that the GPU does not have it,
// or tells nonsense by it; nobody can do anything about that.
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

// try reads once, to see whether all that the way promises is there. A counter
// that stays at 0 is none, whatever its call returns.
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
