package energy

import (
	"math"
	"math/rand/v2"
	"time"
)

// The lab: simulated devices with a known true energy, and a poller in virtual
// time that drives the real pace and the real curve, as the recorder does.

// second is a second in ns.
const second = 1e9

// truth is the cumulative energy of a device on a fine grid, from which the
// energy of any stretch of time is known exactly.
type truth struct {
	step   float64 // seconds
	joules []float64
}

func (tr *truth) at(t float64) float64 {
	x := t / tr.step
	i := min(max(int(x), 0), len(tr.joules)-2)
	return tr.joules[i] + (x-float64(i))*(tr.joules[i+1]-tr.joules[i])
}

// power returns the mean power over the d seconds before t.
func (tr *truth) power(t, d float64) float64 { return (tr.at(t) - tr.at(t-d)) / d }

// A shape returns power as a function of time for a window from s to e. Its
// parameters are drawn anew for every window; T is the refresh period.
type shape func(rng *rand.Rand, s, e, T float64) func(t float64) float64

func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

// loguniform favours no order of magnitude.
func loguniform(rng *rand.Rand, lo, hi float64) float64 {
	return lo * math.Pow(hi/lo, rng.Float64())
}

const idle = 100.0

func peak(rng *rand.Rand) float64 { return uniform(rng, 400, 650) }

// envelope is idle outside the window and level inside; it rises and decays
// exponentially.
func envelope(s, e, level, rise, decay float64) func(t float64) float64 {
	return func(t float64) float64 {
		inside := func(t float64) float64 {
			if rise == 0 {
				return level
			}
			return level - (level-idle)*math.Exp(-(t-s)/rise)
		}
		switch {
		case t < s:
			return idle
		case t < e:
			return inside(t)
		case decay == 0:
			return idle
		}
		return idle + (inside(e)-idle)*math.Exp(-(t-e)/decay)
	}
}

// shapes are the power shapes of the lab, by name.
var shapes = []struct {
	name string
	make shape
}{
	{"cold", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		return envelope(s, e, peak(rng), 0, 0)
	}},
	{"warm", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		level := peak(rng)
		return func(float64) float64 { return level }
	}},
	{"ramp", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		return envelope(s, e, peak(rng), uniform(rng, 0.01, 0.2), uniform(rng, 0.005, 0.02))
	}},
	{"decay", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		return envelope(s, e, peak(rng), uniform(rng, 0.001, 0.01), uniform(rng, 0.01, 0.3))
	}},
	{"square", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		p, duty, phase, level := T*uniform(rng, 0.8, 1.3), uniform(rng, 0.3, 0.7), rng.Float64(), peak(rng)
		return func(t float64) float64 {
			_, f := math.Modf((t-s)/p + phase)
			if t < s || t >= e || f > duty {
				return idle
			}
			return level
		}
	}},
	{"square-warm", squareWarm(0.8, 1.3)},
	{"near-warm", squareWarm(0.94, 1.06)},
	{"alias", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		p, phase, level := T+0.001, rng.Float64(), peak(rng)
		return func(t float64) float64 {
			if _, f := math.Modf((t-s)/p + phase); t < s || t >= e || f > 0.2 {
				return idle
			}
			return level
		}
	}},
	{"bursts", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		var bs []burst
		for t := s; t < e; {
			b := burst{from: t, level: uniform(rng, 300, 650)}
			b.to = min(t+loguniform(rng, 0.002, 0.05), e)
			bs = append(bs, b)
			t = b.to + loguniform(rng, 0.002, 0.05)
		}
		return bursts(bs)
	}},
	{"steps", func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		b, l, a := uniform(rng, 100, 650), uniform(rng, 200, 650), uniform(rng, 100, 650)
		return func(t float64) float64 {
			switch {
			case t < s:
				return b
			case t < e:
				return l
			}
			return a
		}
	}},
}

// squareWarm is a load that switches on and off all the time, with a period between two
// multiples of the refresh period.
func squareWarm(least, most float64) shape {
	return func(rng *rand.Rand, s, e, T float64) func(float64) float64 {
		p, duty, phase, level := T*uniform(rng, least, most), uniform(rng, 0.3, 0.7), 100+rng.Float64(), peak(rng)
		return func(t float64) float64 {
			if _, f := math.Modf((t-s)/p + phase); f > duty {
				return idle
			}
			return level
		}
	}
}

