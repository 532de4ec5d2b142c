package pace

import "math"

// filter is a Kalman filter over the time of the last tick and the refresh period. A
// tick that was missed advances it by several periods.
type filter struct {
	ticks     int     // taken in; for a gauge, how often it was seen to change
	surprises int     // ticks that were seen where none was due
	tick      float64 // estimate of the last tick's time
	period    float64
	// Variances and covariance of tick and period, and the jitter's variance.
	vTick, vPeriod, cov, vJitter float64
}

const firstJitter = 500e3 // ns; before anything is known of it

func newFilter(nominal float64) filter {
	return filter{period: nominal, vJitter: sq(max(nominal/100, firstJitter))}
}

func sq(x float64) float64 { return x * x }

// known reports whether period and phase are known well enough to aim at ticks.
func (f *filter) known() bool { return f.ticks >= 2 && f.vPeriod < sq(0.12*f.period) }

// begin starts over from one tick, which fell between lo and hi.
func (f *filter) begin(lo, hi, nominal float64) {
	f.ticks, f.surprises = 1, 0
	f.tick, f.vTick, f.cov, f.vPeriod = (lo+hi)/2, sq(hi-lo)/12, 0, sq(nominal)
}

// interval takes the time since the last tick as the period.
func (f *filter) interval(lo, hi float64) {
	mid, v := (lo+hi)/2, sq(hi-lo)/12
	d := mid - f.tick
	f.vJitter = min(f.vJitter, sq(d/20))
	f.period, f.vPeriod = d, f.vTick+v+2*f.vJitter
	f.cov = v
	f.tick, f.vTick = mid, v
	f.ticks++
}

// correct is one step of the filter. The readings were placed around the time
// at which the tick was expected, so that it fell between them says little if
// they are far apart: the belief is cut off outside [lo, hi], and its mean and
// variance are kept (assumed-density filtering).
//
// It reports whether ticks came repeatedly where none was due: period or phase is
// then not what it is believed to be, as when the first two ticks enclosed one that
// was missed.
func (f *filter) correct(lo, hi float64) (wrong bool) {
	mid, v := (lo+hi)/2, sq(hi-lo)/12
	if f.unexpected(lo, hi) {
		return f.surprise()
	}
	if hi-lo > f.period/2 {
		// Too wide to say when it ticked; others can still place it.
		return false
	}
	k := max(1, math.Round((mid-f.tick)/f.period))
	t := f.tick + k*f.period
	vt := f.vTick + 2*k*f.cov + k*k*f.vPeriod
	cov := f.cov + k*f.vPeriod
	s := vt + f.vJitter
	if !(s > 0) {
		// Surprises many periods apart have left variances that contradict each other.
		return true
	}
	m, vm, mass := truncated(t, math.Sqrt(s), lo, hi)
	if mass < 1e-3 {
		// The tick is where it was seen, whatever the error of the period is.
		f.vTick, f.cov, f.vPeriod = v+f.vJitter, 0, f.vPeriod+sq((mid-t)/k)
		f.tick = mid
		f.vJitter = min(max(f.vJitter, sq(mid-t)/4), sq(f.period/12))
		return f.surprise()
	}
	f.surprises = max(0, f.surprises-1)
	f.vJitter += 0.1 * (vm + sq(m-t) - s) * f.vJitter / s
	f.vJitter = min(max(f.vJitter, sq(f.period/500)), sq(f.period/12))
	d, share := (m-t)/s, (1-vm/s)/s
	f.tick, f.vTick = t+vt*d, vt-vt*vt*share
	f.period += cov * d
	f.cov = cov - vt*cov*share
	// The period of a real counter drifts a little.
	f.vPeriod = max(f.vPeriod-cov*cov*share, 0) + sq(f.period*1e-4)
	f.ticks++
	return false
}

// surprise counts a tick where none was due, and reports whether there were too many.
func (f *filter) surprise() bool {
	f.surprises += 2
	return f.surprises >= 4
}

// unexpected reports whether a tick was seen between lo and hi where none was
// due.
func (f *filter) unexpected(lo, hi float64) bool {
	sigma := math.Sqrt(f.vTick+f.vPeriod+f.vJitter) + minStep/4
	k := max(1, math.Ceil((lo-2*sigma-f.tick)/f.period))
	return hi < f.tick+k*f.period-1.5*sigma
}

// due returns when the k-th tick from the last is due, and how well that is known, as
// a standard deviation.
func (f *filter) due(k float64) (at, sigma float64) {
	return f.tick + k*f.period, math.Sqrt(f.vTick+2*k*f.cov+k*k*f.vPeriod+f.vJitter) + minStep/4
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
