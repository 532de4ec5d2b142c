// Package pace decides when to read a device next. It learns the refresh period
// and the phase of the counter from its ticks, so that few reads show each tick
// within a narrow stretch of time: reading is not free (NVML serialises on a driver
// lock), and must not disturb what is measured.
//
// A [Pace] is a state machine without a clock of its own. Times are in ns since any
// moment before the first read; those that it computes are floats.
package pace

import (
	"math"
	"slices"
	"time"
)

// Phase is what a [Pace] does.
type Phase uint8

const (
	// Hunting: when the counter ticks is not known. It is read at regular, short
	// intervals.
	Hunting Phase = iota
	// Locked: period and phase of the ticks are known, and so is when the next ones
	// are due. The counter is read just before and just after every tick, or every
	// n-th if those are too many: see [Pace.Spread].
	Locked
	// Watching: as Locked, but the next ticks matter. Each of them is looked for, by
	// more reads.
	Watching
)

// String returns the name of the phase.
func (p Phase) String() string {
	if names := [...]string{"hunting", "locked", "watching"}; int(p) < len(names) {
		return names[p]
	}
	return "unknown phase"
}

// Config is what is known of a device before it is read.
type Config struct {
	// Nominal is the refresh period as the source says it; it must be positive.
	Nominal time.Duration
	// Poll is the shortest time between two reads, for sources that are far away. The
	// period may then be anything from Poll up. Zero means that there is none, and that
	// the period is about Nominal.
	Poll time.Duration
	// Within is the longest time between two reads; 0 means any.
	Within time.Duration
}

const (
	// EdgeTicks is how many ticks are watched after an edge.
	EdgeTicks = 3
	// Learning is how many ticks it takes to know the period well.
	Learning = 10
	// MaxRate bounds the reads between edges, in reads a second.
	MaxRate = 20

	// huntsPerPeriod reads in a nominal period find a tick to ±4 %, with the 30
	// reads that an edge may cost.
	huntsPerPeriod = 12
	// huntShare is the interval of reads as a share of the time without a tick,
	// where the period may be anything from the poll interval up: a tick is then
	// found to that share of its period, with some 25 reads for each power of ten.
	huntShare = 0.08
	minStep   = 400e3 // ns between two reads; below this the scheduler's own lateness rules
	second    = float64(time.Second)
)

// Pace decides when to read one device next. Of every reading it takes in when it
// began ([Pace.Called]), and then what it showed: [Pace.Ticked], [Pace.Unchanged],
// [Pace.Sample] for a gauge, or [Pace.Failed]. Copies are independent. It is not
// safe for concurrent use.
type Pace struct {
	nominal, poll, within float64

	phase  Phase
	filter filter
	watch  int // ticks that are still to be watched
	stride int // when Locked, only every stride-th tick is looked for

	interval float64 // of reads while hunting
	quiet    int     // reads since the last tick
	since    float64 // of the last tick, or of the beginning of the hunt

	// changes are the newest times between two changes of a gauge.
	changes [5]float64

	read     float64 // when the last read began
	lateness float64 // by how much reads begin later than planned
	next     float64 // when to read next, but for within
}

// New returns a pace that is Hunting, with a read due at once.
func New(c Config) Pace {
	n := float64(c.Nominal)
	p := Pace{nominal: n, poll: float64(c.Poll), within: float64(c.Within), stride: 1, filter: newFilter(n)}
	p.hunt(0)
	return p
}

// Phase returns what the pace does.
func (p *Pace) Phase() Phase { return p.phase }

// Nominal returns the refresh period that the source says, in ns.
func (p *Pace) Nominal() float64 { return p.nominal }

// Poll returns the shortest time between two reads, in ns; 0 if there is none.
func (p *Pace) Poll() float64 { return p.poll }

// Period returns the refresh period in ns: as it was seen, unless it is Hunting.
// Before the first two ticks it is the nominal one.
func (p *Pace) Period() float64 { return p.filter.period }

// PeriodVariance returns the variance of the error of [Pace.Period], in ns².
func (p *Pace) PeriodVariance() float64 { return p.filter.vPeriod }

// JitterVariance returns the variance of the time from the moment at which a tick is
// due to when it comes, in ns².
func (p *Pace) JitterVariance() float64 { return p.filter.vJitter }

// Stride returns how many ticks are passed over between edges, and one more: the
// refresh periods between two that are looked for.
func (p *Pace) Stride() int { return p.stride }

// Next returns when to read next.
func (p *Pace) Next() float64 {
	if p.within == 0 {
		return p.next
	}
	return min(p.next, p.read+max(p.within-p.lateness, p.within/2, p.poll))
}

// Know sets a period, and a variance of the jitter, that are known otherwise: for
// readings that someone else has made.
func (p *Pace) Know(period, jitterVariance float64) {
	p.filter.period, p.filter.vPeriod, p.filter.vJitter = period, 0, jitterVariance
	p.filter.ticks = max(p.filter.ticks, Learning)
	p.enter()
}

// enter sets the phase, by what is known of the ticks and whether they matter. It
// follows every change of either.
func (p *Pace) enter() {
	switch {
	case !p.filter.known():
		p.phase = Hunting
	case p.watch > 0:
		p.phase = Watching
	default:
		p.phase = Locked
	}
}

// hunt begins to look for a tick.
func (p *Pace) hunt(now float64) {
	p.interval, p.since = p.nominal/huntsPerPeriod, now
	if p.poll > 0 {
		p.interval = p.poll
	}
}

