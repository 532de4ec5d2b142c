package pace

import "math"

// Spread sets how often to read while Locked: so that n devices, which are read through
// the same source, take no more than [MaxRate] reads a second in all, or, if every tick is
// to be seen, one or two for each tick. Neither may occupy the driver for more than [Share]
// of the time: ticks are passed over for it. A source that is far away is not bounded so.
func (p *Pace) Spread(n int, everyTick bool) {
	p.devices, p.every = float64(max(n, 1)), everyTick
}

// Stride returns how many ticks are passed over between edges, and one more: the
// refresh periods between two that are looked for, as far as reads are paid for.
func (p *Pace) Stride() int {
	if p.poll > 0 {
		if p.every {
			return 1
		}
		return max(1, int(math.Ceil(p.devices*farReads/MaxRate*second/p.filter.period)))
	}
	if p.filter.wary == 0 && readsPerTick*p.price() <= p.filter.period {
		return 1
	}
	return max(1, int(math.Ceil(readsPerLook*p.price()/p.filter.period)))
}

// price returns the time that must pass for each read between edges, in ns.
func (p *Pace) price() float64 {
	switch {
	case p.fine:
		return (p.devices*p.took + wakeSeldom) / fineShare
	case p.every:
		return p.driverTime()
	}
	return max(p.devices/planned*second, p.driverTime())
}

// Awaited returns the time in which a tick can be expected to be seen, in ns, where the
// refresh period is one: of counters whose ticks are not aimed at, that until the next read,
// which a busy machine makes late.
func (p *Pace) Awaited(period float64) float64 {
	if !p.fine {
		return period
	}
	return 2*(p.devices*p.took+wake)/fineEdges + fineLate
}

// apart returns the time between two reads at an edge where ticks are not aimed at, in ns:
// short for the first, which show when the power changed, and longer for those that show what
// it became, so that they keep to their share.
func (p *Pace) apart() float64 {
	cost := p.devices*p.took + wake
	if p.hunts < EdgeTicks {
		return max(p.nominal, cost/(3*fineEdges))
	}
	return max(p.nominal, 2*cost/fineEdges)
}

// Early returns by how much earlier than planned it does not matter to read, in ns: a device
// whose ticks are not aimed at is read when another is, so that one wake serves both.
func (p *Pace) Early() float64 {
	switch {
	case !p.fine:
		return 0
	case p.hunts < p.hunting():
		return p.apart() / 2
	}
	return p.price() / 2
}

// driverTime returns the time in which a read of every device occupies the driver no
// longer than its share; 0 if there is no driver, since the source is far away.
func (p *Pace) driverTime() float64 {
	if p.poll > 0 {
		return 0
	}
	return p.devices * p.took / Share
}

// pay takes in that a read began at a time, and how long it took.
func (p *Pace) pay(at, took float64) {
	if p.took == 0 {
		p.took = took
	}
	p.took += 0.1 * (took - p.took)
	price := 0.0
	switch p.phase {
	case Hunting:
		if !p.again || p.filter.ticks > 0 {
			p.hunts++
		}
		if p.hunts > p.hunting() && (p.fine || p.again || p.hunts > huntReads) {
			price = p.price()
		} else if !p.fine && p.measured && p.slow() {
			price = p.driverTime()
		}
	case Locked:
		price, p.again = p.price(), false
	default:
		p.again = false
		if p.edges++; p.measured {
			price = p.driverTime()
		}
		if p.edges >= p.allowed && p.poll == 0 {
			p.watch = 0
			p.enter()
		}
	}
	p.free = max(p.free, at-credit*p.price()) + price
}

// hunting returns after how many reads since an edge a hunt is paid for.
func (p *Pace) hunting() int {
	switch {
	case p.fine:
		return EdgeReads
	case p.measured && p.slow():
		return p.allowed
	case p.again:
		return againReads
	}
	return huntReads
}

// slow reports whether reading all devices takes so long that a hunt finds nothing.
func (p *Pace) slow() bool {
	return p.poll == 0 && p.devices*p.took > p.nominal/huntsPerPeriod
}
