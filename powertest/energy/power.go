package energy

import (
	"math"
	"slices"
	"sort"
	"time"
)

// power is a curve of power: the readings of a gauge, with the energy up to
// each by trapezoids. It is bounded: old points are thinned out, which keeps the
// energy between those that stay, and the longest gap.
type power struct {
	points []sample
	// held says that the gauge shows the value of its last refresh, which may
	// be up to a period old, until the next.
	held   bool
	period int64
	// seen is when the newest value was last read.
	seen int64
	// late is by how much all readings can be late, or early, by the same: as
	// those that a log stamps with whole seconds.
	late int64
	// limit is how many points are kept.
	limit int
}

// sample is the power at a time, in ns since the curve's base.
type sample struct {
	at    int64
	watts float64
	// joules is the energy since the first point, and variance of it what the
	// trapezoids do not tell.
	joules, variance float64
	// gap is the longest time between two readings since the sample before.
	gap int64
}

// add takes in a reading made at a time.
func (p *power) add(at int64, watts float64) {
	read, n := at, len(p.points)
	if n == 0 {
		p.points = append(p.points, sample{at: at, watts: watts})
		p.seen = read
		return
	}
	if p.held {
		if watts == p.points[n-1].watts {
			p.seen = read
			return
		}
		// It was refreshed between the readings. Until one period before
		// that, it was still what it had been.
		at = p.seen + (read-p.seen)/2
		still := at - p.period
		if read-p.seen > p.period {
			// More than once, then, and the power changed at any time.
			still, at = p.seen, read
		}
		if still > p.points[n-1].at && still < at {
			p.push(still, p.points[n-1].watts, 0)
		}
	}
	p.push(at, watts, read-p.seen)
	p.seen = read
}

func (p *power) push(at int64, watts float64, gap int64) {
	last := p.points[len(p.points)-1]
	if at <= last.at {
		return
	}
	if len(p.points) >= p.limit {
		p.thin()
		last = p.points[len(p.points)-1]
	}
	if n := len(p.points); n == cap(p.points) && n >= reserved {
		// Twice as many, and never more than there can be: less garbage.
		p.points = slices.Grow(p.points, min(n, p.limit-n))
	}
	j, v := area(last, sample{at: at, watts: watts}, last.at, at)
	p.points = append(p.points, sample{at: at, watts: watts, joules: last.joules + j, variance: last.variance + v, gap: gap})
}

// area returns the joules from u to v, between the samples a and b, and their
// variance. Between two samples the power may have changed at any time from the
// one to the other; if that time is uniformly distributed, the energy has a
// standard deviation of |Δpower| Δt / √12. A part of the time may hold more or
// less than its share.
func area(a, b sample, u, v int64) (joules, variance float64) {
	dt := float64(b.at-a.at) / second
	if dt <= 0 || v <= u {
		return 0, 0
	}
	at := func(t int64) float64 { return a.watts + (b.watts-a.watts)*float64(t-a.at)/second/dt }
	t := float64(v-u) / second
	share := t / dt
	joules = (at(u) + at(v)) / 2 * t
	variance = sq((b.watts-a.watts)*t)/12 + 0.02*sq((a.watts+b.watts)/2*dt)*share*(1-share)
	return joules, variance
}

// thin drops every other sample but the oldest and newest quarter.
func (p *power) thin() {
	keep := len(p.points) / 4
	n := keep
	for i := keep; i < len(p.points)-keep; i++ {
		if (i-keep)%2 == 0 {
			p.points[i+1].gap = max(p.points[i+1].gap, p.points[i].gap)
			continue
		}
		p.points[n] = p.points[i]
		n++
	}
	n += copy(p.points[n:], p.points[len(p.points)-keep:])
	p.points = p.points[:n]
}

// forget drops what is older than t, but for the newest keep points before it, once
// that is most of it.
func (p *power) forget(t int64, keep int) {
	i := sort.Search(len(p.points), func(k int) bool { return p.points[k].at >= t }) - keep
	if i > len(p.points)/2 {
		p.points = append(p.points[:0], p.points[i:]...)
	}
}

// known returns until when the power is known.
func (p *power) known() int64 {
	if n := len(p.points); n == 0 {
		return math.MinInt64
	} else if p.held {
		return max(p.points[n-1].at, p.seen-p.period)
	} else {
		return p.points[n-1].at
	}
}

// covers reports whether the samples reach over both edges.
func (p *power) covers(s, e int64) bool {
	return len(p.points) > 0 && p.points[0].at <= s && p.known() >= e
}

// before returns the index of the last sample not after t.
func (p *power) before(t int64) int {
	return max(sort.Search(len(p.points), func(k int) bool { return p.points[k].at > t })-1, 0)
}

// upTo returns the joules from the first sample to t, and their variance.
func (p *power) upTo(t int64) (joules, variance float64) {
	i := p.before(t)
	a := p.points[i]
	b := sample{at: max(p.known(), t), watts: a.watts} // held so far
	if i+1 < len(p.points) {
		b = p.points[i+1]
	}
	j, v := area(a, b, a.at, t)
	return a.joules + j, a.variance + v
}

// integrate returns the joules of the spans and the standard deviation of what
// the samples do not tell.
func (p *power) integrate(spans []span) (joules, sd float64) {
	variance, change, starts, ends := 0.0, 0.0, 0.0, 0.0
	for _, s := range spans {
		j0, v0 := p.upTo(s.start)
		j1, v1 := p.upTo(s.end)
		share := float64(s.on) / float64(s.end-s.start)
		joules += share * (j1 - j0)
		change += share * (p.watts(s.end) - p.watts(s.start))
		// The parts of the two samples at the edges are not in the difference
		// of the variances. Where spans begin and end with the load, the edges
		// err in the same direction each time.
		variance += max(v1-v0, 0)
		starts += math.Sqrt(p.edge(s.start))
		ends += math.Sqrt(p.edge(s.end))
	}
	return joules, math.Sqrt(variance + sq(starts) + sq(ends) + sq(change*float64(p.late)/second)/3)
}

// watts returns the power at t, which the samples reach over.
func (p *power) watts(t int64) float64 {
	i := p.before(t)
	a := p.points[i]
	if i+1 == len(p.points) || t <= a.at {
		return a.watts
	}
	b := p.points[i+1]
	return a.watts + (b.watts-a.watts)*float64(t-a.at)/float64(b.at-a.at)
}

// unseen is how much of the energy between two samples may be on the other side of
// an edge, as a standard deviation, where the power does not seem to change.
const unseen = 0.03

// edge returns the variance that comes with an edge at t: the time of a sample
// is known to within a refresh period or a reading, while the power changes.
func (p *power) edge(t int64) float64 {
	i := p.before(t)
	if i+1 >= len(p.points) {
		return 0
	}
	a, b := p.points[i], p.points[i+1]
	change := b.watts - a.watts
	if i+2 < len(p.points) {
		change = math.Max(math.Abs(change), math.Abs(p.points[i+2].watts-b.watts))
	}
	dt := float64(min(b.at-a.at, max(p.period, b.gap))) / second
	return max(sq(change*dt)/3, sq(unseen*(a.watts+b.watts)/2*dt))
}

// longest returns the longest gap between readings from s to e.
func (p *power) longest(s, e int64) time.Duration {
	longest := int64(0)
	for i := p.before(s) + 1; i < len(p.points); i++ {
		longest = max(longest, p.points[i].gap)
		if p.points[i].at >= e {
			return time.Duration(longest)
		}
	}
	return time.Duration(max(longest, 0))
}
