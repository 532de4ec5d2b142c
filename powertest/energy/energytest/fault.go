package energytest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wrapped is a source of which some methods are other functions.
type wrapped struct {
	energy.Source
	devices func() []energy.Device
	read    func(dst []energy.Reading)
}

func (w *wrapped) Devices() []energy.Device  { return w.devices() }
func (w *wrapped) Read(dst []energy.Reading) { w.read(dst) }

// wrap passes on Inspect if the source has it.
func wrap(src energy.Source, devices func() []energy.Device, read func(dst []energy.Reading)) energy.Source {
	w := &wrapped{src, devices, read}
	if ins, ok := src.(energy.Inspector); ok {
		return struct {
			*wrapped
			energy.Inspector
		}{w, ins}
	}
	return w
}

// Redescribe changes what a source says of its devices, such as a Resolution that
// their counters do not keep.
func Redescribe(src energy.Source, change func(d *energy.Device)) energy.Source {
	devices := slices.Clone(src.Devices())
	for i := range devices {
		change(&devices[i])
	}
	return wrap(src, func() []energy.Device { return devices }, src.Read)
}

// IgnoreSelectors makes a function that opens a source open all of its devices,
// whatever it is asked for.
func IgnoreSelectors(open func(devices []string) (energy.Source, error)) func(devices []string) (energy.Source, error) {
	return func([]string) (energy.Source, error) { return open(nil) }
}

// edit wraps a source in a change to its readings: f gets the n-th reading of
// each device, counted per device. f runs under a lock.
func edit(src energy.Source, f func(n int, r *energy.Reading)) energy.Source {
	var mu sync.Mutex
	counts := make([]int, len(src.Devices()))
	return wrap(src, src.Devices, func(dst []energy.Reading) {
		src.Read(dst)
		mu.Lock()
		defer mu.Unlock()
		for i := range dst {
			if d := dst[i].Device; d >= 0 && d < len(counts) {
				counts[d]++
				f(counts[d], &dst[i])
			}
		}
	})
}

// editDevice is edit for one device, from its reading k on.
func editDevice(src energy.Source, device, k int, f func(n int, r *energy.Reading)) energy.Source {
	return edit(src, func(n int, r *energy.Reading) {
		if r.Device == device && n >= k {
			f(n, r)
		}
	})
}

// Reset makes the device's counter start again from zero at its reading k, as
// after a driver reload.
func Reset(src energy.Source, device, k int) energy.Source {
	offset := math.NaN()
	return editDevice(src, device, k, func(_ int, r *energy.Reading) {
		if math.IsNaN(offset) && r.HasJoules {
			offset = r.Joules
		}
		if r.HasJoules {
			// Not below zero where the counter underneath is reset as well.
			r.Joules = max(r.Joules-offset, 0)
		}
	})
}

// Jump makes the device's counter show so many joules more from its reading k on, as some
// drivers were seen to do.
func Jump(src energy.Source, device, k int, joules float64) energy.Source {
	return editDevice(src, device, k, func(_ int, r *energy.Reading) {
		if r.HasJoules {
			r.Joules += joules
		}
	})
}

// Backwards makes reading k of the device show less than the one before it: by
// 1 J, or by half of it where it is below 2 J. Later readings are normal.
func Backwards(src energy.Source, device, k int) energy.Source {
	previous := 0.0
	return editDevice(src, device, 1, func(n int, r *energy.Reading) {
		if n == k && r.HasJoules {
			r.Joules = max(previous-1, previous/2)
		}
		if r.HasJoules {
			previous = r.Joules
		}
	})
}

// Replace makes n readings of the device, from its reading k on, show value in
// place of what they say: joules for a counter, watts for a gauge. NaN, an
// infinity or a negative number make an invalid reading.
func Replace(src energy.Source, device, k, n int, value float64) energy.Source {
	return editDevice(src, device, k, func(i int, r *energy.Reading) {
		switch {
		case i-k >= n:
		case r.HasJoules:
			r.Joules = value
		case r.HasWatts:
			r.Watts = value
		}
	})
}

// Scale multiplies every value by a factor: 1000, for a source that takes
// millijoules for joules.
func Scale(src energy.Source, factor float64) energy.Source {
	return edit(src, func(_ int, r *energy.Reading) {
		r.Joules *= factor
		r.Watts *= factor
	})
}

// Wrap makes the counters start again from 0 at so many joules, as registers do, and
// leaves them so.
func Wrap(src energy.Source, joules float64) energy.Source {
	return edit(src, func(_ int, r *energy.Reading) { r.Joules = math.Mod(r.Joules, joules) })
}

