package pace

import "math"

// filter estimates the time of the last tick and the refresh period. A tick that was passed
// over, or missed, advances it by several periods.
//
// A tick may be off in two ways. Counters that keep to a clock have ticks that scatter about
// regular times. Those that wait for a period from each tick to the next wander: what is not
// known of the time grows with each period that passes. Which of them it is, and by how much
// ticks are off, is not known either, and few ticks show it: there is a Kalman filter for each
// way and size, and what is seen decides how much each is believed.
type filter struct {
	ticks     int // taken in; for a gauge, how often it was seen to change
	surprises int // ticks that were seen where none was due
	wary      int // for how many ticks looks begin early since one was not as it should be
	firsts    int // ticks in a row that the first read of a look showed
	// What all beliefs come to: the time of the last tick, and the period with its variance.
	tick, period, vPeriod float64
	beliefs               [2 * len(sizes)]belief
	// last is what quantiles gave last, since they are asked for again and again.
	last [2]arrivals
	// early is a change that came before a tick was looked for, while it is not known
	// whether it was that tick or another.
	early early
	// given is the variance of the jitter where it is known otherwise; negative if it is not.
	given float64
}

// belief is a Kalman filter: the time of the last tick and the period, with their variances
// and covariance, and how much it is believed.
type belief struct {
	weight                            float64
	tick, period, vTick, vPeriod, cov float64
}

// sizes are standard deviations by which ticks may be off, as a share of the period. Counters
// are regular more often than not.
var sizes = [...]struct{ share, prior float64 }{
	{0.0015, 0.2}, {0.004, 0.25}, {0.01, 0.25}, {0.022, 0.15}, {0.045, 0.1}, {0.09, 0.05},
}

const (
	// forgotten is which share of what is believed is forgotten with each tick.
	forgotten = 0.008
	// floor is by how much ticks are off at least, in ns: reads take their time.
	floor = 100e3
)

func newFilter(nominal float64) filter {
	f := filter{period: nominal, given: -1}
	f.begin(0, 0, nominal)
	f.ticks = 0
	return f
}

func sq(x float64) float64 { return x * x }

// prior returns how much the i-th belief is believed before anything was seen.
func prior(i int) float64 { return sizes[i/2].prior / 2 }

// noise returns the variances of a tick about its regular time, and of the time between two,
// of the i-th belief.
func (f *filter) noise(i int) (jitter, walk float64) {
	v := sq(sizes[i/2].share*f.period) + floor*floor
	if i%2 == 0 {
		return v, 0
	}
	return floor * floor, v
}

// jitterVariance returns the variance of a tick about a line through its neighbours as far as
// it is known: a geometric mean, or what is hardly believed would be most of it.
func (f *filter) jitterVariance() float64 {
	if f.given >= 0 {
		return f.given
	}
	sum := 0.0
	for i := range f.beliefs {
		jitter, walk := f.noise(i)
		sum += f.beliefs[i].weight * math.Log(jitter+2*walk)
	}
	return math.Exp(sum)
}

// known reports whether the period is known well enough to aim at ticks.
func (f *filter) known() bool { return f.ticks >= 2 && f.vPeriod < sq(0.12*f.period) }

// begin starts over from one tick, which fell between lo and hi.
func (f *filter) begin(lo, hi, nominal float64) {
	f.ticks, f.surprises, f.wary, f.firsts = 1, 0, 0, 0
	for i := range f.beliefs {
		b := &f.beliefs[i]
		b.weight, b.period, b.vPeriod = prior(i), nominal, sq(nominal)
	}
	f.found(lo, hi)
}

// restart begins with a tick between lo and hi, and a period that may be another by a third.
func (f *filter) restart(lo, hi float64) {
	f.surprises = 0
	for i := range f.beliefs {
		b := &f.beliefs[i]
		b.weight = prior(i)
		b.vPeriod = sq(f.period * 0.11)
	}
	f.found(lo, hi)
}

// found takes in a tick that says nothing of the period: it was looked for anywhere.
func (f *filter) found(lo, hi float64) {
	f.early = early{}
	for i := range f.beliefs {
		b := &f.beliefs[i]
		jitter, _ := f.noise(i)
		b.tick, b.vTick, b.cov = (lo+hi)/2, sq(hi-lo)/12+jitter, 0
	}
	f.sum()
}

// interval takes the time since the last tick as the period.
func (f *filter) interval(lo, hi float64) {
	mid, v := (lo+hi)/2, sq(hi-lo)/12
	f.period = mid - f.tick
	for i := range f.beliefs {
		b := &f.beliefs[i]
		jitter, walk := f.noise(i)
		b.period, b.vPeriod = mid-b.tick, b.vTick+v+jitter+walk
		b.tick, b.vTick, b.cov = mid, v+jitter, v+jitter
	}
	f.ticks++
	f.sum()
}

// know sets the period and the variance of the jitter.
func (f *filter) know(period, jitterVariance float64) {
	for i := range f.beliefs {
		f.beliefs[i].period, f.beliefs[i].vPeriod, f.beliefs[i].cov = period, 0, 0
	}
	f.ticks, f.given = max(f.ticks, Learning), jitterVariance
	f.sum()
}

// arrivals are when the k-th tick has come with some probabilities.
type arrivals struct {
	k  float64
	at [3]float64
}

