package energytest

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// SkipTicks hides every n-th change of each counter: the value stays what it
// was until the next change. The changes are those that the reads see; n is
// at least 2, or the counter would never change.
func SkipTicks(src energy.Source, n int) energy.Source {
	n = max(n, 2)
	type state struct {
		real, shown float64
		changes     int
		seen        bool
	}
	states := make([]state, len(src.Devices()))
	return edit(src, func(_ int, r *energy.Reading) {
		if !r.HasJoules {
			return
		}
		s := &states[r.Device]
		if !s.seen {
			*s = state{real: r.Joules, shown: r.Joules, seen: true}
		}
		if r.Joules != s.real {
			s.real = r.Joules
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
