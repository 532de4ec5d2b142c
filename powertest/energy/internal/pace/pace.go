// Package pace decides when to read a device next. It learns the refresh period
// and the phase of the counter from its ticks, so that few reads show each tick
// within a narrow stretch of time: reading is not free (NVML serialises on a driver
// lock), and must not disturb what is measured.
//
// A [Pace] is a state machine without a clock of its own. Times are in ns since any
// moment before the first read; those that it computes are floats.
package pace

import (
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
	// n-th if those reads are too many: see [Pace.Spread].
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
	// MaxRate bounds the reads between edges, in reads a second of all devices.
	MaxRate = 20
	// planned is how many of them are, since a look may take more than was paid for.
	planned = MaxRate - 1
	// EdgeReads bounds the reads of a device at an edge.
	EdgeReads = 12
	// Share bounds the time for which reads between edges occupy the driver, which serves
	// one after the other. With those at edges it is less than 3 %.
	Share = 0.022
	// edgeTime is for how long the reads of all devices at one edge may occupy the driver
	// while something is measured, in ns: about what is due in a second.
	edgeTime = 0.025 * second
	// A look at a tick takes so many reads: readsPerTick where the one before was seen, so
	// that what was read last is what it changes, and readsPerLook where it was not.
	readsPerTick, readsPerLook = 1.9, 2.5
	// credit is how many reads may be saved for later looks.
	credit = 3
	// farReads is how many reads a tick of a source that is far away takes.
	farReads = 2.6
	// lostShare is how well a tick must be known to look for it, as a share of the period,
	// and searchReads how many reads in a period search for one that is not.
	lostShare   = 0.2
	searchReads = 5

	// A counter that is refreshed each finest ns or faster is not aimed at: timers are too
	// late for it, and a value that is read is as new as the read. Each read is a tick then.
	// Such a counter is read by the very CPU that it measures, of one core of which reads take
	// fineEdges at an edge, and fineShare between edges. A wake of this process is part of
	// that: it takes 30 to 90 µs of a core in a virtual machine, and 150 to 400 µs if the
	// process has slept for 50 ms or more.
	finest               = 5 * minStep
	fineEdges, fineShare = 0.02, 0.001
	wake, wakeSeldom     = 50e3, 700e3 // ns
	fineLate             = 20e6        // ns by which a busy machine reads late

	// huntsPerPeriod reads in a nominal period find a tick to ±4 %, with the 30
	// reads that an edge may cost.
	huntsPerPeriod = 12
	// huntShare is the interval of reads as a share of the time without a tick,
	// where the period may be anything from the poll interval up: a tick is then
	// found to that share of its period, with some 25 reads for each power of ten.
	huntShare = 0.08
	// patience is how often the filter is restarted until ticks are hunted for.
	patience = 3
	// huntReads is how many reads a hunt takes until it is paid for as all else is: the
	// next edge begins another.
	huntReads = 60
	// againReads is how many a hunt takes before they are paid for, that is for a period which
	// was known before: they are two periods' and some.
	againReads = 30
	minStep    = 400e3 // ns between two reads; below this the scheduler's own lateness rules
	second     = float64(time.Second)
)

// Pace decides when to read one device next. Of every reading it takes in when it
// began ([Pace.Called]), and then what it showed: [Pace.Ticked], [Pace.Unchanged],
// [Pace.Sample] for a gauge, or [Pace.Failed]. Copies are independent. It is not
// safe for concurrent use.
type Pace struct {
	nominal, poll, within float64
	fine                  bool // ticks are not aimed at

	phase  Phase
	filter filter
	watch  int // ticks that are still to be watched

	// Reads between edges are paid for: each costs the time until the next may follow, and
	// all are paid at free.
	devices  float64 // that are read through the same source
	every    bool    // every tick is to be seen, if the driver's time allows it
	free     float64
	took     float64 // how long a call takes
	edge     float64 // when the last edge was
	edges    int     // reads since then, of at most allowed
	allowed  int
	begun    float64 // when the look that was planned last begins
	divides  bool    // that look divides what is believed
	again    bool    // it is hunted for again, and that is paid for
	restarts int     // of the filter since a tick came when it was due
	presumed bool    // the last tick was presumed to have come when it was due
	measured bool    // the edge lies in what is measured, so that its reads are paid for, too

	interval float64 // of reads while hunting
	hunts    int     // reads while hunting, since the last edge
	quiet    int     // reads since the last tick
	since    float64 // of the last tick, or of the beginning of the hunt

	// changes are the newest times between two changes of a gauge.
	changes [5]float64

	read     float64 // when the last read began
	lateness float64 // by how much reads begin later than planned
	next     float64 // when to read next, but for within
}

