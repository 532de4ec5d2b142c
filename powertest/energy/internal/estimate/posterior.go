package estimate

import "math"

// roughOff is the noise outside from which on the outside has sub-tick variation too.
const roughOff = 0.1

// variances returns the variances of the two parts of a piece.
func (p *problem) variances(q piece, r row, h hypothesis) (vOn, vOff float64) {
	b, t := p.rough[on], p.period
	vOn = sq(h.nOn*b)*t*q.on + sq(r.slackOn)
	if off := q.off(); off > 0 && q.on > 0 {
		reach := q.on * min(off, t) / (q.on + min(off, t))
		vOn += sq(h.subTick * b * reach)
		if h.nOff >= roughOff {
			vOff += sq(h.subTick * (p.rough[before]*q.before + p.rough[after]*q.after + p.rough[gap]*q.gap) / off * reach)
		}
	}
	vOff += sq(h.nOff)*t*(sq(p.rough[before])*q.before+sq(p.rough[after])*q.after) + sq(h.nOn*p.rough[gap])*t*q.gap + sq(r.slackOff)
	// A tick that is misplaced moves energy across it, at the power there.
	for _, k := range [2]struct{ t, sd float64 }{{q.t0, q.sd0}, {q.t1, q.sd1}} {
		switch {
		case k.t < p.start:
			vOff += sq(p.rough[before] * k.sd)
		case k.t > p.end:
			vOff += sq(max(p.rough[after], q.power()*min(1, q.after/q.length())) * k.sd)
		default:
			vOn += sq(b * k.sd)
		}
	}
	vOn += sq(p.quantum)/6 + 1e-12
	return vOn, vOff
}

// levelPrior returns the precision of the levels of power and the precision times
// their mean, before anything is known of the pieces, and the log of the density.
func (p *problem) levelPrior() (n matrix, h vector, logPrior float64) {
	mean, sd := p.maxPower/2, p.maxPower*0.6
	for i := range n {
		m, s := mean, sd
		if i == gap {
			m, s = p.rough[gap], math.Abs(p.rough[on]-p.rough[before])/2+0.05*p.rough[on]+1
		}
		n[i][i], h[i] = 1/sq(s), m/sq(s)
		logPrior -= math.Log(s) + sq(m/s)/2
	}
	return n, h, logPrior
}

// posterior returns the distribution of the energy that counts under one
// hypothesis; weight is the log of its marginal likelihood.
func (p *problem) posterior(rows []row, hyp hypothesis) component {
	n, h, logPrior := p.levelPrior()
	logL, product, fixed, rest := 0.0, 1.0, 0.0, 0.0
	var g vector // what the levels add to the energy that counts
	for k, q := range p.pieces {
		r := &rows[k]
		vOn, vOff := p.variances(q, *r, hyp)
		v := vOn + vOff
		share := vOn / v // of what the levels leave unexplained
		if q.off() == 0 {
			share = 1
		} else if q.on == 0 {
			share = 0
		}
		var x vector
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
	return component{mean: fixed, sd: math.Sqrt(spread + rest), weight: logL + logPrior + (quad-logDet)/2}
}

// correlatedSlack is the share of its energy by which a ramp or tail may differ from
// the exponential in the same way at every edge of a window with many pauses, which
// does not average out.
const correlatedSlack = 0.1

// weigh returns the distribution under each hypothesis.
func (p *problem) weigh(hs []hypothesis) mixture {
	mix := make(mixture, len(hs))
	var rows []row
	for i, h := range hs {
		if i == 0 || h.ramp != hs[i-1].ramp || h.tail != hs[i-1].tail {
			rows = p.rows(h.ramp, h.tail)
		}
		c := p.posterior(rows, h)
		c.weight += h.logPrior
		c.correlated = correlatedSlack * (h.ramp + h.tail) * float64(len(p.spans)) * math.Abs(p.rough[on]-p.rough[gap])
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

// mixture returns the distribution of the energy that counts, and the log of its
// likelihood.
func (p *problem) mixture() (mixture, float64) {
	return p.weigh(p.likely(p.hypotheses())).normalize()
}
