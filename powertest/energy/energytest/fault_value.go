package energytest

import "github.com/joulebench/joulebench/powertest/energy"

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