// Fine reports whether the ticks of a device are not aimed at, since they come too often.
func Fine(c Config) bool { return c.Poll == 0 && float64(c.Nominal) <= finest }

// New returns a pace that is Hunting, with a read due at once.
func New(c Config) Pace {
	n := float64(c.Nominal)
	p := Pace{nominal: n, poll: float64(c.Poll), within: float64(c.Within), filter: newFilter(n), allowed: EdgeReads}
	p.fine = Fine(c)
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

// JitterVariance returns the variance of a tick about the line, tick number against time,
// that goes through its neighbours, in ns². Ticks that wander leave it by n/15 of the
// variance of a step, for n ticks on a line (Brownian motion about its regression line):
// by two where there are some thirty, and less where there are fewer.
func (p *Pace) JitterVariance() float64 { return p.filter.jitterVariance() }

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
	p.filter.know(period, jitterVariance)
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

// Called takes in when a read began, and when it ended. The margin for lateness falls
// slowly, since lateness comes in bursts: while every processor is busy.
func (p *Pace) Called(at, ended int64) {
	t := float64(at)
	if late := t - p.Next(); late > p.lateness {
		p.lateness = min(late, p.filter.period/4)
	} else {
		p.lateness += 0.05 * (max(late, 0) - p.lateness)
	}
	p.read = t
	p.pay(t, float64(ended-at))
}

// Unchanged takes in a reading that showed the same value again, and ended now.
func (p *Pace) Unchanged(now int64) {
	t := float64(now)
	p.quiet++
	if p.filter.pending() && p.poll == 0 && t > p.filter.check() {
		p.filter.settle()
	}
	switch {
	case p.phase != Hunting:
		if t-p.since > 12*p.filter.period {
			p.again = p.measured
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
	p.presumed = p.presumes(lo)
	switch {
	case p.fine:
	case p.phase == Hunting:
		if p.poll == 0 && p.quiet < 2 && hi-lo > p.nominal/2 {
			// Reads that are paid for may be too far apart to show a period.
			p.filter.ticks = 0
		} else {
			p.found(lo, hi)
		}
	case p.lost(hi):
		if hi-lo < p.filter.period/2 {
			p.filter.found(lo, hi)
		}
	case p.filter.correct(lo, hi, p.looking()):
		p.wrong(lo, hi)
	}
	if p.filter.surprises == 0 {
		p.restarts = 0
	}
	p.quiet, p.since = 0, hi
	// Where few reads are allowed none may go by for ticks that were passed over.
	if p.watch > 0 && (p.allowed >= EdgeReads || hi-lo < p.filter.period) {
		p.watch--
	}
	p.enter()
	p.plan(float64(now))
}

// wrong takes in a tick that shows that period or phase are not what was believed. While
// something is measured, and at an edge, there are too few reads to hunt for them: that is done
// only if they were not known well yet, or if it happens again and again, as where the period
// is a fraction of what is believed.
func (p *Pace) wrong(lo, hi float64) {
	edge := p.measured || p.watch > 0 && p.allowed <= EdgeReads
	if p.restarts++; edge && p.poll == 0 && p.restarts <= patience && p.filter.ticks >= Learning {
		p.filter.restart(lo, hi)
		return
	}
	p.restarts, p.again = 0, p.measured
	p.unlock((lo + hi) / 2)
	p.filter.begin(lo, hi, p.nominal)
}

// looking returns how a tick is looked for.
func (p *Pace) looking() looking {
	switch {
	case p.phase != Locked || p.poll > 0, !p.divides && p.read-p.edge < Learning*p.filter.period:
		return closely
	case p.divides:
		return dividing
	}
	return sparingly
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
	p.filter.ticks, p.filter.surprises, p.quiet, p.hunts = 0, 0, 0, 0
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
