package world

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Counter is what a kind of device makes of its power: when its energy counter changes,
// and by what. The zero value of a field means that the counter does nothing of the kind.
type Counter struct {
	// Period is the time between ticks in seconds, and Loaded what it is multiplied by
	// while the device draws more than 1.5 times its power at the start; 0 means 1.
	Period, Loaded float64
	// Jitter is the standard deviation of the time between two ticks, relative to
	// Period. It accumulates: the ticks keep to no clock but their own.
	Jitter float64
	// Drift is by how much of itself the period grows in a second.
	Drift float64
	// Lag is the age of what the counter shows when it ticks, in seconds.
	Lag float64
	// Mean is the time over which the power is averaged before it is added up.
	Mean float64
	// Share is the part of the time between ticks in which the power is looked at, just
	// before the tick; 0 means all of it.
	Share float64
	// Known says that Share was measured of the device before.
	Known bool
	// Missed is the share of ticks that show nothing new, and Double that of ticks which
	// are followed by another within 1 to 10 ms.
	Missed, Double float64
	// Step is what the counter's value is a multiple of; 0 means 1 mJ.
	Step float64
	// Usual is the delay that is known of counters of this kind, ± twice its deviation,
	// in seconds.
	Usual [2]float64
	// Call is how long a usual call takes to read it, in seconds; 0 draws one of 0.05 to 1 ms.
	Call float64
	// Slow is the share of calls that take two to five times as long, and 0 means 1 %.
	Slow float64
	// Gauge is the time of whose power the gauge beside the counter shows the mean, at
	// its last tick; 0 means that there is no gauge.
	Gauge float64
}

// tick is what a counter shows from a time on.
type tick struct{ at, joules, watts float64 }

// ticker is a counter at work. It looks no further ahead than it is asked to.
type ticker struct {
	Counter
	power Power
	rand  *rand.Rand
	idle  float64
	ticks []tick  // those that were shown
	next  float64 // when it looks at the power again
	last  float64 // when it did before
	sum   float64 // what was added up until then
	base  float64
}

// newTicker returns a counter that has run since long before time 0.
func newTicker(c Counter, power Power, r *rand.Rand) *ticker {
	c.Step, c.Loaded = max(c.Step, 1e-3), orOne(c.Loaded)
	t := &ticker{Counter: c, power: power, rand: r, base: between(r, 1e6, 9e6), idle: power.Watts(-10)}
	t.last = -5 - c.Period*r.Float64()
	t.next = t.last + c.Period
	t.show(t.last)
	return t
}

func orOne(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}

// upTo makes the ticks until a time.
func (t *ticker) upTo(now float64) {
	for t.next <= now {
		at := t.next
		t.add(at)
		if t.rand.Float64() >= t.Missed {
			t.show(at)
		}
		gap := t.Period
		if t.power.Watts(at) > 1.5*t.idle {
			gap *= t.Loaded
		}
		gap *= math.Exp(t.Drift*at) * max(1+t.Jitter*t.rand.NormFloat64(), 0.2)
		if t.rand.Float64() < t.Double {
			gap = between(t.rand, 0.001, 0.01)
		}
		t.last, t.next = at, at+gap
	}
}

// add adds up what was drawn since the last look.
func (t *ticker) add(at float64) {
	from, to := t.last-t.Lag, at-t.Lag
	switch {
	case t.Mean > 0:
		// The increment of the mean's integral, by the midpoints of 25 parts.
		const parts = 25
		for k := range parts {
			u := from + (to-from)*(float64(k)+0.5)/parts
			t.sum += t.power.Joules(u-t.Mean, u) / t.Mean * (to - from) / parts
		}
	case t.Share > 0 && t.Share < 1:
		t.sum += t.power.Joules(to-t.Share*(to-from), to) / t.Share
	default:
		t.sum += t.power.Joules(from, to)
	}
}

// show makes the sum so far visible.
func (t *ticker) show(at float64) {
	over := t.Gauge
	if over == 0 {
		over = t.Period // for the peers only
	}
	watts := t.power.Joules(at-over, at) / over
	t.ticks = append(t.ticks, tick{at, math.Floor((t.base+t.sum)/t.Step) * t.Step, watts})
}

// at returns what is shown at a time.
func (t *ticker) at(now float64) tick { return t.ticks[t.index(now)] }

// index is the newest tick that is not after a time.
func (t *ticker) index(now float64) int {
	t.upTo(now)
	if n := len(t.ticks); t.ticks[n-1].at <= now {
		return n - 1
	}
	return max(sort.Search(len(t.ticks), func(i int) bool { return t.ticks[i].at > now })-1, 0)
}
