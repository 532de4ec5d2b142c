package energytest

import (
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkInfo(c *check) {
	info := c.src.Info()
	if info.Name == "" {
		c.errorf("Info has no Name")
	}
	if info.Period < 0 {
		c.errorf("Info.Period is %v", info.Period)
	}
	c.src.Read(c.all())
	if again := c.src.Info(); again != info {
		c.errorf("Info changed from %+v to %+v", info, again)
	}
}

func checkDevices(c *check) {
	devices := slices.Clone(c.src.Devices())
	if len(devices) == 0 {
		c.errorf("Devices is empty: opening the source should have failed with %q", energy.ErrNoDevice)
	}
	seen := map[string]int{}
	for i, d := range devices {
		if first, dup := seen[d.UUID]; dup {
			c.errorf("devices %d and %d have the same UUID %q", first, i, d.UUID)
		}
		seen[d.UUID] = i
		c.checkDevice(i, d)
	}
	c.src.Read(c.all())
	again := c.src.Devices()
	if !slices.EqualFunc(devices, again, func(a, b energy.Device) bool { return reflect.DeepEqual(a, b) }) {
		c.errorf("Devices changed from %+v to %+v", devices, again)
	}
}

func (c *check) checkDevice(i int, d energy.Device) {
	if d.UUID == "" {
		c.errorf("device %d has no UUID", i)
	}
	if !slices.Contains([]energy.Kind{energy.GPU, energy.CPU, energy.DRAM, energy.Module, energy.Node}, d.Kind.OrGPU()) {
		c.errorf("device %d: its Kind is %q, which is none of those that are known", i, d.Kind)
	}
	if d.Method != energy.Counter && d.Method != energy.Gauge {
		c.errorf("device %d: Method is %d, neither energy.Counter nor energy.Gauge", i, d.Method)
	}
	if !sensible(d.PowerLimit) || !sensible(d.Resolution) || d.Period < 0 || d.Sensor.Refresh < 0 {
		c.errorf("device %d: PowerLimit %v, Resolution %v, Period %v, Sensor.Refresh %v: unknown is 0, and none may be negative or infinite",
			i, d.PowerLimit, d.Resolution, d.Period, d.Sensor.Refresh)
	}
	if err := (energy.Calibration{Delay: d.Delay, DelaySD: d.DelaySD}).Check(); err != nil {
		c.errorf("device %d: Delay %v, DelaySD %v: %v", i, d.Delay, d.DelaySD, err)
	}
	if slices.ContainsFunc(d.Marks, func(m energy.Finding) bool { return m.Reason == "" }) {
		c.errorf("device %d: a finding in Marks has no Reason", i)
	}
}

// sensible reports whether a quantity is finite and not negative.
func sensible(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

func checkInspect(c *check) {
	ins, ok := c.src.(energy.Inspector)
	if !ok {
		return
	}
	n := len(c.src.Devices())
	states := make([]energy.State, n)
	for i := range states {
		states[i] = energy.State{
			Device: n - 1 - i, HasCelsius: true, Celsius: -1000, Err: errGarbage,
			Processes: []energy.Process{{PID: -1}},
			Throttled: map[string]time.Duration{"": -1},
		}
	}
	ins.Inspect(states)
	ins.Inspect(nil)
	for i, s := range states {
		c.checkState(i, s, n-1-i)
	}
}

func (c *check) checkState(i int, s energy.State, device int) {
	const absoluteZero = -273.15 // °C
	if s.Device != device {
		c.errorf("element %d: it was of device %d and is now of %d", i, device, s.Device)
	}
	if s.Err == errGarbage || s.HasCelsius && s.Celsius == -1000 {
		c.errorf("element %d: it still has what was there before: %+v", i, s)
	} else if s.HasCelsius && !(s.Celsius >= absoluteZero && s.Celsius < 1000) {
		c.errorf("element %d: the temperature is %v °C", i, s.Celsius)
	}
	if s.At.IsZero() {
		c.errorf("element %d: it has no time", i)
	}
	for cause, d := range s.Throttled {
		if cause == "" || d < 0 {
			c.errorf("element %d: throttled by %q for %v", i, cause, d)
		}
	}
	for _, p := range s.Processes {
		if p.PID <= 0 {
			c.errorf("element %d: a process has the PID %d", i, p.PID)
		}
	}
	c.checkErr(i, s.Err)
}

func checkClose(c *check) {
	for _, call := range []string{"first", "second"} {
		if err := c.src.Close(); err != nil {
			c.errorf("%s Close: %w", call, err)
			return
		}
	}
}

func checkReadClosed(c *check) {
	r := c.all()
	c.src.Read(r)
	if err := c.src.Close(); err != nil {
		c.errorf("close: %w", err)
		return
	}
	for i := range r {
		r[i] = garbage(i)
	}
	c.src.Read(r)
	for i := range r {
		switch {
		case r[i].Err == nil:
			c.errorf("device %d: a reading after Close has no error", i)
		case r[i].Err == errGarbage:
			c.errorf("device %d: a reading after Close was not filled in", i)
		case r[i].HasJoules || r[i].HasWatts:
			c.errorf("device %d: a reading after Close has a value: %v J, %v W", i, r[i].Joules, r[i].Watts)
		default:
			c.checkErr(i, r[i].Err)
		}
	}
	c.src.Info()
	if ins, ok := c.src.(energy.Inspector); ok {
		ins.Inspect([]energy.State{{}})
	}
}
