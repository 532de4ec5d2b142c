package energytest

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// errGarbage stands in dst before a read: what Read does not write shows.
var errGarbage = errors.New("left over from before the read")

func garbage(device int) energy.Reading {
	return energy.Reading{Device: device, Joules: -1, Watts: -1, HasJoules: true, HasWatts: true, Err: errGarbage}
}

func checkReadAny(_ *suite, src energy.Source) error {
	n := len(src.Devices())
	var forward, backward, twice []int
	for i := range n {
		forward = append(forward, i)
		backward = append(backward, n-1-i)
		twice = append(twice, i, i)
	}
	orders := [][]int{forward, backward, twice}
	for i := range n {
		orders = append(orders, []int{i})
	}
	var errs []error
	for _, order := range orders {
		errs = append(errs, checkOrder(src, order))
	}
	return errors.Join(errs...)
}

// checkOrder reads the devices in order, into the middle of a longer slice.
func checkOrder(src energy.Source, order []int) error {
	long := make([]energy.Reading, 1, len(order)+2)
	long[0] = garbage(0)
	for _, i := range order {
		long = append(long, garbage(i))
	}
	long = append(long, garbage(0))
	src.Read(long[1 : len(long)-1])
	var errs []error
	if long[0] != garbage(0) || long[len(long)-1] != garbage(0) {
		errs = append(errs, fmt.Errorf("read of devices %v wrote outside of dst", order))
	}
	for i, device := range order {
		r := long[1+i]
		switch {
		case r.Device != device:
			errs = append(errs, fmt.Errorf("read of devices %v: element %d was of device %d and is now of %d", order, i, device, r.Device))
		case r.Err == errGarbage || r.HasJoules && r.Joules == -1 || r.HasWatts && r.Watts == -1 || r.Before.IsZero():
			errs = append(errs, fmt.Errorf("read of devices %v: element %d still has what was there before: %+v", order, i, r))
		}
	}
	return errors.Join(errs...)
}

func checkReadNone(_ *suite, src energy.Source) error {
	src.Read(nil)
	src.Read([]energy.Reading{})
	return nil
}

func checkTimes(_ *suite, src energy.Source) error {
	r := all(src)
	previous := make([]time.Time, len(r))
	var errs []error
	for range 5 {
		src.Read(r)
		now := time.Now()
		for i := range r {
			switch {
			case r[i].Before.IsZero() || r[i].After.IsZero():
				errs = append(errs, fmt.Errorf("device %d: a reading has no Before or no After", i))
			case r[i].After.Before(r[i].Before):
				errs = append(errs, fmt.Errorf("device %d: After is %v earlier than Before", i, r[i].Before.Sub(r[i].After)))
			case r[i].After.After(now):
				errs = append(errs, fmt.Errorf("device %d: After is %v in the future", i, r[i].After.Sub(now)))
			case r[i].After.Before(previous[i]):
				errs = append(errs, fmt.Errorf("device %d: After went back by %v between two readings", i, previous[i].Sub(r[i].After)))
			}
			previous[i] = r[i].After
		}
		time.Sleep(time.Millisecond)
	}
	return errors.Join(errs...)
}

func checkPresence(_ *suite, src energy.Source) error {
	return eachReading(src, func(d energy.Device, r energy.Reading) error {
		has := r.HasJoules
		if d.Method == energy.Gauge {
			has = r.HasWatts
		}
		switch {
		case r.Err == nil && !has:
			return fmt.Errorf("a %v has no value and no error", d.Method)
		case r.Err != nil && has:
			return fmt.Errorf("a %v has a value and the error %q", d.Method, r.Err)
		case d.Method == energy.Gauge && r.HasJoules:
			return fmt.Errorf("a %v reports %v J", d.Method, r.Joules)
		}
		return nil
	})
}

func checkValues(_ *suite, src energy.Source) error {
	var last error
	values := 0
	err := eachReading(src, func(_ energy.Device, r energy.Reading) error {
		if r.HasJoules || r.HasWatts {
			values++
		}
		last = r.Err
		if r.HasJoules && !sensible(r.Joules) || r.HasWatts && !sensible(r.Watts) {
			return fmt.Errorf("a reading is %v J (has: %t), %v W (has: %t)", r.Joules, r.HasJoules, r.Watts, r.HasWatts)
		}
		return nil
	})
	if values == 0 {
		err = errors.Join(err, fmt.Errorf("no device has a value; the last error is %v", last))
	}
	return err
}

func checkErrors(_ *suite, src energy.Source) error {
	return eachReading(src, func(_ energy.Device, r energy.Reading) error { return checkErr(r.Err) })
}

var kinds = []error{
	energy.ErrDeviceLost, energy.ErrStalled, energy.ErrNoAnswer, energy.ErrNoDevice,
	errors.ErrUnsupported, fs.ErrPermission, fs.ErrClosed,
}

func checkErr(err error) error {
	if err == nil {
		return nil
	}
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return nil
		}
	}
	_, many := err.(interface{ Unwrap() []error })
	if many || errors.Unwrap(err) != nil {
		return nil
	}
	return fmt.Errorf("the error %q (%T) is of no documented kind and wraps none", err, err)
}

// eachReading reads all devices a few times and joins what check says.
func eachReading(src energy.Source, check func(energy.Device, energy.Reading) error) error {
	r := all(src)
	var errs []error
	for range 5 {
		src.Read(r)
		for i, d := range src.Devices() {
			if err := check(d, r[i]); err != nil {
				errs = append(errs, fmt.Errorf("device %d: %w", i, err))
			}
		}
	}
	return errors.Join(errs...)
}

func checkPrompt(_ *suite, src energy.Source) error {
	r := all(src)
	var errs []error
	for i := range 5 {
		start := time.Now()
		src.Read(r)
		if took := time.Since(start); took > time.Second {
			errs = append(errs, fmt.Errorf("read %d took %v", i+1, took))
		}
	}
	return errors.Join(errs...)
}

func checkAllocs(s *suite, src energy.Source) error {
	r := all(src)
	for range 3 {
		src.Read(r)
	}
	if n := testing.AllocsPerRun(20, func() { src.Read(r) }); n > float64(s.allocs) {
		return fmt.Errorf("Read of %d devices allocates %v times, %d allowed", len(r), n, s.allocs)
	}
	return nil
}

func checkGoroutines(_ *suite, src energy.Source) error {
	const readers, reads = 4, 5
	// A channel takes turns, not a mutex: a goroutine that waits for a mutex
	// would stop the clock of a testing/synctest bubble.
	turn := make(chan []energy.Reading, 1)
	turn <- all(src)
	panics := make([]error, readers)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			for range reads {
				readInTurn(src, turn)
				src.Info()
			}
		})
	}
	wg.Wait()
	return errors.Join(panics...)
}

func readInTurn(src energy.Source, turn chan []energy.Reading) {
	r := <-turn
	defer func() { turn <- r }()
	src.Read(r)
}
