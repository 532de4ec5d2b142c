package energytest

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

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
