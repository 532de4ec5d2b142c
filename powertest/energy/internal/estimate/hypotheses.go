package estimate

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

// weighted is a value of a hypothesis with its prior probability.
type weighted struct{ value, prior float64 }

// grid is the values that the parts of a hypothesis take.
type grid struct{ ramps, tails, onNoise, offNoise []weighted }

var (
	// usualGrid has time constants in seconds, and noise relative to the level.
	usualGrid = grid{
		ramps:    []weighted{{0, 0.4}, {0.01, 0.17}, {0.03, 0.15}, {0.1, 0.12}, {0.25, 0.1}, {0.6, 0.06}},
		tails:    []weighted{{0, 0.3}, {0.005, 0.1}, {0.01, 0.1}, {0.02, 0.1}, {0.04, 0.1}, {0.08, 0.1}, {0.16, 0.1}, {0.32, 0.1}},
		onNoise:  []weighted{{0.005, 0.2}, {0.02, 0.3}, {0.06, 0.25}, {0.2, 0.15}, {0.6, 0.1}},
		offNoise: []weighted{{0.01, 0.5}, {0.05, 0.3}, {0.25, 0.2}},
	}
	// briefGrid is for fleets of devices: thousands are to be measured in a
	// second, and what one of them is off by matters little to the sum.
	briefGrid = grid{
		ramps:    []weighted{{0, 0.7}, {0.3, 0.3}},
		tails:    []weighted{{0, 0.6}, {0.2, 0.4}},
		onNoise:  []weighted{{0.02, 0.6}, {0.2, 0.4}},
		offNoise: []weighted{{0.05, 1}},
	}
	// The slow are what a slow counter can show: a server drains its queue, and
	// a GPU leaves its highest clocks, in seconds.
	slowRamps = []weighted{{0, 0.6}, {0.3, 0.15}, {1, 0.15}, {3, 0.1}}
	slowTails = []weighted{{0, 0.4}, {0.3, 0.15}, {0.8, 0.15}, {1.6, 0.15}, {3.2, 0.15}}
	// fineTails are for windows with pauses, where the tails of many spans add up.
	fineTails = []weighted{
		{0, 0.3}, {0.005, 0.05}, {0.007, 0.05}, {0.01, 0.05}, {0.014, 0.05}, {0.02, 0.05}, {0.028, 0.05}, {0.04, 0.05},
		{0.057, 0.05}, {0.08, 0.05}, {0.113, 0.05}, {0.16, 0.05}, {0.226, 0.05}, {0.32, 0.05},
	}
	// subTicks is how much the power may vary within a refresh period beyond
	// what its noise from tick to tick says, as with a load that repeats nearly
	// in step with the ticks. Load that is rough at one scale is likely to be
	// rough at another.
	subTicks = [3]float64{0, 0.6, 1.5}
)

// slowPeriod is the refresh period of a slow counter, in seconds.
const slowPeriod = 1.5

// subTickPrior is the probability of each sub-tick variation for a noise of the load.
func subTickPrior(noise float64) [3]float64 {
	switch {
	case noise < 0.05:
		return [3]float64{0.98, 0.013, 0.007}
	case noise < 0.1:
		return [3]float64{0.5, 0.3, 0.2}
	}
	return [3]float64{0.2, 0.4, 0.4}
}

// hypothesis is one way that the power may have gone, with the log of its prior
// probability.
type hypothesis struct {
	ramp, tail         float64
	nOn, nOff, subTick float64
	logPrior           float64
}

// hypotheses returns all that the refresh period can tell apart, in runs of the same
// ramp and tail.
func (p *problem) hypotheses() []hypothesis {
	var all []hypothesis
	g := usualGrid
	if p.brief {
		g = briefGrid
	}
	if p.period > slowPeriod {
		g.ramps, g.tails = slowRamps, slowTails
	}
	if len(p.spans) > 1 {
		g.tails = fineTails
	}
	p.each(g.ramps, math.IsInf(p.start, 0), func(ramp, wr float64) {
		p.each(g.tails, math.IsInf(p.end, 0), func(tail, wt float64) {
			for _, n := range g.onNoise {
				for _, m := range g.offNoise {
					px := subTickPrior(max(n.value, m.value))
					for i, x := range subTicks {
						prior := math.Log(wr * wt * n.prior * m.prior * px[i])
						all = append(all, hypothesis{ramp, tail, n.value, m.value, x, prior})
					}
				}
			}
		})
	})
	return all
}

