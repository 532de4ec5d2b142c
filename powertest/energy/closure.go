package energy

import (
	"math"
	"sort"
)

// Closing the edges.
//
// Between ticks the counter's differences are exact, so what is not known of a
// window's energy is how the energy of the tick intervals that straddle its
// edges divides into inside and outside. Three things are known about that: the
// power outside, from the ticks beyond the edge; the power inside, from the
// ticks within; and the energy of the straddling interval itself, which the two
// parts must add up to. A problem holds these, and hypotheses.go solves it:
//
//   - An idle device before and after (a cold benchmark): the power outside is
//     small and steady, and subtracting it is exact.
//   - Load that goes on over the edge: inside and outside are alike, and the
//     interval is divided in proportion.
//   - A tail that decays after the last operation: it hides in the straddling
//     interval, where subtracting the power outside would bill it to the
//     window. Only the power inside tells.
//
// Which of these it is, the data say more or less clearly; the published
// interval is as wide as the disagreement that they leave.

// problem is a stretch of the curve around one or both edges of a window. Times
// are in seconds.
type problem struct {
	// start and end are the edges; ±Inf for an edge that lies elsewhere.
	start, end float64
	spans      []interval // where there are several
	pieces     []piece
	period     float64
	maxPower   float64 // W; what the device can draw at most
	quantum    float64 // J; resolution of the counter
	brief      bool    // few hypotheses are enough
	far        bool    // the ticks were not seen closely
	// Rough levels of power, for the size of the noise: before, on, gap, after.
	rough [4]float64
}

// interval is a stretch of time, in seconds.
type interval struct{ start, end float64 }

// piece is the time between two knots: energy was used from t0 to t1.
type piece struct {
	t0, t1   float64
	sd0, sd1 float64 // of t0 and t1
	energy   float64
	on, gap  float64 // seconds that count, and seconds of gaps inside the window
	// before and after are the seconds outside of the window.
	before, after float64
}

func (p piece) length() float64 { return p.t1 - p.t0 }
func (p piece) off() float64    { return p.before + p.gap + p.after }

// How many ticks on each side of an edge take part. Ticks further inside say
// little of the power at the edge; ticks further outside, none.
const (
	edgeTicks   = 3
	insideTicks = 9
	// minNear is how many ticks inside an edge needs to be closed by itself.
	minNear = 4
)

// close returns the energy of the window as a distribution, with the least and
// the most that the counter allows.
func (c *Curve) close(w laid) closed {
	at := w.cut()
	ps, between := c.parts(w, w.knots, at)
	var u unrest
	for _, p := range ps {
		u = p.unrest(u)
	}
	sum := closed{mean: between, low: between, high: between, least: between, most: between}
	if c.recorded {
		sum = c.closeLate(w, at, u)
	} else {
		for _, p := range ps {
			sum.add(p.solve(u))
		}
	}
	if len(ps) == 1 && ps[0].unknowable() {
		sum.low, sum.high = sum.least, sum.most
	}
	for _, p := range ps {
		if hidden := p.hidden(c.expected() / second); hidden > 0 {
			sum.low, sum.high = max(sum.low-hidden, sum.least), min(sum.high+hidden, sum.most)
			c.coarse = true
		}
	}
	return sum
}

// parts returns the problems of the edges, and the energy that lies between
// them.
func (c *Curve) parts(w laid, ks []knot, at cut) (ps []*problem, between float64) {
	s, e := float64(w.from())/second, float64(w.till())/second
	if at.one {
		return []*problem{c.problem(w, ks, s, e)}, 0
	}
	left := c.problem(w, ks[:at.i+1], s, math.Inf(1))
	right := c.problem(w, ks[at.j:], math.Inf(-1), e)
	return []*problem{left, right}, ks[at.j].joules - ks[at.i].joules
}

// problem lays the spans of the window over the knots. An edge that is infinite
// lies beyond them.
func (c *Curve) problem(w laid, ks []knot, s, e float64) *problem {
	p := &problem{start: s, end: e, period: c.pace.Period() / second, quantum: c.device.Resolution, brief: c.brief, far: c.pace.Poll() > 0}
	for i := range w.spans {
		if v := w.spans[i]; len(w.spans) > 1 && v.on == v.end-v.start {
			p.spans = append(p.spans, interval{float64(v.start) / second, float64(v.end) / second})
		}
	}
	for i := 1; i < len(ks); i++ {
		a, b := ks[i-1], ks[i]
		q := piece{t0: a.t, t1: b.t, sd0: a.sd, sd1: b.sd, energy: b.joules - a.joules}
		q.before = max(min(b.t, s)-a.t, 0)
		q.after = max(b.t-max(a.t, e), 0)
		q.on = onTime(w.spans, a.t, b.t)
		q.gap = max(q.length()-q.before-q.after-q.on, 0)
		p.pieces = append(p.pieces, q)
		p.maxPower = max(p.maxPower, q.energy/q.length())
	}
	// Power beyond the limit is possible for a moment only; without a limit,
	// twice what was seen.
	p.maxPower *= 1.05
	if limit := c.device.PowerLimit; limit > p.maxPower {
		p.maxPower = limit
	} else if limit <= 0 {
		p.maxPower *= 2
	}
	p.setRough()
	return p
}

// onTime returns how many seconds of the spans lie in [t0, t1).
func onTime(spans []span, t0, t1 float64) float64 {
	// The first span that ends after t0.
	from := sort.Search(len(spans), func(k int) bool { return float64(spans[k].end)/second > t0 })
	sum := 0.0
	for _, s := range spans[from:] {
		a, b := float64(s.start)/second, float64(s.end)/second
		if a >= t1 {
			break
		}
		if d := min(b, t1) - max(a, t0); d > 0 && b > a {
			sum += d * float64(s.on) / float64(s.end-s.start)
		}
	}
	return sum
}

// setRough estimates the level of power of each part from the pieces that hold
// nothing else, or else from what is left.
func (p *problem) setRough() {
	var joules, secs [4]float64
	for _, q := range p.pieces {
		switch l := q.length() * 0.999; {
		case q.before >= l:
			joules[before], secs[before] = joules[before]+q.energy, secs[before]+q.length()
		case q.on >= l:
			joules[on], secs[on] = joules[on]+q.energy, secs[on]+q.length()
		case q.after >= l:
			// The last one: the tail is over by then, if it is over at all.
			joules[after], secs[after] = q.energy, q.length()
		}
	}
	for i := range p.rough {
		if secs[i] > 0 {
			p.rough[i] = joules[i] / secs[i]
		}
	}
	if secs[before] == 0 {
		p.rough[before] = p.rough[after]
	}
	if secs[after] == 0 {
		p.rough[after] = p.rough[before]
	}
	if secs[on] == 0 {
		var e, t float64
		for _, q := range p.pieces {
			e += q.energy - q.before*p.rough[before] - q.after*p.rough[after] - q.gap*p.rough[before]
			t += q.on
		}
		if t > 0 {
			p.rough[on] = min(max(e/t, 0), p.maxPower)
		}
	}
	p.rough[gap] = (p.rough[before] + p.rough[on]) / 2
}
