package energy

import (
	"math"
	"sort"
)

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
	// textures is how much the power may vary within a refresh period beyond
	// what its noise from tick to tick says, as with a load that repeats nearly
	// in step with the ticks. Load that is rough at one scale is likely to be
	// rough at another.
	textures = []float64{0, 0.6, 1.5}
)

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
const credible = 0.017

// closed is the solution of a problem: the distribution of the energy, in
// joules, and its hard bounds.
type closed struct {
	mean, low, high float64
	least, most     float64
}

// add joins an independent part.
func (c *closed) add(d closed) {
	down := math.Hypot(c.mean-c.low, d.mean-d.low)
	up := math.Hypot(c.high-c.mean, d.high-d.mean)
	c.mean += d.mean
	c.low, c.high = c.mean-down, c.mean+up
	c.least, c.most = c.least+d.least, c.most+d.most
}

// shift adds an amount that is known exactly.
func (c *closed) shift(joules float64) {
	c.mean, c.low, c.high = c.mean+joules, c.low+joules, c.high+joules
	c.least, c.most = c.least+joules, c.most+joules
}

// solve weighs all hypotheses. u is how restless the power is.
func (p *problem) solve(u unrest) closed {
	var mix mixture
	tails := tails
	if len(p.spans) > 1 {
		tails = fineTails
	}
	p.each(ramps, math.IsInf(p.start, 0), func(ramp, wr float64) {
		p.each(tails, math.IsInf(p.end, 0), func(tail, wt float64) {
			shape := p.shape(ramp, tail)
			for _, n := range onNoise {
				for _, m := range offNoise {
					px := texturePrior(max(n.value, m.value))
					for i, x := range textures {
						c := p.posterior(shape, n.value, m.value, x)
						c.weight += math.Log(wr * wt * n.prior * m.prior * px[i])
						c.alike = alikeSlack * (ramp + tail) * float64(len(p.spans)) * math.Abs(p.rough[on]-p.rough[gap])
						mix = append(mix, c)
					}
				}
			}
		})
	})
	mix = mix.normalize()
	mean := mix.mean()
	extra := math.Hypot(p.restless(u), p.misplaced()) + mix.alike()
	c := p.bounds()
	c.mean = min(max(mean, c.least), c.most)
	c.low = max(c.mean-math.Hypot(mean-mix.quantile(credible), extra), c.least)
	c.high = min(c.mean+math.Hypot(mix.quantile(1-credible)-mean, extra), c.most)
	return c
}

// bounds returns what the counter allows at the least and at the most.
func (p *problem) bounds() closed {
	c := closed{least: -p.quantum, most: p.quantum}
	const sure = 4 // standard deviations
	for _, q := range p.pieces {
		if q.t1+sure*q.sd1 > p.start && q.t0-sure*q.sd0 < p.end {
			c.most += q.energy
		}
		if q.off() == 0 && q.t0-sure*q.sd0 >= p.start && q.t1+sure*q.sd1 <= p.end {
			c.least += q.energy
		}
	}
	c.least = max(c.least, 0)
	return c
}

// misplaced is a half-width for the ticks around the edges being somewhere else
// than the line through all ticks says, as happens when reads are late or slow
// for the refresh period.
func (p *problem) misplaced() float64 {
	v := 0.0
	for _, q := range p.pieces {
		if q.on > 0 && q.off() > 0 {
			v += sq(p.rough[on] * max(q.sd0, q.sd1))
		}
	}
	return 1.3 * math.Sqrt(v)
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
	on, off [levels]float64
	// slack is the energy by which a ramp or tail may differ from the
	// exponential.
	slackOn, slackOff float64
}

