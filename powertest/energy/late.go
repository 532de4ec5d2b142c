package energy

import "math"

// A history's readings were made at regular times, by someone who did not look
// for the ticks: a tick may lie anywhere between two of them, and all ticks may
// be late by the same. That moves energy across the edges of a window, as much
// as the devices use outside of it in that time. What is late by the same moves
// in at one edge what it moves out at the other; what scatters from tick to tick
// does not.

// lateness is what the ticks of a history may have moved, in joules: alike at
// all edges (in at the start, out at the end), and the variance of what scatters.
type lateness struct{ alike, scatter float64 }

// apart drops the knots of which it is not sure on which side of an edge they
// lie: what lies beyond a knot that is kept is surely outside, or inside.
func apart(ks []knot, from, till int64) []knot {
	const sure = 1.75 // standard deviations: all of a uniform distribution
	out := ks[:0]
	for i, k := range ks {
		near := func(edge int64) bool { return math.Abs(k.t-float64(edge)/second) < sure*k.sd }
		if i > 0 && i < len(ks)-1 && (near(from) || near(till)) {
			continue
		}
		out = append(out, k)
	}
	return out
}

// The least that ticks are taken to scatter, as a share of the time in which
// they may lie: the phase of two clocks drifts.
const leastScatter = 0.25

// lateness adds up what may have moved across the edges of the problem.
func (p *problem) lateness(u unrest) lateness {
	var l lateness
	for _, q := range p.pieces {
		if q.on == 0 || q.off() == 0 {
			continue
		}
		sd := max(q.sd0, q.sd1)
		if q.gap > 0 {
			l.scatter += sq(p.rough[on] * sd)
			continue
		}
		jitter := p.scatter(u, sd)
		if q.before > 0 {
			l.alike += p.rough[before] * sd
			l.scatter += sq(p.rough[before] * jitter)
		}
		if q.after > 0 {
			l.alike -= p.rough[after] * sd
			l.scatter += sq(p.rough[after] * jitter)
		}
	}
	return l
}

// narrow leaves to the times of the knots only what scatters: what is alike is
// in the lateness.
func (p *problem) narrow(u unrest) {
	for i := range p.pieces {
		q := &p.pieces[i]
		q.sd0, q.sd1 = p.scatter(u, q.sd0), p.scatter(u, q.sd1)
	}
}

// scatter returns by how much single ticks are late, as a standard deviation, of
// which sd is the most. A tick that is late makes one piece longer and the next
// one shorter: where times scatter, the changes of power from piece to piece do,
// with six times the variance.
func (p *problem) scatter(u unrest, sd float64) float64 {
	const enough = 4
	if u.n < enough {
		return sd
	}
	seen := p.period * math.Sqrt(u.sum/u.n/6) * (1 + 2/u.n)
	return min(max(seen, leastScatter*sd), sd)
}

// allow widens the interval by the lateness.
func (c *closed) allow() {
	const wide = 1.3 // standard deviations, of a uniform distribution most
	extra := wide * math.Hypot(c.late.alike, math.Sqrt(c.late.scatter))
	c.low = max(c.mean-math.Hypot(c.mean-c.low, extra), c.least)
	c.high = min(c.mean+math.Hypot(c.high-c.mean, extra), c.most)
}
