package pace

import "math"

// Watch makes at least so many of the next ticks be watched.
func (p *Pace) Watch(ticks int) {
	if p.watch == 0 {
		p.edges = 0
	}
	if ticks > p.watch {
		p.watch, p.allowed = ticks, max(EdgeReads, 3*ticks)
	}
	p.enter()
}

// Edge asks for a read now, unless one has just ended, at lastRead, and for the next
// ticks to be watched. If something is measured from now on, or still, the reads are
// fewer where calls are slow.
func (p *Pace) Edge(now, lastRead int64, measured bool) {
	p.watch, p.edges, p.allowed, p.measured, p.edge = EdgeTicks, 0, EdgeReads, measured, float64(now)
	if t := p.devices * p.took; measured && p.poll == 0 && t > 0 {
		p.allowed = int(min(max(edgeTime/t, 2), EdgeReads))
		p.watch = min(max(p.allowed/2, 1), EdgeTicks)
		p.free = max(p.free, float64(now))
	}
	p.enter()
	if p.phase == Hunting {
		if p.poll > 0 {
			p.hunt(float64(now))
		}
		if p.hunts = 0; p.again {
			p.hunts = againReads - EdgeReads
		}
	}
	since, recent := float64(now)-p.since, p.filter.period/10
	if since > 2*p.filter.period {
		recent = 0 // it may stand still
	}
	switch {
	case float64(now-lastRead) > max(recent, p.poll):
		p.next = float64(now)
	case p.presumed && since < p.filter.period/8:
		// It decides on this edge.
		p.next = p.since + p.filter.period/8
	default:
		p.plan(float64(now))
	}
}

// watchful returns when to read next at an edge: each tick is looked for, as closely as
// the reads that are left allow.
func (p *Pace) watchful(now float64) float64 {
	// The ticks that come later need as many.
	left := min(math.Ceil(float64(p.allowed-p.edges)/float64(p.watch)), float64(p.allowed-p.edges)-2*float64(p.watch-1))
	if p.lost(now) {
		return now + p.filter.period/min(max(left, 1), searchReads)
	}
	return p.closely(now, left)
}

// closely returns when to read next to see the next tick with so many reads.
func (p *Pace) closely(now, left float64) float64 {
	for k := max(1, p.ahead(now)-1); ; k++ {
		// The first read must come before the tick, or what it shows may be of
		// this tick or of the one before.
		look := p.look(k, false)
		early, late, over := look[0], look[2], look[3]
		switch {
		case left < 2 && now < late:
			return late
		case left < 2:
			continue
		case now < early:
			return early
		case now < late && left < 3:
			return late
		case now < late:
			return max(now+minStep, p.divide(k, now, late, left))
		case now < over:
			return over
		}
	}
}

// divide returns when to read first of so many reads, of which the last is late: their distances
// are half way from equal ones to those that are equally likely to hold the k-th tick.
func (p *Pace) divide(k, now, late, reads float64) float64 {
	f := &p.filter
	come := f.before(k, now)
	return (now + (late-now)/reads + f.quantile(k, come+(f.before(k, late)-come)/reads)) / 2
}
