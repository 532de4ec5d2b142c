package energy

import "math"

// closed is the solution of a problem: the distribution of the energy, in
// joules, and its hard bounds.
type closed struct {
	mean, low, high float64
	least, most     float64
}

// add joins an independent part.
func (c *closed) add(d closed) {
	down := math.Hypot(c.mean-c.low, d.mean-d.low)
	up := math.Hypot(c.high-c.mean, d.high-d.mean)
	c.mean += d.mean
	c.low, c.high = c.mean-down, c.mean+up
	c.least, c.most = c.least+d.least, c.most+d.most
}

// bounds returns what the counter allows at the least and at the most.
func (p *problem) bounds() closed {
	c := closed{least: -p.quantum, most: p.quantum}
	const sure = 4 // standard deviations
	for _, q := range p.pieces {
		if q.t1+sure*q.sd1 > p.start && q.t0-sure*q.sd0 < p.end {
			c.most += q.energy
		}
		if q.off() == 0 && q.t0-sure*q.sd0 >= p.start && q.t1+sure*q.sd1 <= p.end {
			c.least += q.energy
		}
	}
	c.least = max(c.least, 0)
	return c
}

// coarsely is how many refresh periods a piece must last for ticks to have been
// passed over, or forgotten, in it.
const coarsely = 2.5

// hidden returns how much energy may be on the other side of the edges than is
// believed, because ticks next to them were passed over: what the load did in a
// refresh period there, nothing tells, but that the device can draw no more than it
// can.
func (p *problem) hidden(period float64) float64 {
	joules := 0.0
	for _, q := range p.pieces {
		if q.on == 0 || q.off() == 0 || q.length() <= coarsely*period {
			continue
		}
		most, least := min(q.energy, p.maxPower*q.on), max(q.energy-p.maxPower*q.off(), 0)
		joules += max(most-least, 0)
	}
	return joules
}

// farSpans is by how much more the edges of many spans may be off where the
// ticks of the counter were not seen closely: in simulation, phases of 1 to 1.5
// refresh periods need that much.
const farSpans = 3

// misplaced is a half-width for the ticks around the edges being somewhere else
// than the line through all ticks says, as happens when reads are late or slow
// for the refresh period.
func (p *problem) misplaced() float64 {
	v := 0.0
	for _, q := range p.pieces {
		if q.on == 0 || q.off() == 0 {
			continue
		}
		v += sq(p.rough[on] * max(q.sd0, q.sd1))
	}
	if p.far && len(p.spans) > 1 {
		// What the ticks are off by is partly alike, and edges are many.
		v *= sq(farSpans)
	}
	return 1.3 * math.Sqrt(v)
}
