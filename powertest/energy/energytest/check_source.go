package energytest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkInfo(_ *suite, src energy.Source) error {
	info := src.Info()
	var errs []error
	if info.Name == "" {
		errs = append(errs, errors.New("Info has no Name"))
	}
	if info.Period < 0 {
		errs = append(errs, fmt.Errorf("Info.Period is %v", info.Period))
	}
	src.Read(all(src))
	if again := src.Info(); again != info {
		errs = append(errs, fmt.Errorf("Info changed from %+v to %+v", info, again))
	}
	return errors.Join(errs...)
}

func checkDevices(_ *suite, src energy.Source) error {
	devices := append([]energy.Device(nil), src.Devices()...)
	var errs []error
	if len(devices) == 0 {
		errs = append(errs, fmt.Errorf("Devices is empty: opening the source should have failed with %q", energy.ErrNoDevice))
	}
	seen := map[string]int{}
	for i, d := range devices {
		if first, dup := seen[d.UUID]; dup {
			errs = append(errs, fmt.Errorf("devices %d and %d have the same UUID %q", first, i, d.UUID))
		}
		seen[d.UUID] = i
		errs = append(errs, checkDevice(i, d))
	}
	src.Read(all(src))
	if again := src.Devices(); !reflect.DeepEqual(devices, append([]energy.Device(nil), again...)) {
		errs = append(errs, fmt.Errorf("Devices changed from %+v to %+v", devices, again))
	}
	return errors.Join(errs...)
}

func checkDevice(i int, d energy.Device) error {
	var errs []error
	if d.UUID == "" {
		errs = append(errs, fmt.Errorf("device %d has no UUID", i))
	}
	if d.Method != energy.Counter && d.Method != energy.Gauge {
		errs = append(errs, fmt.Errorf("device %d: Method is %d, neither energy.Counter nor energy.Gauge", i, d.Method))
	}
	if !sensible(d.PowerLimit) || !sensible(d.Resolution) || d.Period < 0 || d.MinWindow < 0 {
		errs = append(errs, fmt.Errorf("device %d: PowerLimit %v, Resolution %v, Period %v, MinWindow %v: unknown is 0, and none may be negative or infinite",
			i, d.PowerLimit, d.Resolution, d.Period, d.MinWindow))
	}
	for _, m := range d.Marks {
		if m.Reason == "" {
			errs = append(errs, fmt.Errorf("device %d: a finding in Marks has no Reason", i))
		}
	}
	return errors.Join(errs...)
}

// sensible reports whether a quantity is finite and not negative.
func sensible(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

// all returns readings that ask for every device, in order.
func all(src energy.Source) []energy.Reading {
	r := make([]energy.Reading, len(src.Devices()))
	for i := range r {
		r[i].Device = i
	}
	return r
}

const absoluteZero = -273.15 // °C

func checkInspect(_ *suite, src energy.Source) error {
	ins, ok := src.(energy.Inspector)
	if !ok {
		return nil
	}
	n := len(src.Devices())
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
	var errs []error
	for i, s := range states {
		if err := checkState(s, n-1-i); err != nil {
			errs = append(errs, fmt.Errorf("element %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func checkState(s energy.State, device int) error {
	var errs []error
	if s.Device != device {
		errs = append(errs, fmt.Errorf("it was of device %d and is now of %d", device, s.Device))
	}
	if s.Err == errGarbage || s.HasCelsius && s.Celsius == -1000 {
		errs = append(errs, fmt.Errorf("it still has what was there before: %+v", s))
	} else if s.HasCelsius && !(s.Celsius >= absoluteZero && s.Celsius < 1000) {
		errs = append(errs, fmt.Errorf("the temperature is %v °C", s.Celsius))
	}
	if s.At.IsZero() {
		errs = append(errs, errors.New("it has no time"))
	}
	for cause, d := range s.Throttled {
		if cause == "" || d < 0 {
			errs = append(errs, fmt.Errorf("throttled by %q for %v", cause, d))
		}
	}
	for _, p := range s.Processes {
		if p.PID <= 0 {
			errs = append(errs, fmt.Errorf("a process has the PID %d", p.PID))
		}
	}
	return errors.Join(append(errs, checkErr(s.Err))...)
}

func checkClose(_ *suite, src energy.Source) error {
	if err := src.Close(); err != nil {
		return fmt.Errorf("first Close: %w", err)
	}
	if err := src.Close(); err != nil {
		return fmt.Errorf("second Close: %w", err)
	}
	return nil
}

func checkReadClosed(_ *suite, src energy.Source) error {
	r := all(src)
	src.Read(r)
	if err := src.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	for i := range r {
		r[i] = garbage(i)
	}
	src.Read(r)
	var errs []error
	for i := range r {
		switch {
		case r[i].Err == nil:
			errs = append(errs, fmt.Errorf("device %d: a reading after Close has no error", i))
		case r[i].Err == errGarbage:
			errs = append(errs, fmt.Errorf("device %d: a reading after Close was not filled in", i))
		case r[i].HasJoules || r[i].HasWatts:
			errs = append(errs, fmt.Errorf("device %d: a reading after Close has a value: %v J, %v W", i, r[i].Joules, r[i].Watts))
		default:
			errs = append(errs, checkErr(r[i].Err))
		}
	}
	src.Info()
	if ins, ok := src.(energy.Inspector); ok {
		ins.Inspect([]energy.State{{}})
	}
	return errors.Join(errs...)
}
