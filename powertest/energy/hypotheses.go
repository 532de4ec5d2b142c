package energy

import "math"

// The model behind a problem. Power has a level before the window, while on,
// in its gaps, and after it; how it gets from one to the next, and how noisy it
// is, are hypotheses:
//
//	before the start   P(t) = a
//	on                 P(t) = b − (b−a) exp(−(t−start)/ramp)
//	in a gap           P(t) = g
//	after the end      P(t) = c + (P(end)−c) exp(−(t−end)/tail)
//
// plus white noise, whose size relative to the level is that of the mean over
// one refresh period. For a given ramp, tail and noise the energy of each piece
// is linear in (a, b, g, c) with Gaussian errors, so the energy of the window
// has a normal distribution in closed form (Bayesian linear regression). The
// hypotheses are weighted by how well they explain the pieces (their marginal
// likelihood) and by a prior that is broad on purpose; the result is the
// mixture. Nothing is fitted to a particular device.

// Indices of the levels of power.
const (
	before = iota
	on
	gap
	after
	levels
)

// weighted is a value of a hypothesis with its prior probability.
type weighted struct{ value, prior float64 }

var (
	// ramps and tails are time constants in seconds.
	ramps = []weighted{{0, 0.4}, {0.01, 0.17}, {0.03, 0.15}, {0.1, 0.12}, {0.25, 0.1}, {0.6, 0.06}}
	tails = []weighted{{0, 0.3}, {0.005, 0.1}, {0.01, 0.1}, {0.02, 0.1}, {0.04, 0.1}, {0.08, 0.1}, {0.16, 0.1}, {0.32, 0.1}}
	// fineTails are for windows with pauses, where the tails of many spans add up.
	fineTails = []weighted{
		{0, 0.3}, {0.005, 0.05}, {0.007, 0.05}, {0.01, 0.05}, {0.014, 0.05}, {0.02, 0.05}, {0.028, 0.05}, {0.04, 0.05},
		{0.057, 0.05}, {0.08, 0.05}, {0.113, 0.05}, {0.16, 0.05}, {0.226, 0.05}, {0.32, 0.05},
	}
	// onNoise and offNoise are relative to the level.
	onNoise  = []weighted{{0.005, 0.2}, {0.02, 0.3}, {0.06, 0.25}, {0.2, 0.15}, {0.6, 0.1}}
	offNoise = []weighted{{0.01, 0.5}, {0.05, 0.3}, {0.25, 0.2}}
	// The slow are what a slow counter can tell: a server drains its queue, and
	// a GPU leaves its highest clocks, in seconds.
	slowRamps = []weighted{{0, 0.6}, {0.3, 0.15}, {1, 0.15}, {3, 0.1}}
	slowTails = []weighted{{0, 0.4}, {0.3, 0.15}, {0.8, 0.15}, {1.6, 0.15}, {3.2, 0.15}}
	// The few are for fleets of devices: thousands are to be measured in a
	// second, and what one of them is off by matters little to the sum.
	fewRamps    = []weighted{{0, 0.7}, {0.3, 0.3}}
	fewTails    = []weighted{{0, 0.6}, {0.2, 0.4}}
	fewOnNoise  = []weighted{{0.02, 0.6}, {0.2, 0.4}}
	fewOffNoise = []weighted{{0.05, 1}}
	// textures is how much the power may vary within a refresh period beyond
	// what its noise from tick to tick says, as with a load that repeats nearly
	// in step with the ticks. Load that is rough at one scale is likely to be
	// rough at another.
	textures = []float64{0, 0.6, 1.5}
)

// slowPeriod is the refresh period of a slow counter, in seconds.
const slowPeriod = 1.5

// roughOff is the noise outside from which on the outside has texture too.
const roughOff = 0.1

// texturePrior is the probability of each texture for a noise of the load.
func texturePrior(noise float64) [3]float64 {
	switch {
	case noise < 0.05:
		return [3]float64{0.98, 0.013, 0.007}
	case noise < 0.1:
		return [3]float64{0.5, 0.3, 0.2}
	}
	return [3]float64{0.2, 0.4, 0.4}
}