// quantiles returns the quantiles of the k-th tick at the probabilities of a way to look.
func (f *filter) quantiles(by way, k float64) [3]float64 {
	if f.last[by].k != k {
		p := probabilities[by]
		f.last[by] = arrivals{k, [3]float64{f.quantile(k, p[0]), f.quantile(k, p[1]), f.quantile(k, p[2])}}
	}
	return f.last[by].at
}

// sum sets what all beliefs come to.
func (f *filter) sum() {
	f.tick, f.period, f.vPeriod, f.last = 0, 0, 0, [2]arrivals{}
	total := 0.0
	for i := range f.beliefs {
		total += f.beliefs[i].weight
	}
	for i := range f.beliefs {
		b := &f.beliefs[i]
		b.weight /= total
		f.tick, f.period = f.tick+b.weight*b.tick, f.period+b.weight*b.period
	}
	for i := range f.beliefs {
		b := &f.beliefs[i]
		f.vPeriod += b.weight * (b.vPeriod + sq(b.period-f.period))
	}
}

// take takes in the k-th tick from the last.
func (f *filter) take(k, lo, hi float64) {
	total, most := 0.0, 0.0
	var masses [len(f.beliefs)]float64
	for i := range f.beliefs {
		at, s := f.beliefs[i].predict(k, f, i)
		_, _, masses[i] = truncated(at, math.Sqrt(s), lo, hi)
		total += f.beliefs[i].weight * masses[i]
		most = max(most, masses[i])
	}
	if !(total > 0) {
		f.found(lo, hi)
		return
	}
	for i := range f.beliefs {
		b := &f.beliefs[i]
		b.weight *= masses[i] / total
		if masses[i] > 1e-3*most {
			b.take(k, lo, hi, f, i)
		}
	}
	f.share(masses[:], 1e-3*most)
	f.ticks++
}

// share makes beliefs that were refuted take over what the others believe, and all forget a
// little.
func (f *filter) share(masses []float64, least float64) {
	f.sum()
	for i := range f.beliefs {
		b := &f.beliefs[i]
		if masses[i] > least {
			continue
		}
		weight := b.weight
		*b = f.best()
		b.weight = weight
	}
	for i := range f.beliefs {
		f.beliefs[i].weight += forgotten * (prior(i) - f.beliefs[i].weight)
	}
	f.sum()
}

// best returns what is believed most.
func (f *filter) best() (b belief) {
	for i := range f.beliefs {
		if f.beliefs[i].weight > b.weight {
			b = f.beliefs[i]
		}
	}
	return b
}

// predict returns when the k-th tick from the last is due by the i-th belief, and the variance.
func (b *belief) predict(k float64, f *filter, i int) (at, v float64) {
	jitter, walk := f.noise(i)
	return b.tick + k*b.period, b.vTick + 2*k*b.cov + k*k*b.vPeriod + k*walk + jitter
}

// take is one step of the Kalman filter.
func (b *belief) take(k, lo, hi float64, f *filter, i int) {
	at, s := b.predict(k, f, i)
	jitter, walk := f.noise(i)
	m, v, _ := truncated(at, math.Sqrt(s), lo, hi)
	vt, cov := s-jitter, b.cov+k*b.vPeriod
	d, share := (m-at)/s, (1-v/s)/s
	b.tick, b.vTick = at+vt*d, max(vt-vt*vt*share, 0)
	b.period += cov * d
	b.cov = cov - vt*cov*share
	// The period of a real counter drifts a little.
	b.vPeriod = max(b.vPeriod-cov*cov*share, 0) + sq(b.period*1e-4) + walk/1000
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
func (f *filter) mass(k, lo, hi float64) float64 { return f.before(k, hi) - f.before(k, lo) }

// before returns the probability that the k-th tick from the last comes before a time.
func (f *filter) before(k, t float64) float64 {
	p, _ := f.distribution(k, t)
	return p
}

// distribution returns the probability that the k-th tick from the last comes before a time,
// and its density there.
func (f *filter) distribution(k, t float64) (p, density float64) {
	for i := range f.beliefs {
		b := &f.beliefs[i]
		at, v := b.predict(k, f, i)
		d := t - at
		p += b.weight * math.Erfc(-d/math.Sqrt(2*v)) / 2
		density += b.weight * math.Exp(-d*d/(2*v)) / math.Sqrt(2*math.Pi*v)
	}
	return p, density
}

// quantile returns the time before which the k-th tick from the last comes with a probability,
// to a fiftieth of how well it is known.
func (f *filter) quantile(k, p float64) float64 {
	at, sigma := f.due(k)
	near := max(sigma/50, minStep/20)
	lo, hi, t := at-8*sigma, at+8*sigma, at
	for range 20 {
		come, density := f.distribution(k, t)
		if come < p {
			lo = t
		} else {
			hi = t
		}
		// By Newton, unless that leaves what is known to hold it.
		next := t - (come-p)/density
		if !(lo < next && next < hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-t) < near {
			return next
		}
		t = next
	}
	return t
}

// due returns when the k-th tick from the last is due, and how well that is known, as
// a standard deviation.
func (f *filter) due(k float64) (at, sigma float64) {
	var square float64
	for i := range f.beliefs {
		b := &f.beliefs[i]
		m, v := b.predict(k, f, i)
		m -= f.tick
		at, square = at+b.weight*m, square+b.weight*(v+m*m)
	}
	return f.tick + at, math.Sqrt(max(square-at*at, 0))
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
