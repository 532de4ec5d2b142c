package energy

import (
	"math"
	"slices"
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

// problem is a stretch of the curve around one or both edges of a cluster of
// spans. Times are in seconds.
type problem struct {
	// start and end are the edges; ±Inf for an edge that lies elsewhere.
	start, end float64
	spans      []interval // where there are several
	pieces     []piece
	period     float64
	maxPower   float64 // W; what the device can draw at most
	quantum    float64 // J; resolution of the counter
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
	on, gap  float64 // seconds that count, and seconds of gaps inside the cluster
	// before and after are the seconds outside of the cluster.
	before, after float64
}

func (p piece) length() float64 { return p.t1 - p.t0 }
func (p piece) off() float64    { return p.before + p.gap + p.after }

// How many ticks on each side of an edge take part. Ticks further inside say
// little of the power at the edge; ticks further outside, none.
const (
	edgeTicks   = 3
	insideTicks = 8
)

// cluster is a run of spans whose gaps are too short to see the power in them,
// with the free time around it, in ns since base.
type cluster struct {
	spans       []span
	clear, till int64 // no other span from clear to the start, nor from the end till till
}

// clusters divides spans where the gaps are long enough for each side to be
// closed by itself.
func clusters(spans []span, gap int64) []cluster {
	var out []cluster
	for i := 0; i < len(spans); {
		j := i + 1
		for j < len(spans) && spans[j].start-spans[j-1].end < gap {
			j++
		}
		c := cluster{spans: spans[i:j], clear: math.MinInt64, till: math.MaxInt64}
		if i > 0 {
			c.clear = spans[i-1].end
		}
		if j < len(spans) {
			c.till = spans[j].start
		}
		out = append(out, c)
		i = j
	}
	return out
}

// whole reports whether all the time from start to end counts.
func (c cluster) whole() bool {
	return len(c.spans) == 1 && c.spans[0].on == c.spans[0].end-c.spans[0].start
}

func (c cluster) start() int64 { return c.spans[0].start }
func (c cluster) end() int64   { return c.spans[len(c.spans)-1].end }

// knotsAround returns the knots of the cluster and edgeTicks of them on either
// side, and whether there is one on both sides.
func (c *Curve) knotsAround(cl cluster) (ks []knot, first, last int, ok bool) {
	s, e := cl.start(), cl.end()
	first = len(c.ticks)
	for i, t := range c.ticks {
		if int64(t.mid()) > s {
			first = i // the first tick after the start
			break
		}
	}
	last = -1
	for i := len(c.ticks) - 1; i >= 0; i-- {
		if int64(c.ticks[i].mid()) <= e {
			last = i // the last tick before the end
			break
		}
	}
	lo, hi := first-1, last+1
	for n := 1; n < edgeTicks && lo > 0 && c.ticks[lo-1].lo >= cl.clear; n++ {
		lo--
	}
	for n := 1; n < edgeTicks && hi+1 < len(c.ticks) && c.ticks[hi+1].hi <= cl.till; n++ {
		hi++
	}
	if lo < 0 || hi >= len(c.ticks) || lo >= hi {
		return nil, 0, 0, false
	}
	split, join := first+insideTicks, last-insideTicks
	if !cl.whole() || split >= join {
		split, join = hi, hi
	}
	// What lies far from the edges of a whole stretch of time adds up exactly.
	ks = c.knotsNear(c.ticks[lo : split+1])
	if join < hi {
		ks = append(ks, c.knotsNear(c.ticks[join:hi+1])...)
	}
	return ks, lo, hi, len(ks) >= 2
}

// measureCluster returns the energy of the cluster as a distribution, the
// lowest and highest value that the counter allows, and the mean power before
// it (NaN if not known).
func (c *Curve) measureCluster(cl cluster, ks []knot) closed {
	s, e := float64(cl.start())/second, float64(cl.end())/second
	i := slices.IndexFunc(ks, func(k knot) bool { return k.t > s }) + insideTicks
	j := len(ks) - 1
	for j > 0 && ks[j].t > e {
		j--
	}
	j -= insideTicks
	if !cl.whole() || i >= j || i < insideTicks {
		p := c.problem(cl, ks, s, e)
		sum := p.solve(p.unrest(unrest{}))
		if p.unknowable() {
			sum.low, sum.high = sum.least, sum.most
		}
		return sum
	}
	left := c.problem(cl, ks[:i+1], s, math.Inf(1))
	right := c.problem(cl, ks[j:], math.Inf(-1), e)
	u := right.unrest(left.unrest(unrest{}))
	sum := left.solve(u)
	sum.add(right.solve(u))
	sum.shift(ks[j].joules - ks[i].joules)
	return sum
}

// problem lays the spans of the cluster over the knots. An edge that is
// infinite lies beyond them.
func (c *Curve) problem(cl cluster, ks []knot, s, e float64) *problem {
	p := &problem{start: s, end: e, period: c.pace.period / second, quantum: c.device.Resolution}
	for i := range cl.spans {
		if v := cl.spans[i]; len(cl.spans) > 1 && v.on == v.end-v.start {
			p.spans = append(p.spans, interval{float64(v.start) / second, float64(v.end) / second})
		}
	}
	for i := 1; i < len(ks); i++ {
		a, b := ks[i-1], ks[i]
		q := piece{t0: a.t, t1: b.t, sd0: a.sd, sd1: b.sd, energy: b.joules - a.joules}
		q.before = max(min(b.t, s)-a.t, 0)
		q.after = max(b.t-max(a.t, e), 0)
		q.on = onTime(cl.spans, a.t, b.t)
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
	from := sortSearch(spans, t0)
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

// sortSearch returns the index of the first span that ends after t.
func sortSearch(spans []span, t float64) int {
	i, _ := slices.BinarySearchFunc(spans, t, func(s span, t float64) int {
		if float64(s.end)/second <= t {
			return -1
		}
		return 1
	})
	return i
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
