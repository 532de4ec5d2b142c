package pace

import "math"

// filter is a Kalman filter over the time of the last tick and the refresh period. A
// tick that was passed over, or missed, advances it by several periods.
//
// A tick may be off in two ways. Counters that keep to a clock have ticks that scatter
// about regular times (vJitter). Those that wait for a period from each tick to the next
// wander: what is not known of the time grows by vWalk with each period that passes.
type filter struct {
	ticks     int     // taken in; for a gauge, how often it was seen to change
	surprises int     // ticks that were seen where none was due
	wary      int     // for how many ticks looks begin early since there were surprises
	tick      float64 // estimate of the last tick's time
	period    float64
	// Variances and covariance of tick and period.
	vTick, vPeriod, cov float64
	// Variances of a tick about its regular time, and of the time between two.
	vJitter, vWalk float64
	// off is by how much the last tick was off, in standard deviations.
	off float64
	// early is a change that came before a tick was looked for, while it is not known
	// whether it was that tick or another.
	early early
}

// early is between lo and hi. If none comes until over, it was the tick that was due.
type early struct{ lo, hi, over float64 }

const (
	// surprising is how many surprises are too many at an edge, where reads are spent on
	// finding out, and twice as many between: a tick where none was due counts as two. With
	// fewer, doubtful, looks begin well before a tick, so that what comes before is none of
	// chance; and if it does they begin so for the next wariness ticks.
	surprising, doubtful, wariness = 4, 2, 30
)

const firstJitter = 500e3 // ns; before anything is known of it

func newFilter(nominal float64) filter {
	f := filter{period: nominal, vJitter: sq(max(nominal/100, firstJitter))}
	f.vWalk = f.vJitter
	return f
}

func sq(x float64) float64 { return x * x }

// known reports whether the period is known well enough to aim at ticks.
func (f *filter) known() bool { return f.ticks >= 2 && f.vPeriod < sq(0.12*f.period) }

// begin starts over from one tick, which fell between lo and hi.
func (f *filter) begin(lo, hi, nominal float64) {
	f.ticks, f.surprises, f.wary, f.off = 1, 0, 0, 0
	f.found(lo, hi)
	f.vPeriod = sq(nominal)
}

// found takes in a tick that says nothing of the period: it was looked for anywhere.
func (f *filter) found(lo, hi float64) {
	f.tick, f.vTick, f.cov, f.early = (lo+hi)/2, sq(hi-lo)/12+f.vJitter, 0, early{}
}

// interval takes the time since the last tick as the period.
func (f *filter) interval(lo, hi float64) {
	mid, v := (lo+hi)/2, sq(hi-lo)/12
	d := mid - f.tick
	f.vJitter = min(f.vJitter, sq(d/20))
	f.vWalk = min(f.vWalk, sq(d/20))
	f.period, f.vPeriod = d, f.vTick+v+2*f.vJitter+f.vWalk
	f.cov = v
	f.tick, f.vTick = mid, v
	f.ticks++
}

// looking is how a tick was looked for: closely, at an edge, or by few reads, of which the
// first is before it, or divides what is believed.
type looking uint8

const (
	closely looking = iota
	sparingly
	dividing
)

// trusted reports whether ticks come when they are due, so that a look may begin when one may
// have come already.
func (f *filter) trusted() bool {
	return f.ticks >= Learning && f.surprises < doubtful && f.wary == 0
}

// correct is one step of the filter. The readings were placed around the time
// at which the tick was expected, so that it fell between them says little if
// they are far apart: the belief is cut off outside [lo, hi], and its mean and
// variance are kept (assumed-density filtering).
//
// It reports whether ticks came repeatedly where none was due: period or phase is
// then not what it is believed to be, as when the first two ticks enclosed one that
// was missed.
func (f *filter) correct(lo, hi float64, by looking) (wrong bool) {
	if hi-lo > 1.2*f.period {
		// It holds ticks that were passed over: which of them came when is not known.
		return false
	}
	if e := f.early; e != (early{}) {
		f.early = early{}
		if lo > e.over {
			// Nothing came when it was due: it had come early.
			f.take(f.place(e.lo, e.hi))
		}
	}
	tick := f.place(lo, hi)
	first := hi-lo > f.period/2 // the first read that looked for it showed it
	switch {
	case !(tick.s > 0):
		// Surprises many periods apart have left variances that contradict each other.
		return true
	case tick.mass < 1e-3 && first:
		return false // too wide to say when it ticked
	case tick.mass < 1e-3:
		return f.surprise(lo, hi, by, tick)
	case first && by == dividing:
		f.surprises = max(f.surprises, min(f.surprises+1, doubtful))
	case first && hi < tick.t-1.4*math.Sqrt(tick.s):
		// It came before it was looked for, or it is another.
		f.early = early{lo, hi, tick.t + 2*math.Sqrt(tick.s)}
		f.wary = wariness
		return f.surprised(by)
	case !first:
		f.surprises, f.wary = max(f.surprises-1, 0), max(f.wary-1, 0)
	}
	f.take(tick)
	return false
}

