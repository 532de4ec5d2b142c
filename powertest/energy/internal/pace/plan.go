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
		} else if p.again && p.filter.ticks == 0 {
			p.next = max(p.next, now+p.price()) // it may stand still for long
		}
	case p.poll > 0:
		p.next = p.distant(now)
	case p.filter.pending():
		p.next = max(now+minStep, p.filter.check())
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
	return p.filter.trusted() && (k == 1 || p.read > p.filter.quantiles(surrounding, k)[2]-p.filter.period)
}

// With these probabilities a tick has come: at aside there is hardly one yet, and at the same
// from the other end hardly none; sooner and later divide what is believed; and one that
// comes in the certain share of cases is not reckoned with.
const aside, sooner, later, certain = 0.005, 0.27, 0.885, 0.0015

// way is how few reads look for a tick: around it, or dividing what is believed.
type way int

const (
	surrounding way = iota
	divided
)

// probabilities are those with which the tick has come by the reads of each way.
var probabilities = [...][3]float64{surrounding: {aside, 0.5, 1 - aside}, divided: {sooner, later, 1 - certain}}

// look returns when to read to see the k-th tick from the last, until it has come.
//
// Two reads, before and after, would say little of when it was but what was believed: where
// ticks wander less is known from tick to tick. Where what was read last is what this one
// changes, most is learnt by dividing what is believed; a late tick costs a third read,
// and so the division is not in the middle. Else the first read must come before the tick,
// or the change that is seen may be of it or of the one before.
func (p *Pace) look(k float64, divides bool) [4]float64 {
	f := &p.filter
	if divides {
		q := f.quantiles(divided, k)
		over := q[2] + p.lateness
		return [4]float64{q[0] - p.lateness, q[1], over, over}
	}
	q := f.quantiles(surrounding, k)
	return [4]float64{q[0] - p.lateness, q[1], q[2], 2*q[2] - q[1] + p.lateness}
}

// Since returns from when on a tick may have come that is about to be taken in, where
// the reading before it began at a time: from then on, or, if the first read that looked
// for it showed it, from when on it was due at all. It is not as long ago as the reading
// before, and were all of these ticks left out of a line those that come late would
// decide on it.
func (p *Pace) Since(seen int64) int64 {
	if p.presumes(float64(seen)) {
		return int64(p.filter.quantile(1, certain))
	}
	return seen
}

// presumes reports whether a tick that is about to be taken in is presumed to have come when
// it was due, and not at once after the reading before, which was seen.
func (p *Pace) presumes(seen float64) bool {
	if p.fine || p.phase == Hunting || p.looking() != dividing || !p.filter.trusted() {
		return false
	}
	due, _ := p.filter.due(1)
	since := p.filter.quantile(1, certain)
	return math.Abs(p.read-due) < p.filter.period/2 && seen < since && since < p.read
}

// Refutes reports whether a tick that is about to be taken in, and was not seen at a time,
// comes so soon after the one before that this was another than the one that was due, which
// [Pace.Since] took it for.
func (p *Pace) Refutes(seen int64) bool {
	return p.presumed && float64(seen)-p.since < p.filter.period/2
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
		early, late, over := due-2.5*sigma, due+2.5*sigma, due+5*sigma+p.lateness
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
		return max(p.poll, min(sigma/3, p.filter.period/huntsPerPeriod))
	}
	return max(minStep, min(sigma, p.interval))
}
