package pace

import "math"

// plan sets the time of the next read.
func (p *Pace) plan(now float64) {
	now += 1e3 // a timer may fire that much early
	switch {
	case p.fine && p.hunts < p.hunting():
		p.next = now + p.apart()
	case p.fine:
		p.next = max(now+p.nominal, p.free+p.price())
	case p.phase == Hunting:
		p.next = now + p.interval
		if p.hunts >= p.hunting() && p.poll == 0 {
			p.next = max(p.next, p.free)
		}
	case p.poll > 0:
		p.next = p.distant(now)
	case p.phase == Watching:
		p.next = p.watchful(now)
	default:
		p.next = p.sparing(now)
	}
}

// ahead returns which tick from the last is the first that is due after now.
func (p *Pace) ahead(now float64) float64 {
	return max(1, math.Floor((now-p.filter.tick)/p.filter.period)+1)
}

// lost reports whether so many ticks were passed over until now that nobody knows when the
// next is due.
func (p *Pace) lost(now float64) bool { return p.lostAt(p.ahead(now)) }

// lostAt reports whether nobody knows when the k-th tick from the last is due.
func (p *Pace) lostAt(k float64) bool {
	_, sigma := p.filter.due(k)
	return p.poll == 0 && k > 2 && sigma > lostShare*p.filter.period
}

// sparing returns when to read next between edges, as far as looks at ticks are paid for.
// Where the ticks are lost it reads all the same, so that long windows keep some detail.
func (p *Pace) sparing(now float64) float64 {
	for k := max(1, p.ahead(now)-1); ; k++ {
		if p.lostAt(k) {
			return max(p.free+p.price(), now+p.filter.period/4)
		}
		look := p.look(k, p.divides)
		goesOn := p.read > p.begun-minStep && p.read < p.begun+p.filter.period
		if goesOn && p.read >= look[0]-p.lateness/10-minStep {
			for _, at := range look[1:] {
				if now < at {
					return at
				}
			}
			continue
		}
		follows, paid := p.follows(k), p.free+2*p.price()
		if follows {
			paid = p.free + p.price()
		}
		if begin := p.look(k, follows)[0]; now < begin && begin >= paid {
			p.divides, p.begun = follows, begin
			return begin
		}
	}
}

// follows reports whether what was read last is what the k-th tick from the last will
// change, since it was read after the tick before.
func (p *Pace) follows(k float64) bool {
	due, sigma := p.filter.due(k)
	return p.filter.trusted() && (k == 1 || p.read > due-p.filter.period+aside*sigma)
}

// In standard deviations from when a tick is due: aside are the first and the last read of
// a look before which ticks were passed over. sooner and later are those that divide what is
// believed, and nothing is beyond certain.
const aside, sooner, later, certain = 2.5, 0.6, 1.2, 3.5

// look returns when to read to see the k-th tick from the last, until it has come.
//
// Two reads, before and after, would say little of when it was but what was believed: where
// ticks wander less is known from tick to tick. Where what was read last is what this one
// changes, most is learnt by dividing what is believed; a late tick costs a third read,
// and so the division is not in the middle. Else the first read must come before the tick,
// or the change that is seen may be of it or of the one before.
func (p *Pace) look(k float64, divides bool) [4]float64 {
	due, sigma := p.filter.due(k)
	if divides {
		over := due + certain*sigma + p.lateness
		return [4]float64{due - sooner*sigma - p.lateness, due + later*sigma, over, over}
	}
	return [4]float64{due - aside*sigma - p.lateness, due, due + aside*sigma, due + 2*aside*sigma + p.lateness}
}

// Since returns from when on a tick may have come that is about to be taken in, where
// the reading before it began at a time: from then on, or, if the first read that looked
// for it showed it, from when on it was due at all. It is not as long ago as the reading
// before, and were all of these ticks left out of a line those that come late would
// decide on it.
func (p *Pace) Since(seen int64) int64 {
	due, sigma := p.filter.due(1)
	since := due - certain*sigma
	next := math.Abs(p.read-due) < p.filter.period/2
	if p.looking() != dividing || p.filter.surprises > 0 || !next || since >= p.read {
		return seen
	}
	return max(seen, int64(since))
}

// watchful returns when to read next at an edge: each tick is looked for, as closely as
// the reads that are left allow.
func (p *Pace) watchful(now float64) float64 {
	// Each of the ticks that come later needs its two.
	left := float64(p.allowed-p.edges) - 2*float64(p.watch-1)
	if p.lost(now) {
		return now + p.filter.period/min(max(left, 1), searchReads)
	}
	return p.closely(now, left)
}

// closely returns when to read next to see the next tick with so many reads.
func (p *Pace) closely(now, left float64) float64 {
	for k := max(1, p.ahead(now)-1); ; k++ {
		due, sigma := p.filter.due(k)
		// The first read must come before the tick, or what it shows may be of
		// this tick or of the one before.
		early, late, over := due-aside*sigma-p.lateness, due+aside*sigma, due+2*aside*sigma+p.lateness
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
			return now + max(p.step(sigma), (late-early)/left)
		case now < over:
			return over
		}
	}
}

// distant returns when to read next a source that is far away: before a tick, when it is
// due, and after, as closely as it may be read if the tick matters.
func (p *Pace) distant(now float64) float64 {
	k := 1.0
	if p.phase == Locked {
		k = float64(p.Stride())
	}
	for ; ; k++ {
		due, sigma := p.filter.due(k)
		early, late, over := due-aside*sigma, due+aside*sigma, due+2*aside*sigma+p.lateness
		near := p.phase == Watching || p.filter.ticks < Learning && sigma > p.filter.period/8
		switch {
		case now < early-p.lateness:
			return early - p.lateness
		case near && now < late:
			return now + p.step(sigma)
		case now < due:
			return max(due, now+p.poll)
		case now < late:
			return max(late, now+p.poll)
		case now < over:
			return max(over, now+p.poll)
		}
	}
}

// step is the interval of reads while a tick is awaited that is known to sigma.
func (p *Pace) step(sigma float64) float64 {
	if p.poll > 0 {
		// It was found roughly: all the more is to be gained.
		return max(p.poll, sigma/3)
	}
	return max(minStep, min(sigma, p.interval))
}