// Freeze makes the values of every device stay what they are at its reading k:
// a counter that is dead, but answers. Errors still come through.
func Freeze(src energy.Source, k int) energy.Source {
	frozen := make([]energy.Reading, len(src.Devices()))
	return edit(src, func(n int, r *energy.Reading) {
		f := &frozen[r.Device]
		switch {
		case n < k || r.Err != nil:
		case !f.HasJoules && !f.HasWatts:
			*f = *r
		default:
			r.Joules, r.HasJoules = f.Joules, f.HasJoules
			r.Watts, r.HasWatts = f.Watts, f.HasWatts
		}
	})
}

// hold makes each counter show what it did last, from reading k of a device on, unless
// it changes: as changes says, and at first.
func hold(src energy.Source, k int, changes func(first bool, r *energy.Reading) bool) energy.Source {
	shown := make([]energy.Reading, len(src.Devices()))
	return edit(src, func(n int, r *energy.Reading) {
		if n < k || !r.HasJoules {
			return
		}
		s := &shown[r.Device]
		if changes(!s.HasJoules, r) {
			*s = *r
		}
		r.Joules = s.Joules
	})
}

// SkipTicks hides every n-th change of each counter: the value stays what it
// was until the next change. The changes are those that the reads see; n is
// at least 2, or the counter would never change.
func SkipTicks(src energy.Source, n int) energy.Source {
	n = max(n, 2)
	type state struct {
		counter float64
		changes int
	}
	states := make([]state, len(src.Devices()))
	return hold(src, 1, func(first bool, r *energy.Reading) (changes bool) {
		s := &states[r.Device]
		if first || r.Joules == s.counter {
			s.counter = r.Joules
			return first
		}
		s.counter = r.Joules
		s.changes++
		return s.changes%n != 0
	})
}

// Period gives the counters a longer refresh period: from reading k of a
// device on, the value that it shows can change only at whole multiples of
// period after that reading. What is shown is the value of the first read in
// each, so the source underneath should be read, and refresh, more often.
func Period(src energy.Source, k int, period time.Duration) energy.Source {
	next := make([]time.Time, len(src.Devices()))
	return hold(src, k, func(first bool, r *energy.Reading) (changes bool) {
		at := &next[r.Device]
		if first {
			*at = r.After
		}
		if r.After.Before(*at) {
			return false
		}
		*at = at.Add((r.After.Sub(*at)/period + 1) * period)
		return true
	})
}

// delayed wraps a source in a wait before its calls of Read, or after them if it is
// late, and widens the times of the readings to cover it.
func delayed(src energy.Source, late bool, wait func(call int)) energy.Source {
	var calls atomic.Int64
	return wrap(src, src.Devices, func(dst []energy.Reading) {
		start, call := time.Now(), int(calls.Add(1))
		if !late {
			wait(call)
		}
		src.Read(dst)
		if late {
			wait(call)
		}
		end := time.Now()
		for i := range dst {
			dst[i].Before, dst[i].After = start, end
		}
	})
}

// Stall makes call k of Read take d longer, before the values are taken.
func Stall(src energy.Source, k int, d time.Duration) energy.Source {
	return delayed(src, false, func(call int) {
		if call == k {
			time.Sleep(d)
		}
	})
}

// Hang makes call k of Read, and every later one, wait until release is
// called: a driver that no longer answers. release may be called more than
// once. A call that hangs is not ended by Close, as it would not be in life,
// so call release before the test ends.
func Hang(src energy.Source, k int) (hung energy.Source, release func()) {
	released := make(chan struct{})
	hung = delayed(src, false, func(call int) {
		if call >= k {
			<-released
		}
	})
	return hung, sync.OnceFunc(func() { close(released) })
}

// Late makes every Read return d later, after the values were taken.
func Late(src energy.Source, d time.Duration) energy.Source {
	return LateBy(src, func(int) time.Duration { return d })
}

// LateBy makes each Read return later, after the values were taken, by what
// delay says of the call. A delay that is not positive is none.
func LateBy(src energy.Source, delay func(call int) time.Duration) energy.Source {
	return delayed(src, true, func(call int) { time.Sleep(delay(call)) })
}

// Lose makes the device disappear: from its reading k on, its readings carry
// [energy.ErrDeviceLost].
func Lose(src energy.Source, device, k int) energy.Source {
	err := fmt.Errorf("injected at reading %d of device %d: %w", k, device, energy.ErrDeviceLost)
	return Error(src, device, k, math.MaxInt, err)
}

// Error makes n readings of the device, from its reading k on, carry err, which
// is handed on as it is.
func Error(src energy.Source, device, k, n int, err error) energy.Source {
	return editDevice(src, device, k, func(i int, r *energy.Reading) {
		if i-k < n {
			*r = energy.Reading{Device: r.Device, Before: r.Before, After: r.After, Err: err}
		}
	})
}
