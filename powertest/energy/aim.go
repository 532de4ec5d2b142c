package energy

import (
	"math"
	"slices"
	"time"
)

// When to read next, by what the pace knows.

// edge asks for a read now, unless one was just made, and for the next ticks
// to be seen closely.
func (p *pace) edge(now, lastRead int64) {
	p.watch = edgeWait
	if p.poll > 0 && !p.locked() {
		p.hunt(float64(now))
	}
	if float64(now-lastRead) > max(p.period/10, p.poll) {
		p.next = float64(now)
	} else {
		p.plan(float64(now))
	}
}

// spread sets how many ticks to pass over between edges, with n devices read
// through the same source.
func (p *pace) spread(n int) {
	const readsPerTick = 2.6
	every := float64(max(n, 1)) * readsPerTick / maxRate * float64(time.Second)
	p.stride = max(1, int(math.Ceil(every/p.period)))
}

// sample plans the next reading of a gauge, which has no ticks to aim at.
// changed says that it showed another value than before. One that is far away
// is read four times in the time between two changes.
func (p *pace) sample(now int64, changed bool) {
	t := float64(now)
	if p.poll == 0 {
		p.next = t + max(p.nominal/2, float64(time.Second)/maxRate)
		return
	}
	if changed {
		if p.ticks++; p.ticks > 1 { // the first encloses a part of a period
			p.changes[p.ticks%len(p.changes)] = t - p.since
		}
		if seen := p.changes; p.ticks > len(seen) {
			// The median: an exporter that restarts refreshes out of turn.
			slices.Sort(seen[:])
			p.period = min(seen[len(seen)/2], p.nominal)
		}
		p.since = t
	}
	p.next = t + max(p.poll, min(p.period/4, p.nominal/huntsPerPeriod, huntShare*(t-p.since)))
}

// failed plans the next reading after one that failed.
func (p *pace) failed(now int64) {
	const shortest, longest = 50e6, 250e6
	p.next = float64(now) + max(min(max(p.nominal/2, shortest), longest), p.poll)
}

// step is the interval of reads while a tick is awaited that is known to sigma.
func (p *pace) step(sigma float64) float64 {
	if p.poll > 0 {
		// It was found roughly: all the more is to be gained.
		return max(p.poll, sigma/3)
	}
	return max(minAim, min(5*sigma/4, p.hunting))
}

// plan sets the time of the next reading.
func (p *pace) plan(now float64) {
	now += 1e3 // a timer may fire that much early
	if !p.locked() {
		p.next = now + p.hunting
		return
	}
	k := 1.0
	if p.watch == 0 {
		k = float64(p.stride)
	}
	for ; ; k++ {
		due := p.tick + k*p.period
		sigma := math.Sqrt(p.vTick+2*k*p.cov+k*k*p.vPeriod+p.vJitter) + minAim/4
		early, late, over := due-2.5*sigma-p.lateness, due+2.5*sigma, due+5*sigma+p.lateness
		// The first read must come before the tick, or what it shows may be of
		// this tick or of the one before.
		closely := p.watch > 0 || p.ticks < learning && sigma > p.period/8
		switch {
		case now < early:
			p.next = early
			return
		case closely && now < late:
			p.next = now + p.step(sigma)
			return
		case now < due:
			p.next = max(due, now+p.poll)
			return
		case now < late:
			p.next = max(late, now+p.poll)
			return
		case now < over:
			p.next = max(over, now+p.poll)
			return
		}
	}
}