// Spread sets how many ticks to pass over while Locked: none if every tick is to be
// seen, or else so many that n devices, which are read through the same source, take
// no more than [MaxRate] reads a second in all.
func (p *Pace) Spread(n int, everyTick bool) {
	p.stride = 1
	if !everyTick {
		const readsPerTick = 2.6
		every := float64(max(n, 1)) * readsPerTick / MaxRate * second
		p.stride = max(1, int(math.Ceil(every/p.filter.period)))
	}
}

// Watch makes at least so many of the next ticks be watched.
func (p *Pace) Watch(ticks int) {
	p.watch = max(p.watch, ticks)
	p.enter()
}

// Edge asks for a read now, unless one has just ended, at lastRead, and for the next
// ticks to be watched.
func (p *Pace) Edge(now, lastRead int64) {
	p.watch = EdgeTicks
	p.enter()
	if p.poll > 0 && p.phase == Hunting {
		p.hunt(float64(now))
	}
	if float64(now-lastRead) > max(p.filter.period/10, p.poll) {
		p.next = float64(now)
	} else {
		p.plan(float64(now))
	}
}

// Called takes in when a read began. The margin for lateness falls slowly, since
// lateness comes in bursts: while every processor is busy.
func (p *Pace) Called(at int64) {
	if late := float64(at) - p.Next(); late > p.lateness {
		p.lateness = min(late, p.filter.period/4)
	} else {
		p.lateness += 0.05 * (max(late, 0) - p.lateness)
	}
	p.read = float64(at)
}

// Unchanged takes in a reading that showed the same value again, and ended now.
func (p *Pace) Unchanged(now int64) {
	t := float64(now)
	p.quiet++
	switch {
	case p.phase != Hunting:
		if t-p.filter.tick > float64(max(12, 3*p.stride))*p.filter.period {
			p.unlock(t)
		}
	case p.poll > 0:
		p.interval = max(p.poll, min(huntShare*(t-p.since), p.nominal/huntsPerPeriod))
	case p.quiet > 3*huntsPerPeriod:
		// A counter far slower than its source says, or dead.
		p.interval = min(p.interval*2, max(second/MaxRate, p.nominal/huntsPerPeriod))
		p.quiet = 0
	}
	p.plan(t)
}

// Ticked takes in a tick that fell between the readings at old and seen; the
// call that showed it ended now.
func (p *Pace) Ticked(old, seen, now int64) {
	lo, hi := float64(old), float64(seen)
	p.quiet, p.since = 0, hi
	switch {
	case p.phase == Hunting:
		p.found(lo, hi)
	case p.filter.correct(lo, hi):
		p.unlock((lo + hi) / 2)
		p.filter.begin(lo, hi, p.nominal)
	}
	if p.watch > 0 {
		p.watch--
	}
	p.enter()
	p.plan(float64(now))
}

// found takes in a tick that was hunted for.
func (p *Pace) found(lo, hi float64) {
	if p.poll > 0 {
		p.interval = p.poll
	}
	if p.filter.ticks == 0 {
		p.filter.begin(lo, hi, p.nominal)
		return
	}
	p.filter.interval(lo, hi)
	if !p.filter.known() && p.poll == 0 {
		// Reads this far apart do not show such a period.
		p.interval = max(p.interval/2, minStep)
	}
}

// unlock begins to hunt since what was believed of the ticks is wrong.
func (p *Pace) unlock(now float64) {
	p.filter.ticks, p.filter.surprises, p.quiet = 0, 0, 0
	p.hunt(now)
	p.enter()
}

// Sample takes in a reading of a gauge, which ended now; changed says that it showed
// another value than before. A gauge has no ticks to aim at. One that is far away is
// read four times in the time between two changes.
func (p *Pace) Sample(now int64, changed bool) {
	t := float64(now)
	if p.poll == 0 {
		p.next = t + max(p.nominal/2, second/MaxRate)
		return
	}
	f := &p.filter
	if changed {
		if f.ticks++; f.ticks > 1 { // the first encloses a part of a period
			p.changes[f.ticks%len(p.changes)] = t - p.since
		}
		if seen := p.changes; f.ticks > len(seen) {
			// The median: an exporter that restarts refreshes out of turn.
			slices.Sort(seen[:])
			f.period = min(seen[len(seen)/2], p.nominal)
		}
		p.since = t
		p.enter()
	}
	p.next = t + max(p.poll, min(f.period/4, p.nominal/huntsPerPeriod, huntShare*(t-p.since)))
}

// Failed takes in a reading without a value, which ended now.
func (p *Pace) Failed(now int64) {
	const shortest, longest = 50e6, 250e6
	p.next = float64(now) + max(min(max(p.nominal/2, shortest), longest), p.poll)
}

// plan sets the time of the next read.
func (p *Pace) plan(now float64) {
	now += 1e3 // a timer may fire that much early
	k := 1.0
	switch p.phase {
	case Hunting:
		p.next = now + p.interval
		return
	case Locked:
		k = float64(p.stride)
	}
	for ; ; k++ {
		due, sigma := p.filter.due(k)
		early, late, over := due-2.5*sigma-p.lateness, due+2.5*sigma, due+5*sigma+p.lateness
		// The first read must come before the tick, or what it shows may be of
		// this tick or of the one before.
		closely := p.phase == Watching || p.filter.ticks < Learning && sigma > p.filter.period/8
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

// step is the interval of reads while a tick is awaited that is known to sigma.
func (p *Pace) step(sigma float64) float64 {
	if p.poll > 0 {
		// It was found roughly: all the more is to be gained.
		return max(p.poll, sigma/3)
	}
	return max(minStep, min(5*sigma/4, p.interval))
}
