package energy

import (
	"math"
	"time"
)

// pace decides when to read a device next. It learns the refresh period and
// the phase of the counter by watching its ticks, so that few reads see each
// tick within a narrow stretch of time: reading is not free (NVML serialises
// on a driver lock), and must not disturb what is measured.
//
// While it does not know the phase it hunts: it reads at regular, short
// intervals. Once it does, it aims: it reads just before and just after each
// tick that it expects. A Kalman filter over (time of the tick, period) carries
// how well both are known; missed ticks advance it by several periods.
//
// It is a state machine without a clock of its own, in nanoseconds.
type pace struct {
	nominal float64
	poll    float64 // shortest interval of reads, for sources that are far away
	hunting float64 // interval of reads while hunting
	quiet   int     // reads since the last tick
	since   float64 // of the last tick, or of the beginning of the hunt; 0 before

	ticks     int     // ticks taken into the filter
	surprises int     // ticks seen where none was due
	tick      float64 // estimate of the last tick's time
	period    float64
	// Variances and covariance of tick and period, and the jitter's variance.
	vTick, vPeriod, cov, vJitter float64

	// changes are the newest times between two changes of a gauge.
	changes [5]float64

	lateness float64 // by how much reads come later than planned

	watch  int     // ticks that are still to be seen closely
	stride int     // when cruising, only every stride-th tick is looked for
	next   float64 // when to read next
}

const (
	defaultPeriod = 100 * time.Millisecond
	// huntsPerPeriod reads in a nominal period find a tick to ±4 %, with the 30
	// reads that an edge may cost.
	huntsPerPeriod = 12
	// maxRate bounds the reads between edges, in reads a second.
	maxRate     = 20
	minAim      = 400e3 // ns; below this the scheduler's own lateness rules
	firstJitter = 500e3 // ns; before anything is known of it
	edgeWait    = 3     // ticks seen closely after an edge
	learning    = 10    // ticks seen closely until the period is known well
)

// huntShare is the interval of reads as a share of the time without a tick,
// where the period may be anything from the poll interval up: a tick is then
// found to that share of its period, with some 25 reads for each power of ten.
const huntShare = 0.08

// newPace returns a pace for a nominal period. poll is the shortest interval
// between reads; 0 where there is none, and the period is what it is said to be.
func newPace(period, poll time.Duration) pace {
	if period <= 0 {
		period = defaultPeriod
	}
	n := float64(period)
	p := pace{nominal: n, poll: float64(poll), period: n, stride: 1, vJitter: sq(max(n/100, firstJitter))}
	p.hunt(0)
	return p
}

// hunt begins to look for a tick at a time.
func (p *pace) hunt(now float64) {
	p.hunting, p.since = p.nominal/huntsPerPeriod, now
	if p.poll > 0 {
		p.hunting = p.poll
	}
}

func sq(x float64) float64 { return x * x }

// locked reports whether period and phase are known well enough to aim.
func (p *pace) locked() bool { return p.ticks >= 2 && p.vPeriod < sq(0.12*p.period) }

// called takes in when a read that was planned really began. The margin falls
// slowly, since lateness comes in bursts: while every processor is busy.
func (p *pace) called(at int64) {
	if late := float64(at) - p.next; late > p.lateness {
		p.lateness = min(late, p.period/4)
	} else {
		p.lateness += 0.05 * (max(late, 0) - p.lateness)
	}
}

// unchanged takes in a reading that showed the same value again.
func (p *pace) unchanged(now int64) {
	p.quiet++
	switch {
	case p.locked():
	case p.poll > 0:
		p.hunting = max(p.poll, min(huntShare*(float64(now)-p.since), p.nominal/huntsPerPeriod))
	case p.quiet > 3*huntsPerPeriod:
		// A counter far slower than its source says, or dead.
		p.hunting = min(p.hunting*2, max(float64(time.Second)/maxRate, p.nominal/huntsPerPeriod))
		p.quiet = 0
	}
	if p.locked() && float64(now)-p.tick > float64(max(12, 3*p.stride))*p.period {
		p.unlock(float64(now))
	}
	p.plan(float64(now))
}