// placed is a tick that was seen, the k-th from the last, as far as it is known: it was due at
// t, with a variance of s, and its mean is m and its variance v, where mass of what was
// believed lies.
type placed struct{ k, t, s, m, v, mass float64 }

func (f *filter) place(lo, hi float64) (p placed) {
	p.k = f.number(lo, hi)
	p.t, p.s = f.tick+p.k*f.period, f.variance(p.k)+f.vJitter
	p.m, p.v, p.mass = truncated(p.t, math.Sqrt(p.s), lo, hi)
	return p
}

// take takes in a tick.
func (f *filter) take(p placed) {
	if !(p.s > 0) || p.mass < 1e-3 {
		return
	}
	vt, cov := p.s-f.vJitter, f.cov+p.k*f.vPeriod
	f.adapt((p.v+sq(p.m-p.t)-p.s)/p.s, (p.m-p.t)/math.Sqrt(p.s), p.s, p.k)
	d, share := (p.m-p.t)/p.s, (1-p.v/p.s)/p.s
	f.tick, f.vTick = p.t+vt*d, vt-vt*vt*share
	f.period += cov * d
	f.cov = cov - vt*cov*share
	// The period of a real counter drifts a little.
	f.vPeriod = max(f.vPeriod-cov*cov*share, 0) + sq(f.period*1e-4)
	f.ticks++
}

// number returns which tick from the last fell between lo and hi: the first that may
// have, unless the next is far more likely, since counters rarely miss one.
func (f *filter) number(lo, hi float64) float64 {
	const rare = 0.02
	k := max(1, math.Round((lo-f.tick)/f.period))
	if f.mass(k, lo, hi) < rare*f.mass(k+1, lo, hi) {
		k++
	}
	return k
}

// mass returns the probability that the k-th tick from the last lies between lo and hi.
func (f *filter) mass(k, lo, hi float64) float64 {
	_, _, mass := truncated(f.tick+k*f.period, math.Sqrt(f.variance(k)+f.vJitter), lo, hi)
	return mass
}

// adapt takes in by what share the square of an error was larger than its variance s,
// for the k-th tick, and off, the error in standard deviations. Each cause takes of it
// what it has in s, and the first ticks more than those that come later. Errors that repeat
// are of ticks that wander more than was believed, and those that alternate of ticks that
// were followed too far.
func (f *filter) adapt(more, off, s, k float64) {
	rate := min(max(0.1, 12/(4+float64(f.ticks))), 0.25)
	least, most := sq(f.period/500), sq(f.period/12)
	more = min(more, 8)
	turn := math.Exp(rate * min(max(off*f.off, -2), 2))
	f.off = off
	f.vJitter = min(max(f.vJitter*(1+rate*more*f.vJitter/s)/turn, least), most)
	f.vWalk = min(max(f.vWalk*(1+rate*more*k*f.vWalk/s)*turn, least/16), most)
}

// surprise takes in a tick where one was due, but not there, and reports whether
// there were too many of them. What was believed of the tick before is dropped, and with it
// how it goes together with the period.
func (f *filter) surprise(lo, hi float64, by looking, p placed) (wrong bool) {
	if f.surprised(by) {
		return true
	}
	off := sq((lo+hi)/2 - p.t)
	f.off = 0
	f.found(lo, hi)
	f.vPeriod += min(off, sq(f.period/12)) / (p.k * p.k)
	f.vWalk = min(max(f.vWalk, off/(4*p.k)), sq(f.period/12))
	return false
}

// surprised counts a tick where none was due, and reports whether there were too many.
func (f *filter) surprised(by looking) bool {
	f.surprises += 2
	return f.surprises >= surprising && by == closely || f.surprises >= 2*surprising
}

// variance returns the variance of the regular time of the k-th tick from the last.
func (f *filter) variance(k float64) float64 {
	return f.vTick + 2*k*f.cov + k*k*f.vPeriod + k*f.vWalk
}

// due returns when the k-th tick from the last is due, and how well that is known, as
// a standard deviation.
func (f *filter) due(k float64) (at, sigma float64) {
	return f.tick + k*f.period, math.Sqrt(f.variance(k)+f.vJitter) + minStep/4
}

// truncated returns the mean and variance of a normal distribution cut off
// outside [lo, hi], and the mass that lies inside.
func truncated(mean, sd, lo, hi float64) (m, v, mass float64) {
	a, b := (lo-mean)/sd, (hi-mean)/sd
	mass = (math.Erfc(-b/math.Sqrt2) - math.Erfc(-a/math.Sqrt2)) / 2
	if mass < 1e-12 {
		// Far in a tail the mass sits at the nearer end.
		if a > 0 {
			return lo, 0, 0
		}
		return hi, 0, 0
	}
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	pa, pb := density(a), density(b)
	d := (pa - pb) / mass
	m = mean + sd*d
	v = sd * sd * max(1+(a*pa-b*pb)/mass-d*d, 0)
	return m, v, mass
}
