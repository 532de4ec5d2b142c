package energytest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wrapped is a source whose Read is another function.
type wrapped struct {
	energy.Source
	read func(dst []energy.Reading)
}

func (w *wrapped) Read(dst []energy.Reading) { w.read(dst) }

// inspecting is a wrapped source that passes on Inspect.
type inspecting struct {
	*wrapped
	energy.Inspector
}

func wrap(src energy.Source, read func(dst []energy.Reading)) energy.Source {
	w := &wrapped{src, read}
	if ins, ok := src.(energy.Inspector); ok {
		return inspecting{w, ins}
	}
	return w
}

// redescribed is a source whose Devices say something else.
type redescribed struct {
	energy.Source
	devices []energy.Device
}

func (d *redescribed) Devices() []energy.Device { return d.devices }

// Redescribe changes what a source says of its devices, such as a Resolution that
// their counters do not keep.
func Redescribe(src energy.Source, change func(d *energy.Device)) energy.Source {
	r := &redescribed{src, slices.Clone(src.Devices())}
	for i := range r.devices {
		change(&r.devices[i])
	}
	if ins, ok := src.(energy.Inspector); ok {
		return struct {
			*redescribed
			energy.Inspector
		}{r, ins}
	}
	return r
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
	return wrap(src, func(dst []energy.Reading) {
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

// fail takes the values from a reading and leaves an error.
func fail(r *energy.Reading, err error) {
	*r = energy.Reading{Device: r.Device, Before: r.Before, After: r.After, Err: err}
}

// Reset makes the device's counter start again from zero at its reading k, as
// after a driver reload.
func Reset(src energy.Source, device, k int) energy.Source {
	offset, done := 0.0, false
	return edit(src, func(n int, r *energy.Reading) {
		if r.Device != device || !r.HasJoules || n < k {
			return
		}
		if !done {
			offset, done = r.Joules, true
		}
		// Not below zero where the counter underneath is reset as well.
		r.Joules = max(r.Joules-offset, 0)
	})
}

// Backwards makes reading k of the device show less than the one before it: by
// 1 J, or by half of it where it is below 2 J. Later readings are normal.
func Backwards(src energy.Source, device, k int) energy.Source {
	previous := 0.0
	return edit(src, func(n int, r *energy.Reading) {
		if r.Device != device || !r.HasJoules {
			return
		}
		if n == k {
			r.Joules = max(previous-1, previous/2)
		}
		previous = r.Joules
	})
}

// Replace makes n readings of the device, from its reading k on, show value in
// place of what they say: joules for a counter, watts for a gauge. NaN, an
// infinity or a negative number make an invalid reading.
func Replace(src energy.Source, device, k, n int, value float64) energy.Source {
	return edit(src, func(i int, r *energy.Reading) {
		switch {
		case r.Device != device || i < k || i >= k+n:
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

// SkipTicks hides every n-th change of each counter: the value stays what it
// was until the next change. The changes are those that the reads see; n is
// at least 2, or the counter would never change.
func SkipTicks(src energy.Source, n int) energy.Source {
	n = max(n, 2)
	type state struct {
		counter, shown float64
		changes        int
		seen           bool
	}
	states := make([]state, len(src.Devices()))
	return edit(src, func(_ int, r *energy.Reading) {
		if !r.HasJoules {
			return
		}
		s := &states[r.Device]
		if !s.seen {
			*s = state{counter: r.Joules, shown: r.Joules, seen: true}
		}
		if r.Joules != s.counter {
			s.counter = r.Joules
			if s.changes++; s.changes%n != 0 {
				s.shown = r.Joules
			}
		}
		r.Joules = s.shown
	})
}

// Period gives the counters a longer refresh period: from reading k of a
// device on, the value that it shows can change only at whole multiples of
// period after that reading. What is shown is the value of the first read in
// each, so the source underneath should be read, and refresh, more often.
func Period(src energy.Source, k int, period time.Duration) energy.Source {
	type state struct {
		start time.Time
		tick  int64
		shown float64
		seen  bool
	}
	states := make([]state, len(src.Devices()))
	return edit(src, func(n int, r *energy.Reading) {
		if n < k || !r.HasJoules {
			return
		}
		s := &states[r.Device]
		if !s.seen {
			*s = state{start: r.After, tick: 0, shown: r.Joules, seen: true}
		}
		if tick := int64(r.After.Sub(s.start) / period); tick > s.tick {
			s.tick, s.shown = tick, r.Joules
		}
		r.Joules = s.shown
	})
}

// around wraps a source in a wait before and a wait after its calls of Read,
// and widens the times of the readings to cover both.
func around(src energy.Source, before, after func(call int)) energy.Source {
	var (
		mu    sync.Mutex
		calls int
	)
	return wrap(src, func(dst []energy.Reading) {
		mu.Lock()
		calls++
		n := calls
		mu.Unlock()
		start := time.Now()
		before(n) // without the lock: others may close the source meanwhile
		src.Read(dst)
		after(n)
		end := time.Now()
		for i := range dst {
			dst[i].Before, dst[i].After = start, end
		}
	})
}

func noWait(int) {}

// Stall makes call k of Read take d longer, before the values are taken.
func Stall(src energy.Source, k int, d time.Duration) energy.Source {
	return around(src, func(call int) {
		if call == k {
			time.Sleep(d)
		}
	}, noWait)
}

// Hang makes call k of Read, and every later one, wait until release is
// called: a driver that no longer answers. release may be called more than
// once. A call that hangs is not ended by Close, as it would not be in life,
// so call release before the test ends.
func Hang(src energy.Source, k int) (hung energy.Source, release func()) {
	released := make(chan struct{})
	hung = around(src, func(call int) {
		if call >= k {
			<-released
		}
	}, noWait)
	return hung, sync.OnceFunc(func() { close(released) })
}

// Late makes every Read return d later, after the values were taken.
func Late(src energy.Source, d time.Duration) energy.Source {
	return LateBy(src, func(int) time.Duration { return d })
}

// LateBy makes each Read return later, after the values were taken, by what
// delay says of the call. A delay that is not positive is none.
func LateBy(src energy.Source, delay func(call int) time.Duration) energy.Source {
	return around(src, noWait, func(call int) {
		if d := delay(call); d > 0 {
			time.Sleep(d)
		}
	})
}

// Lose makes the device disappear: from its reading k on, its readings carry
// [energy.ErrDeviceLost].
func Lose(src energy.Source, device, k int) energy.Source {
	err := fmt.Errorf("injected at reading %d of device %d: %w", k, device, energy.ErrDeviceLost)
	return edit(src, func(n int, r *energy.Reading) {
		if r.Device == device && n >= k {
			fail(r, err)
		}
	})
}

// Error makes n readings of the device, from its reading k on, carry err, which
// is handed on as it is.
func Error(src energy.Source, device, k, n int, err error) energy.Source {
	return edit(src, func(i int, r *energy.Reading) {
		if r.Device == device && i >= k && i < k+n {
			fail(r, err)
		}
	})
}