// ticked takes in a tick that fell between the readings at old and seen; the
// call that showed it came back at now.
func (p *pace) ticked(old, seen, now int64) {
	lo, hi := float64(old), float64(seen)
	mid, v := (lo+hi)/2, sq(hi-lo)/12
	p.quiet, p.since = 0, hi
	if p.poll > 0 && !p.locked() {
		p.hunting = p.poll
	}
	switch {
	case p.ticks == 0:
		p.tick, p.vTick, p.cov, p.vPeriod = mid, v, 0, sq(p.nominal)
		p.ticks = 1
	case !p.locked():
		p.first(mid, v)
	default:
		p.correct(lo, hi, mid, v)
	}
	if p.watch > 0 {
		p.watch--
	}
	p.plan(float64(now))
}

// first takes the interval between two ticks as the period.
func (p *pace) first(mid, v float64) {
	d := mid - p.tick
	p.vJitter = min(p.vJitter, sq(d/20))
	p.period, p.vPeriod = d, p.vTick+v+2*p.vJitter
	p.cov = v
	p.tick, p.vTick = mid, v
	p.ticks++
	if !p.locked() && p.poll == 0 {
		// Reads this far apart do not tell such a period.
		p.hunting = max(p.hunting/2, minAim)
	}
}

// correct is one step of the filter. The readings were placed around the time
// at which the tick was expected, so that it fell between them says little if
// they are far apart: the belief is cut off outside [lo, hi], and its mean and
// variance are kept (assumed-density filtering).
func (p *pace) correct(lo, hi, mid, v float64) {
	if p.unexpected(lo, hi) {
		p.surprise(mid, v)
		return
	}
	if hi-lo > p.period/2 {
		// Too wide to tell when it ticked; the curve can still place it.
		return
	}
	k := max(1, math.Round((mid-p.tick)/p.period))
	t := p.tick + k*p.period
	vt := p.vTick + 2*k*p.cov + k*k*p.vPeriod
	cov := p.cov + k*p.vPeriod
	s := vt + p.vJitter
	m, vm, mass := truncated(t, math.Sqrt(s), lo, hi)
	if mass < 1e-3 {
		p.vTick, p.cov, p.vPeriod = v+p.vJitter, cov, p.vPeriod+sq((mid-t)/k)
		p.tick = mid
		p.vJitter = min(max(p.vJitter, sq(mid-t)/4), sq(p.period/12))
		p.surprise(mid, v)
		return
	}
	p.surprises = max(0, p.surprises-1)
	p.vJitter += 0.1 * (vm + sq(m-t) - s) * p.vJitter / s
	p.vJitter = min(max(p.vJitter, sq(p.period/500)), sq(p.period/12))
	d, f := (m-t)/s, (1-vm/s)/s
	p.tick, p.vTick = t+vt*d, vt-vt*vt*f
	p.period += cov * d
	p.cov = cov - vt*cov*f
	// The period of a real counter drifts a little.
	p.vPeriod = p.vPeriod - cov*cov*f + sq(p.period*1e-4)
	p.ticks++
}

// surprise counts a tick where none was due. When they repeat, the period or
// the phase is not what it is believed to be, as when the first two ticks
// enclosed one that was missed.
func (p *pace) surprise(mid, v float64) {
	if p.surprises += 2; p.surprises >= 4 {
		p.relock(mid, v)
	}
}

// unexpected reports whether a tick was seen between lo and hi where none was
// due.
func (p *pace) unexpected(lo, hi float64) bool {
	sigma := math.Sqrt(p.vTick+p.vPeriod+p.vJitter) + minAim/4
	k := max(1, math.Ceil((lo-2*sigma-p.tick)/p.period))
	return hi < p.tick+k*p.period-1.5*sigma
}

// relock starts over from one tick.
func (p *pace) relock(mid, v float64) {
	p.unlock(mid)
	p.tick, p.vTick, p.cov, p.vPeriod = mid, v, 0, sq(p.nominal)
	p.ticks = 1
}

func (p *pace) unlock(now float64) {
	p.ticks, p.quiet, p.surprises = 0, 0, 0
	p.hunt(now)
}
