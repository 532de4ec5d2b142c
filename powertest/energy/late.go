package energy

import (
	"math"
	"slices"
)

// A history's readings were made at regular times, by someone who did not look
// for the ticks: a tick may lie anywhere between two of them, and all ticks may
// be late by the same. How late is a hypothesis, too: where the load begins and
// ends with the window, the ticks around its edges tell; where it goes on over
// them it matters little, since what is moved in at one edge is moved out at the
// other. What scatters from tick to tick does not cancel.

// lates are how late all ticks are, as shares of the time in which each may lie,
// from the middle of it.
var (
	lates    = []float64{-0.48, -0.32, -0.16, 0, 0.16, 0.32, 0.48}
	fewLates = []float64{-0.45, 0, 0.45}
)

// closeLate is close for a history. u is how restless the power is.
func (c *Curve) closeLate(w laid, at cut, u unrest) closed {
	shares := lates
	if c.brief {
		shares = fewLates
	}
	var mix mixture
	for _, share := range shares {
		if ks := late(w.knots, share); encloses(ks, w) {
			mix = append(mix, c.lateBy(w, ks, at, u))
		}
	}
	if len(mix) == 0 {
		mix = append(mix, c.lateBy(w, w.knots, at, u))
	}
	mix, _ = mix.normalize(leastWeight)
	sum := c.bounds(w, at)
	sum.mean = min(max(mix.mean(), sum.least), sum.most)
	sum.low = max(min(mix.quantile(credible), sum.mean), sum.least)
	sum.high = min(max(mix.quantile(1-credible), sum.mean), sum.most)
	return sum
}

// bounds returns what the counter allows at the least and at the most.
func (c *Curve) bounds(w laid, at cut) closed {
	ps, between := c.parts(w, w.knots, at)
	sum := closed{least: between, most: between}
	for _, p := range ps {
		b := p.bounds()
		sum.least, sum.most = sum.least+b.least, sum.most+b.most
	}
	return sum
}

// late returns the knots moved by a share of the time in which each may lie. All
// of them stay, and in order: likelihoods are compared on the same pieces.
func late(ks []knot, share float64) []knot {
	out := slices.Clone(ks)
	for i := range out {
		out[i].t += share * out[i].sd * math.Sqrt(12)
		if i > 0 && out[i].t <= out[i-1].t {
			out[i].t = out[i-1].t + 1e-6
		}
	}
	return out
}

// encloses reports whether there are knots on both sides of the window.
func encloses(ks []knot, w laid) bool {
	return len(ks) > 1 && ks[0].t <= float64(w.from())/second && ks[len(ks)-1].t > float64(w.till())/second
}

// lateBy returns the distribution of the energy if the knots are right but for
// what scatters; weight is the log of its likelihood.
func (c *Curve) lateBy(w laid, ks []knot, at cut, u unrest) component {
	ps, between := c.parts(w, ks, at)
	sum := component{mean: between}
	variance := 0.0
	for _, p := range ps {
		scattered := p.narrow(u)
		mix, likelihood := p.weigh(p.likely(p.hypotheses())).normalize(leastWeight)
		mean := mix.mean()
		sum.mean += mean
		sum.weight += likelihood
		variance += mix.variance(mean) + scattered + sq((p.restless(u)+mix.alike())/wide)
	}
	sum.sd = math.Sqrt(variance)
	return sum
}

// wide is how many standard deviations a half-width is.
const wide = 2

// leastScatter is the least that ticks are taken to scatter, as a share of the
// time in which they may lie: the phase of two clocks drifts.
const leastScatter = 0.25

// narrow leaves to the times of the knots only what scatters. It returns the
// variance of the energy that moves across the edges with that.
func (p *problem) narrow(u unrest) (variance float64) {
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

// scatter returns by how much single ticks are late, as a standard deviation, of
// which sd is the most. A tick that is late makes one piece longer and the next
// one shorter: where times scatter, the changes of power from piece to piece do,
// with six times the variance.
func (p *problem) scatter(u unrest, sd float64) float64 {
	const enough = 4
	if u.n < enough {
		return sd
	}
	seen := p.period * math.Sqrt(u.sum/u.n/6) * (1 + 2/u.n)
	return min(max(seen, leastScatter*sd), sd)
}
