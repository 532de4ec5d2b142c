package estimate

import (
	"math"
	"math/bits"
)

// segment is a stretch of the course of power: from a time on it goes to the level of a
// column with the time constant tau, from what it was.
type segment struct {
	from, tau float64
	column    int
	kind      int    // of the edge that it begins with, or -1
	was       vector // the weights of the levels that it comes from
	has       uint64 // which of them are not 0
}

// slightly is the weight of a level that does not matter.
const slightly = 1e-9

// profile returns the course of power under a shape.
func (m *model) profile(h shape) []segment {
	p := append(m.scratch.profile[:0], segment{from: math.Inf(-1), column: m.column(m.lo), kind: -1})
	for j := m.lo + 1; j <= m.hi; j++ {
		e, n := m.tl.parts[j].start, -1
		if len(m.kindOf) > 0 {
			n = m.kindOf[j-m.lo]
		}
		if n < 0 { // merged spans
			p = appendSegment(p, e, 0, m.column(j), -1)
			continue
		}
		switch k := &m.kinds[n]; {
		case m.rises(k):
			p = m.rise(p, h, j, n)
		case m.falls(k):
			p = m.fall(p, h, j, n)
		case m.up(k):
			p = appendSegment(p, e, h.ramp, m.column(j), n)
		default:
			p = appendSegment(p, e, h.tail, m.column(j), n)
		}
	}
	m.scratch.profile = p
	return p
}

// column returns the column of the level of a part.
func (m *model) column(part int) int {
	return m.levels[m.local[m.tl.parts[part].mix[0].label]].column
}

// rise appends the edge at which the load of part j begins. What leads it, and a burst
// behind it, are known of the first edge of all only: at the edges of pauses they would
// hide in each other.
func (m *model) rise(p []segment, h shape, j, kind int) []segment {
	e, to := m.tl.parts[j].start, m.column(j)
	end := m.tl.parts[j].end
	switch {
	case h.burst > 0 && j == 1:
		p = appendSegment(p, min(e+h.late, end), 0, m.lead, kind)
		return appendSegment(p, min(e+h.late+h.burst, end), 0, to, -1)
	case h.late > 0:
		return appendSegment(p, min(e+h.late, end), 0, to, kind)
	case h.lead > 0 && j == 1:
		p = appendSegment(p, e-h.lead, 0, m.lead, -1)
		return appendSegment(p, e, 0, to, kind)
	}
	return appendSegment(p, e, h.ramp, to, kind)
}

// fall appends the edge at which the load before part j ends.
func (m *model) fall(p []segment, h shape, j, kind int) []segment {
	e, to := m.tl.parts[j].start, m.column(j)
	switch {
	case h.early > 0:
		return appendSegment(p, max(e-h.early, m.tl.parts[j-1].start), h.tail, to, kind)
	case h.over > 0:
		return appendSegment(p, min(e+h.over, m.tl.parts[j].end), h.tail, to, kind)
	case h.hold > 0:
		p = appendSegment(p, e, 0, m.lead+1, -1)
		return appendSegment(p, min(e+h.hold, m.tl.parts[j].end), 0, to, kind)
	case h.drain > 0 && j == len(m.tl.parts)-1:
		p = appendSegment(p, max(e-h.drain, m.tl.parts[j-1].start), 0, m.lead+1, -1)
		return appendSegment(p, e, 0, to, kind)
	}
	return appendSegment(p, e, h.tail, to, kind)
}

// appendSegment appends a segment. It begins with what power has come to.
func appendSegment(p []segment, from, tau float64, column, kind int) []segment {
	last := &p[len(p)-1]
	from = max(from, last.from)
	s := segment{from: from, tau: tau, column: column, kind: kind}
	left := 0.0
	if last.tau > 0 {
		left = math.Exp(-(from - last.from) / last.tau)
	}
	for has := last.has; has != 0 && left > slightly; has &= has - 1 {
		i := bits.TrailingZeros64(has)
		if w := last.was[i] * left; w > slightly {
			s.was[i] = w
			s.has |= 1 << i
		}
	}
	if left < 1 {
		s.was[last.column] += 1 - left
		s.has |= 1 << last.column
	}
	return append(p, s)
}

// leastKernel is the time constant at the least by which what an edge adds decays, in
// seconds.
const leastKernel = 0.005

// integrate adds to x what a slice is made of, which begins in segment k. It returns the
// columns that it touched, as a set of bits.
func (m *model) integrate(p []segment, k int, s stretch, x *vector) (touched uint64) {
	for j := k; j < len(p) && (j == k || p[j].from < s.b); j++ {
		g := &p[j]
		a, b := max(s.a, g.from), s.b
		if j+1 < len(p) {
			b = min(b, p[j+1].from)
			if n := p[j+1].kind; n >= 0 && m.kinds[n].inner >= 0 && p[j+1].from-b < 20*leastKernel && b > a {
				c, e := m.kinds[n].inner, p[j+1].from
				x[c] += math.Exp((b-e)/leastKernel) - math.Exp((a-e)/leastKernel)
				touched |= 1 << c
			}
		}
		if b <= a {
			continue
		}
		x[g.column] += b - a
		touched |= 1 << g.column
		touched |= m.decay(g, a, b, x)
	}
	return touched
}

// decay adds what is left, from a to b, of what was before the segment, and what its
// edge adds.
func (m *model) decay(g *segment, a, b float64, x *vector) (touched uint64) {
	far := 20 * max(g.tau, leastKernel)
	if a-g.from > far || g.tau == 0 && g.kind < 0 {
		return 0
	}
	tau := max(g.tau, leastKernel)
	d := math.Exp(-(a-g.from)/tau) - math.Exp(-(b-g.from)/tau)
	if g.kind >= 0 && m.kinds[g.kind].coef >= 0 {
		x[m.kinds[g.kind].coef] += d
		touched |= 1 << m.kinds[g.kind].coef
	}
	if g.tau == 0 {
		return touched
	}
	if g.tau != tau {
		d = math.Exp(-(a-g.from)/g.tau) - math.Exp(-(b-g.from)/g.tau)
	}
	d *= g.tau
	for has := g.has; has != 0; has &= has - 1 {
		i := bits.TrailingZeros64(has)
		x[i] += g.was[i] * d
	}
	x[g.column] -= d
	return touched | g.has
}