// credible is the probability left out on either side of the interval. It is
// smaller than the promised 2.5 %, since hypotheses are never all there are.
const credible = 0.0185

// hypothesis is one way that the power may have gone, with the log of its prior
// probability.
type hypothesis struct {
	ramp, tail         float64
	nOn, nOff, texture float64
	logPrior           float64
}

// hypotheses returns all that the refresh period can tell apart.
func (p *problem) hypotheses() []hypothesis {
	var all []hypothesis
	ramps, tails, onNoise, offNoise := ramps, tails, onNoise, offNoise
	if p.brief {
		ramps, tails, onNoise, offNoise = fewRamps, fewTails, fewOnNoise, fewOffNoise
	}
	if p.period > slowPeriod {
		ramps, tails = slowRamps, slowTails
	}
	if len(p.spans) > 1 {
		tails = fineTails
	}
	p.each(ramps, math.IsInf(p.start, 0), func(ramp, wr float64) {
		p.each(tails, math.IsInf(p.end, 0), func(tail, wt float64) {
			for _, n := range onNoise {
				for _, m := range offNoise {
					px := texturePrior(max(n.value, m.value))
					for i, x := range textures {
						prior := math.Log(wr * wt * n.prior * m.prior * px[i])
						all = append(all, hypothesis{ramp, tail, n.value, m.value, x, prior})
					}
				}
			}
		})
	})
	return all
}

// weigh returns the distribution under each hypothesis; they are in runs of the
// same ramp and tail.
func (p *problem) weigh(hs []hypothesis) mixture {
	mix := make(mixture, len(hs))
	var shape []row
	for i, h := range hs {
		if i == 0 || h.ramp != hs[i-1].ramp || h.tail != hs[i-1].tail {
			shape = p.shape(h.ramp, h.tail)
		}
		c := p.posterior(shape, h.nOn, h.nOff, h.texture)
		c.weight += h.logPrior
		c.alike = alikeSlack * (h.ramp + h.tail) * float64(len(p.spans)) * math.Abs(p.rough[on]-p.rough[gap])
		mix[i] = c
	}
	return mix
}

// manyPieces is how many pieces are enough to rule out most hypotheses.
const manyPieces = 100

// likely drops the hypotheses that the first pieces of a long window rule out:
// weighing all by all pieces would take seconds.
func (p *problem) likely(hs []hypothesis) []hypothesis {
	if len(p.pieces) <= 2*manyPieces {
		return hs
	}
	q := *p
	q.pieces = p.pieces[:manyPieces]
	mix := q.weigh(hs)
	top := math.Inf(-1)
	for _, c := range mix {
		top = max(top, c.weight)
	}
	const ruledOut = 25 // e⁻²⁵ times as likely as the best
	kept := hs[:0]
	for i, c := range mix {
		if c.weight > top-ruledOut {
			kept = append(kept, hs[i])
		}
	}
	return kept
}

// solve weighs the hypotheses. u is how restless the power is.
func (p *problem) solve(u unrest) closed {
	mix, _ := p.weigh(p.likely(p.hypotheses())).normalize(leastWeight)
	mean := mix.mean()
	extra := math.Hypot(p.restless(u), p.misplaced()) + mix.alike()
	c := p.bounds()
	c.mean = min(max(mean, c.least), c.most)
	c.low = max(c.mean-math.Hypot(mean-mix.quantile(credible), extra), c.least)
	c.high = min(c.mean+math.Hypot(mix.quantile(1-credible)-mean, extra), c.most)
	return c
}

// leastWeight is the weight, relative to the heaviest, below which a hypothesis
// does not matter.
const leastWeight = 3e-5

// each calls f for each hypothesis that the refresh period can tell from none.
func (p *problem) each(hs []weighted, only bool, f func(value, prior float64)) {
	for _, h := range hs {
		if h.value == 0 || !only && h.value > p.period/50 {
			f(h.value, h.prior)
		}
	}
}
