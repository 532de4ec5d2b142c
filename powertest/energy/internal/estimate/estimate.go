package estimate

import (
	"math"
	"slices"
)

// maxGap is how many refresh periods (times the number of ticks passed over)
// may lie between two known ticks of a window with pauses.
const maxGap = 8

// Estimate returns the energy of the spans with the interval in which it lies in at
// least 95 % of windows. The error is [ErrNotBracketed], with no result, or [ErrGap],
// with what is known of the ticks.
func Estimate(in Input) (Result, error) {
	w, ok := align(&in)
	if !ok {
		return Result{}, ErrNotBracketed
	}
	r := Result{From: in.Ticks[w.first].Lo, To: in.Ticks[w.end].Hi, Ticks: w.inside(in.Ticks), Gap: w.widest()}
	if !w.whole() && r.Gap > maxGap*in.Period.Expected()*float64(in.Period.Stride)/second {
		return r, ErrGap
	}
	r.BeforeWatts, r.HasBefore = w.powerBefore(&in)
	at := w.cut()
	ps, between := problems(&in, w, w.ticks, at)
	u := variationOf(ps)
	var e estimate
	if in.Recorded {
		e = recorded(&in, w, at, u)
	} else {
		e = estimate{mean: between, low: between, high: between, least: between, most: between}
		for _, p := range ps {
			e = e.plus(p.solve(u))
		}
	}
	if len(ps) == 1 && ps[0].undetermined() {
		e.low, e.high = e.least, e.most
	}
	for _, p := range ps {
		if joules := p.passedOver(in.Period.Expected() / second); joules > 0 {
			e.low, e.high = max(e.low-joules, e.least), min(e.high+joules, e.most)
			r.Coarse = true
		}
	}
	r.Mean, r.Low, r.High = e.mean, e.low, e.high
	return r, nil
}

// estimate is the energy with its interval, and the hard bounds that the counter sets,
// in joules.
type estimate struct {
	mean, low, high float64
	least, most     float64
}

// plus adds an independent part.
func (e estimate) plus(d estimate) estimate {
	down := math.Hypot(e.mean-e.low, d.mean-d.low)
	up := math.Hypot(e.high-e.mean, d.high-d.mean)
	mean := e.mean + d.mean
	return estimate{mean: mean, low: mean - down, high: mean + up, least: e.least + d.least, most: e.most + d.most}
}

// credible is the probability left out on either side of the interval. It is
// smaller than the promised 2.5 %, since hypotheses are never all there are.
const credible = 0.0185

// solve returns the mixture's estimate, with what widens it beyond the hypotheses.
func (p *problem) solve(u variation) estimate {
	mix, _ := p.mixture()
	mean := mix.mean()
	extra := math.Hypot(p.variationHalfWidth(u), p.misplaced()) + mix.correlated()
	least, most := p.bounds()
	e := estimate{mean: min(max(mean, least), most), least: least, most: most}
	e.low = max(e.mean-math.Hypot(mean-mix.quantile(credible), extra), least)
	e.high = min(e.mean+math.Hypot(mix.quantile(1-credible)-mean, extra), most)
	return e
}

// Recorded readings were made at regular times, by someone who did not look
// for the ticks: a tick may lie anywhere between two of them, and all ticks may
// be late by the same. How late is a hypothesis, too: where the load begins and
// ends with the window, the ticks around its edges show it; where it goes on over
// them it matters little, since what is moved in at one edge is moved out at the
// other. What scatters from tick to tick does not cancel.

// delays are how late all ticks are, as shares of the time in which each may lie,
// from the middle of it.
var (
	delays      = []float64{-0.48, -0.32, -0.16, 0, 0.16, 0.32, 0.48}
	briefDelays = []float64{-0.45, 0, 0.45}
)

// recorded returns the estimate of a window from recorded readings.
func recorded(in *Input, w window, at cut, u variation) estimate {
	shares := delays
	if in.Brief {
		shares = briefDelays
	}
	var mix mixture
	for _, share := range shares {
		if ks := delayed(w.ticks, share); w.encloses(ks) {
			mix = append(mix, delayedBy(in, w, ks, at, u))
		}
	}
	if len(mix) == 0 {
		mix = append(mix, delayedBy(in, w, w.ticks, at, u))
	}
	mix, _ = mix.normalize()
	ps, between := problems(in, w, w.ticks, at)
	e := estimate{least: between, most: between}
	for _, p := range ps {
		least, most := p.bounds()
		e.least, e.most = e.least+least, e.most+most
	}
	e.mean = min(max(mix.mean(), e.least), e.most)
	e.low = max(min(mix.quantile(credible), e.mean), e.least)
	e.high = min(max(mix.quantile(1-credible), e.mean), e.most)
	return e
}

// delayed returns the ticks moved by a share of the time in which each may lie. All
// of them stay, and in order: likelihoods are compared on the same pieces.
func delayed(ks []timedTick, share float64) []timedTick {
	out := slices.Clone(ks)
	for i := range out {
		out[i].t += share * out[i].sd * math.Sqrt(12)
		if i > 0 && out[i].t <= out[i-1].t {
			out[i].t = out[i-1].t + 1e-6
		}
	}
	return out
}

// wide is how many standard deviations a half-width is.
const wide = 2

// delayedBy returns the distribution of the energy if the times of the ticks are right
// but for what scatters; weight is the log of its likelihood.
func delayedBy(in *Input, w window, ks []timedTick, at cut, u variation) component {
	ps, between := problems(in, w, ks, at)
	sum := component{mean: between}
	variance := 0.0
	for _, p := range ps {
		scattered := p.keepScatter(u)
		mix, likelihood := p.mixture()
		mean := mix.mean()
		sum.mean += mean
		sum.weight += likelihood
		variance += mix.variance(mean) + scattered + sq((p.variationHalfWidth(u)+mix.correlated())/wide)
	}
	sum.sd = math.Sqrt(variance)
	return sum
}

// keepScatter leaves to the times of the ticks only what scatters. It returns the
// variance of the energy that moves across the edges with that.
func (p *problem) keepScatter(u variation) (variance float64) {
	for i := range p.pieces {
		q := &p.pieces[i]
		q.sd0, q.sd1 = p.scatter(u, q.sd0), p.scatter(u, q.sd1)
		if q.on > 0 && q.off() > 0 {
			level := p.rough[after]
			switch {
			case q.gap > 0:
				level = p.rough[gap]
			case q.before > 0:
				level = p.rough[before]
			}
			variance += sq(level * max(q.sd0, q.sd1))
		}
	}
	return variance
}
