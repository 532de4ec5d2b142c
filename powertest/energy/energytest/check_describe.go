package energytest

import (
	"errors"
	"fmt"
	"math"
	"reflect"

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
