package energy

import "math"

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
	logPrior := 0.0
	for i := range n {
		m, s := mean, sd
		if i == gap {
			m, s = p.rough[gap], math.Abs(p.rough[on]-p.rough[before])/2+0.05*p.rough[on]+1
		}
		n[i][i], h[i] = 1/sq(s), m/sq(s)
		logPrior -= math.Log(s) + sq(m/s)/2
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
	return component{mean: fixed, sd: math.Sqrt(spread + rest), weight: logL + logPrior + (quad-logDet)/2}
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