// burst is a stretch of time at a level of power.
type burst struct{ from, to, level float64 }

// bursts is idle but for the bursts, which are in order. It is to be called
// with rising times.
func bursts(bs []burst) func(t float64) float64 {
	i := 0
	return func(t float64) float64 {
		for i < len(bs) && bs[i].to <= t {
			i++
		}
		if i < len(bs) && t >= bs[i].from {
			return bs[i].level
		}
		return idle
	}
}

// newTruth integrates a shape with noise of up to ±5 %, correlated over 2 to 200 ms.
func newTruth(rng *rand.Rand, power func(float64) float64, until float64) *truth {
	tr := &truth{step: 0.25e-3}
	if until > 100 {
		tr.step = 5e-3
	}
	n := int(until/tr.step) + 2
	tr.joules = make([]float64, n)
	keep := math.Exp(-tr.step / loguniform(rng, 0.002, 0.2))
	sd := uniform(rng, 0.005, 0.05)
	kick := sd * math.Sqrt(1-keep*keep)
	noise := sd * rng.NormFloat64()
	for i := 1; i < n; i++ {
		noise = keep*noise + kick*rng.NormFloat64()
		tr.joules[i] = tr.joules[i-1] + power((float64(i)-0.5)*tr.step)*(1+noise)*tr.step
	}
	return tr
}

// counter is what the device shows: the true energy as of the last tick.
type counter struct {
	tr    *truth
	ticks []float64 // times
}

func newCounter(rng *rand.Rand, tr *truth, T, until float64) *counter {
	c := &counter{tr: tr}
	for t := -T * rng.Float64(); t < until; t += T {
		if rng.Float64() < 0.01 && t > 0 {
			continue // missed
		}
		c.ticks = append(c.ticks, t+uniform(rng, -1e-3, 1e-3))
	}
	return c
}

// last returns the time of the last tick before t.
func (c *counter) last(t float64) float64 {
	lo, hi := 0, len(c.ticks)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; c.ticks[mid] <= t {
			lo = mid
		} else {
			hi = mid
		}
	}
	return c.ticks[lo]
}

// show returns the visible value at t, in joules with a resolution of 1 mJ.
func (c *counter) show(t float64) float64 {
	const before = 5e6 // the counter has run for a while
	return math.Floor((before+c.tr.at(c.last(t)))*1e3) / 1e3
}

// poller reads a counter as the recorder does: the real pace says when, but
// wake-ups are late and calls take their time.
type poller struct {
	rng     *rand.Rand
	late    float64 // wake-ups come up to this much late, in seconds
	latency float64 // of a call
}

func newPoller(rng *rand.Rand) *poller {
	p := &poller{rng: rng, latency: loguniform(rng, 0.05e-3, 5e-3)}
	if rng.IntN(2) == 0 {
		p.late = uniform(rng, 0, 10e-3)
	}
	return p
}

// record polls from open until the window is settled that lies between the first and the
// last edge.
func (p *poller) record(c *curve, dev *counter, open float64, edges ...float64) []span {
	ns := func(t float64) int64 { return int64(t * second) }
	e := edges[len(edges)-1]
	win := spansOf([]float64{edges[0], e})
	edges = append([]float64{open}, edges...)
	now, free := open, open // free is when the call in progress ends
	for {
		next := max(c.pace.Next()/second, now)
		for len(edges) > 0 && edges[0] <= max(next, free) {
			now = max(edges[0], now)
			c.pace.Edge(ns(max(edges[0], free)), c.last.hi, false)
			next = max(c.pace.Next()/second, now)
			edges = edges[1:]
		}
		wake := max(next, free) + p.late*p.rng.Float64() + 20e-6
		after := wake + p.latency*uniform(p.rng, 0.8, 1.2)
		fresh := c.add(Reading{
			Before: c.base.Add(time.Duration(ns(wake))), After: c.base.Add(time.Duration(ns(after))),
			Joules: dev.show(uniform(p.rng, wake, after)), HasJoules: true,
		})
		now, free = after, after
		if now > e && (now > e+3.2*c.expected()/second || fresh && c.settled(win, ns(e))) {
			return win
		}
	}
}
