package energytest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
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

func checkReadAny(c *check) {
	var forward, backward, twice []int
	var orders [][]int
	for i := range c.src.Devices() {
		forward = append(forward, i)
		backward = slices.Insert(backward, 0, i)
		twice = append(twice, i, i)
		orders = append(orders, []int{i})
	}
	for _, order := range append(orders, forward, backward, twice) {
		c.checkOrder(order)
	}
}

// checkOrder reads the devices in order, into the middle of a longer slice.
func (c *check) checkOrder(order []int) {
	long := []energy.Reading{garbage(0)}
	for _, i := range order {
		long = append(long, garbage(i))
	}
	long = append(long, garbage(0))
	c.src.Read(long[1 : len(long)-1])
	if long[0] != garbage(0) || long[len(long)-1] != garbage(0) {
		c.errorf("read of devices %v wrote outside of dst", order)
	}
	for i, device := range order {
		r := long[1+i]
		switch {
		case r.Device != device:
			c.errorf("read of devices %v: element %d was of device %d and is now of %d", order, i, device, r.Device)
		case r.Err == errGarbage || r.HasJoules && r.Joules == -1 || r.HasWatts && r.Watts == -1 || r.Before.IsZero():
			c.errorf("read of devices %v: element %d still has what was there before: %+v", order, i, r)
		}
	}
}

func checkReadNone(c *check) {
	c.src.Read(nil)
	c.src.Read([]energy.Reading{})
}

func checkTimes(c *check) {
	r := c.all()
	previous := make([]time.Time, len(r))
	for range 5 {
		c.src.Read(r)
		now := time.Now()
		for i := range r {
			before, after := r[i].Before, r[i].After
			switch {
			case before.IsZero() || after.IsZero():
				c.errorf("device %d: a reading has no Before or no After", i)
			case after.Before(before):
				c.errorf("device %d: After is %v earlier than Before", i, before.Sub(after))
			case after.After(now):
				c.errorf("device %d: After is %v in the future", i, after.Sub(now))
			case after.Before(previous[i]):
				c.errorf("device %d: After went back by %v between two readings", i, previous[i].Sub(after))
			}
			previous[i] = after
		}
		time.Sleep(time.Millisecond)
	}
}

func checkPresence(c *check) {
	c.eachReading(func(i int, d energy.Device, r energy.Reading) {
		has := r.HasJoules
		if d.Method == energy.Gauge {
			has = r.HasWatts
		}
		switch {
		case r.Err == nil && !has:
			c.errorf("device %d: a %v has no value and no error", i, d.Method)
		case r.Err != nil && has:
			c.errorf("device %d: a %v has a value and the error %q", i, d.Method, r.Err)
		case d.Method == energy.Gauge && r.HasJoules:
			c.errorf("device %d: a %v reports %v J", i, d.Method, r.Joules)
		}
	})
}

func checkValues(c *check) {
	var last error
	values := 0
	c.eachReading(func(i int, _ energy.Device, r energy.Reading) {
		if r.HasJoules || r.HasWatts {
			values++
		}
		last = r.Err
		if r.HasJoules && !sensible(r.Joules) || r.HasWatts && !sensible(r.Watts) {
			c.errorf("device %d: a reading is %v J (has: %t), %v W (has: %t)", i, r.Joules, r.HasJoules, r.Watts, r.HasWatts)
		}
	})
	if values == 0 {
		c.errorf("no device has a value; the last error is %v", last)
	}
}

func checkErrors(c *check) {
	c.eachReading(func(i int, _ energy.Device, r energy.Reading) { c.checkErr(i, r.Err) })
}

var kinds = []error{
	energy.ErrDeviceLost, energy.ErrStalled, energy.ErrNoAnswer, energy.ErrNoDevice,
	errors.ErrUnsupported, fs.ErrPermission, fs.ErrClosed,
}

// checkErr checks the error of element i.
func (c *check) checkErr(i int, err error) {
	_, many := err.(interface{ Unwrap() []error })
	known := slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	if err == nil || known || many || errors.Unwrap(err) != nil {
		return
	}
	c.errorf("device %d: the error %q (%T) is of no documented kind and wraps none", i, err, err)
}

// eachReading reads all devices a few times.
func (c *check) eachReading(f func(i int, d energy.Device, r energy.Reading)) {
	r := c.all()
	for range 5 {
		c.src.Read(r)
		for i, d := range c.src.Devices() {
			f(i, d, r[i])
		}
	}
}

func checkPrompt(c *check) {
	r := c.all()
	for i := range 5 {
		start := time.Now()
		c.src.Read(r)
		if took := time.Since(start); took > time.Second {
			c.errorf("read %d took %v", i+1, took)
		}
	}
}

func checkAllocs(c *check) {
	r := c.all()
	for range 3 {
		c.src.Read(r)
	}
	if n := testing.AllocsPerRun(20, func() { c.src.Read(r) }); n > float64(c.allocs) {
		c.errorf("Read of %d devices allocates %v times, %d allowed", len(r), n, c.allocs)
	}
}

func checkGoroutines(c *check) {
	const readers, reads = 4, 5
	// A channel takes turns, not a mutex: a goroutine that waits for a mutex
	// would stop the clock of a testing/synctest bubble.
	turn := make(chan []energy.Reading, 1)
	turn <- c.all()
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
				readInTurn(c.src, turn)
				c.src.Info()
			}
		})
	}
	wg.Wait()
	c.errs = append(c.errs, panics...)
}

func readInTurn(src energy.Source, turn chan []energy.Reading) {
	r := <-turn
	defer func() { turn <- r }()
	src.Read(r)
}