// shape returns the rows of the pieces for one ramp and tail. Every start of a
// span has the ramp, from the level before or from that of the gaps, and every
// end the tail.
func (p *problem) shape(ramp, tail float64) []row {
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

// modelSlack is by how much of its energy a ramp or tail may differ from the
// exponential.
const modelSlack = 0.07

// alikeSlack is that share where it is the same at every edge of a window with
// many pauses, and does not average out.
const alikeSlack = 0.1

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

// firstSpan returns the index of the first span that ends after t.
func (p *problem) firstSpan(t float64) int {
	return sort.Search(len(p.spans), func(k int) bool { return p.spans[k].end > t })
}

// variances returns the variances of the two parts of a piece.
func (p *problem) variances(q piece, r row, nOn, nOff, texture float64) (vOn, vOff float64) {
	b, t := p.rough[on], p.period
	vOn = sq(nOn*b)*t*q.on + sq(r.slackOn)
	if off := q.off(); off > 0 && q.on > 0 {
		reach := q.on * min(off, t) / (q.on + min(off, t))
		vOn += sq(texture * b * reach)
		if nOff >= roughOff {
			vOff += sq(texture * (p.rough[before]*q.before + p.rough[after]*q.after + p.rough[gap]*q.gap) / off * reach)
		}
	}
	vOff += sq(nOff)*t*(sq(p.rough[before])*q.before+sq(p.rough[after])*q.after) + sq(nOn*p.rough[gap])*t*q.gap + sq(r.slackOff)
	// A knot that is misplaced moves energy across it, at the power there.
	for _, k := range [2]struct{ t, sd float64 }{{q.t0, q.sd0}, {q.t1, q.sd1}} {
		switch {
		case k.t < p.start:
			vOff += sq(p.rough[before] * k.sd)
		case k.t > p.end:
			vOff += sq(max(p.rough[after], q.energy/q.length()*min(1, q.after/q.length())) * k.sd)
		default:
			vOn += sq(b * k.sd)
		}
	}
	vOn += sq(p.quantum)/6 + 1e-12
	return vOn, vOff
}

// posterior returns the distribution of the energy that counts under one
// hypothesis; weight is the log of its marginal likelihood.
func (p *problem) posterior(rows []row, nOn, nOff, texture float64) component {
	var n [levels][levels]float64 // precision of the levels
	var h [levels]float64
	mean, sd := p.maxPower/2, p.maxPower*0.6
	for i := range n {
		m, s := mean, sd
		if i == gap {
			m, s = p.rough[gap], math.Abs(p.rough[on]-p.rough[before])/2+0.05*p.rough[on]+1
		}
		n[i][i], h[i] = 1/sq(s), m/sq(s)
	}
	logL, product, fixed, rest := 0.0, 1.0, 0.0, 0.0
	var g [levels]float64 // what the levels add to the energy that counts
	for k, q := range p.pieces {
		r := &rows[k]
		vOn, vOff := p.variances(q, *r, nOn, nOff, texture)
		v := vOn + vOff
		share := vOn / v // of what the levels leave unexplained
		if q.off() == 0 {
			share = 1
		} else if q.on == 0 {
			share = 0
		}
		var x [levels]float64
		for i := range x {
			x[i] = r.on[i] + r.off[i]
			g[i] += r.on[i] - share*x[i]
		}
		fixed += share * q.energy
		if q.on > 0 && q.off() > 0 {
			rest += vOn * vOff / v
		}
		for i := range x {
			if x[i] == 0 {
				continue
			}
			xv := x[i] / v
			for j := range i + 1 { // the lower triangle is all that is used
				n[i][j] += xv * x[j]
			}
			h[i] += xv * q.energy
		}
		product *= v
		if product < 1e-100 || product > 1e100 || k == len(p.pieces)-1 {
			logL -= math.Log(product) / 2
			product = 1
		}
		logL -= sq(q.energy) / v / 2
	}
	theta, spread, logDet, quad := solveNormal(n, h, g)
	for i := range g {
		fixed += g[i] * theta[i]
	}
	return component{mean: fixed, sd: math.Sqrt(spread + rest), weight: logL + (quad-logDet)/2}
}

// solveNormal solves n θ = h by Cholesky decomposition. It returns θ, the
// variance gᵀ n⁻¹ g, log det n and hᵀθ.
func solveNormal(n [levels][levels]float64, h, g [levels]float64) (theta [levels]float64, spread, logDet, quad float64) {
	var l [levels][levels]float64
	for i := range n {
		for j := range i + 1 {
			s := n[i][j]
			for k := range j {
				s -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][i] = math.Sqrt(max(s, 1e-300))
				logDet += 2 * math.Log(l[i][i])
			} else {
				l[i][j] = s / l[j][j]
			}
		}
	}
	var y, z [levels]float64
	for i := range n {
		y[i], z[i] = h[i], g[i]
		for k := range i {
			y[i] -= l[i][k] * y[k]
			z[i] -= l[i][k] * z[k]
		}
		y[i] /= l[i][i]
		z[i] /= l[i][i]
		spread += z[i] * z[i]
		quad += y[i] * y[i]
	}
	for i := levels - 1; i >= 0; i-- {
		theta[i] = y[i]
		for k := i + 1; k < levels; k++ {
			theta[i] -= l[k][i] * theta[k]
		}
		theta[i] /= l[i][i]
	}
	return theta, spread, logDet, quad
}