// each calls f for each hypothesis that the refresh period can tell from none.
func (p *problem) each(hs []weighted, only bool, f func(value, prior float64)) {
	for _, h := range hs {
		if h.value == 0 || !only && h.value > p.period/50 {
			f(h.value, h.prior)
		}
	}
}

// row is what a piece of time is made of: its energy is the sum of coefficient
// times level, of the part that counts and of the part that does not.
type row struct {
	on, off vector
	// slack is the energy by which a ramp or tail may differ from the
	// exponential.
	slackOn, slackOff float64
}

// modelSlack is by how much of its energy a ramp or tail may differ from the
// exponential.
const modelSlack = 0.07

// rows returns the rows of the pieces for one ramp and tail. Every start of a
// span has the ramp, from the level before or from that of the gaps, and every
// end the tail.
func (p *problem) rows(ramp, tail float64) []row {
	rows := make([]row, len(p.pieces))
	left := 0.0 // share of the ramp that is still to come at the end
	if ramp > 0 && !math.IsInf(p.end, 0) {
		left = math.Exp(-(p.end - p.start) / ramp)
	}
	for i, q := range p.pieces {
		r := &rows[i]
		r.off[before], r.off[gap], r.off[after] = q.before, q.gap, q.after
		r.on[on] = q.on
		if ramp > 0 {
			p.addRamps(r, q, ramp)
		}
		if tail > 0 {
			p.addTails(r, q, tail)
			x := decay(p.end, max(q.t0, p.end), q.t1, tail)
			r.off[after] -= x
			r.off[on] += x * (1 - left)
			r.off[before] += x * left
			r.slackOff += modelSlack * x * math.Abs(p.rough[on]-p.rough[after])
		}
	}
	return rows
}

// decay returns the integral of exp(−(t−from)/tau) from u to v, which do not lie
// before from; 0 if v is not after u.
func decay(from, u, v, tau float64) float64 {
	if math.IsInf(from, 0) || v <= u {
		return 0
	}
	return tau * (math.Exp(-(u-from)/tau) - math.Exp(-(v-from)/tau))
}

// addRamps takes what is missing at the starts of spans from the level on.
func (p *problem) addRamps(r *row, q piece, ramp float64) {
	if len(p.spans) == 0 {
		p.addRamp(r, decay(p.start, max(q.t0, p.start), min(q.t1, p.end), ramp), before)
		return
	}
	for k := p.firstSpan(q.t0); k < len(p.spans) && p.spans[k].start < q.t1; k++ {
		s, from := p.spans[k], gap
		if k == 0 {
			from = before
		}
		p.addRamp(r, decay(s.start, max(q.t0, s.start), min(q.t1, s.end), ramp), from)
	}
}

func (p *problem) addRamp(r *row, x float64, from int) {
	r.on[on] -= x
	r.on[from] += x
	r.slackOn += modelSlack * x * math.Abs(p.rough[on]-p.rough[from])
}

// addTails adds what lasts beyond the ends of spans into gaps.
func (p *problem) addTails(r *row, q piece, tail float64) {
	for k := max(p.firstSpan(q.t0)-1, 0); k+1 < len(p.spans) && p.spans[k].end < q.t1; k++ {
		e, next := p.spans[k].end, p.spans[k+1].start
		x := decay(e, max(q.t0, e), min(q.t1, next), tail)
		r.off[gap] -= x
		r.off[on] += x
		r.slackOff += modelSlack * x * math.Abs(p.rough[on]-p.rough[gap])
	}
}
