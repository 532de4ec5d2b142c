package estimate

import (
	"math"
	"slices"
)

// posterior is the distribution of what the targets of a model used, under a shape and
// a noise; weight is the log of its likelihood and prior.
type posterior struct {
	weight float64
	first  int     // of the energies of the model's targets
	calm   float64 // 1 where the noise is not the largest, or 0
	number [2]int  // of the shape
}

// What is believed of an edge's own energy, as seconds of the step in power.
const (
	// kernelSlack is by how much of its energy a ramp or tail may differ from the
	// exponential, and shiftSlack by how much of it a shift.
	kernelSlack = 0.07
	shiftSlack  = 0.25
	// Where edges of a kind are more than fewEdges, what they have in common adds
	// up: manyFloor in any case, and manySlack of what the shape says.
	fewEdges  = 2
	manyFloor = 0.003
	manySlack = 0.35
	// innerSlack is for power that changes within a load before the mark: a
	// client hears of it late.
	innerSlack = 0.006
)

// setPriors sets the means and standard deviations of the unknowns under a shape, of those
// that the rows have: nothing is learnt of the others.
func (m *model) setPriors(h *shape) {
	var mean, sd vector
	top := 0.0
	for _, l := range m.levels {
		mean[l.column], sd[l.column] = l.mean, l.sd
		if l.active {
			top = max(top, l.rough)
		}
	}
	m.fringes(h, top, &mean, &sd)
	for i := range m.kinds {
		k := &m.kinds[i]
		step := math.Abs(m.levels[k.to].rough - m.levels[k.from].rough)
		tau, shift := h.tail, 0.0
		if m.up(k) {
			tau = h.ramp
		}
		switch {
		case m.rises(k):
			shift = h.late
		case m.falls(k):
			shift = max(h.early, h.over, h.hold)
		}
		slack := kernelSlack*tau + shiftSlack*shift
		if k.number > fewEdges {
			slack = manyFloor + manySlack*max(tau, shift)
		}
		if k.coef >= 0 {
			sd[k.coef] = slack*step + 1e-3
		}
		if k.inner >= 0 {
			sd[k.inner] = innerSlack*step + 1e-3
		}
	}
	m.choose(&mean, &sd)
}

// choose takes in the priors of the unknowns that the rows have.
func (m *model) choose(mean, sd *vector) {
	s := &m.scratch
	s.mean, s.sd = s.mean[:0], s.sd[:0]
	for _, c := range m.rows.used {
		s.mean, s.sd = append(s.mean, mean[c]), append(s.sd, sd[c])
	}
}

// fringes sets the levels outside of the load, or inside, near its edges; top is the
// level of the load.
func (m *model) fringes(h *shape, top float64, mean, sd *vector) {
	var lead, hold float64 // levels outside
	for i := range m.kinds {
		k := &m.kinds[i]
		if m.rises(k) && k.from == m.local[before] {
			lead = max(lead, m.levels[k.from].rough)
		}
		if m.falls(k) {
			hold = max(hold, m.levels[k.to].rough)
		}
	}
	for i, off := range [2]float64{lead, hold} {
		if off < 0.6*top {
			mean[m.lead+i], sd[m.lead+i] = off+0.5*(top-off), 0.4*(top-off)+1
		} else {
			mean[m.lead+i], sd[m.lead+i] = 0.3*top, 0.25*top+1
		}
	}
	if h.burst > 0 {
		mean[m.lead], sd[m.lead] = top, 0.4*top+1
	}
	if h.drain > 0 {
		mean[m.lead+1], sd[m.lead+1] = 0.8*top, 0.3*top+1
	}
}

// roughOff is the noise outside from which on the outside has texture too.
const roughOff = 0.1

// scatter is a noise laid over the pieces of a model: all that does not depend on the shape.
type scatter struct {
	noise
	totals []float64 // the variance of each piece
	shares []float64 // of what is left of a piece, what each target that splits it gets
	// mean and variance are what of each target the levels do not say.
	mean, variance []float64
	weight         float64 // the log of its prior, and of the likelihood what depends on it alone
	heard          float64 // the best weight under any shape so far
}

// scatter lays a noise over the pieces.
//
// What a cell used is what its levels say, and its share of what they leave of the
// piece: cells add up to pieces, whatever the levels are.
func (m *model) scatter(n noise) *scatter {
	targets := len(m.targets)
	s := &scatter{noise: n, weight: n.logPrior, heard: math.Inf(-1), mean: make([]float64, targets), variance: make([]float64, targets)}
	scale := product{rest: 1}
	var v []float64
	for i, q := range m.pieces {
		cells, _ := m.of(i)
		v = slices.Grow(v[:0], len(cells))[:len(cells)]
		total := m.variances(q.length(), cells, &n, v)
		s.totals = append(s.totals, total)
		s.weight -= sq(q.energy) / total / 2
		scale.times(total)
		splits := m.splits(i)
		for t := range m.targets {
			open := 0.0
			for j, c := range cells {
				if m.opens(c.level, t) {
					open += v[j]
				}
			}
			s.mean[t] += open / total * q.energy
			s.variance[t] += open * (total - open) / total
			if len(splits) > 0 && splits[0] == t {
				s.shares, splits = append(s.shares, open/total), splits[1:]
			}
		}
	}
	s.weight -= (scale.log + math.Log(scale.rest)) / 2
	return s
}

// variances sets the variances of the cells of a piece, and returns their sum.
func (m *model) variances(length float64, cells []cell, n *noise, v []float64) (total float64) {
	for j := range cells {
		c := &cells[j]
		l := &m.levels[c.level]
		size := n.off
		if l.active {
			size = n.on
		}
		v[j] = sq(size*l.rough)*m.period*c.secs + c.knots
		if !n.idle {
			v[j] += sq(l.unrest * c.secs)
		}
		if off := length - c.secs; n.texture > 0 && off > 1e-6 && c.secs > 1e-6 && (l.active || n.off >= roughOff) {
			reach := c.secs * min(off, m.period) / (c.secs + min(off, m.period))
			v[j] += sq(n.texture * l.rough * reach)
		}
		total += v[j]
	}
	v[0] += sq(m.quantum)/6 + 1e-12
	return total + sq(m.quantum)/6 + 1e-12
}

// likelihood returns the log of the likelihood of the pieces and of the prior of the noise,
// given the rows and priors of a shape.
func (m *model) likelihood(n *scatter) float64 {
	s := &m.scratch
	if i := slices.Index(m.rows.used, m.pauseColumn); n.idle && i >= 0 {
		mean, sd := s.mean[i], s.sd[i]
		s.mean[i], s.sd[i] = m.quiet.watts, m.quiet.sd
		s.system.reset(s.mean, s.sd)
		s.mean[i], s.sd[i] = mean, sd
	} else {
		s.system.reset(s.mean, s.sd)
	}
	for i := range m.pieces {
		cols, x, _ := m.rows.of(i)
		s.system.observe(cols, x, m.pieces[i].energy, n.totals[i])
	}
	return n.weight + s.system.factor()
}

// posterior returns what the targets used, after likelihood.
func (m *model) posterior(n *scatter, weight float64) posterior {
	s := &m.scratch
	targets, size := len(m.targets), s.system.size
	s.gains = slices.Grow(s.gains[:0], targets*size)[:targets*size]
	clear(s.gains)
	shares := n.shares
	for i := range m.pieces {
		splits := m.splits(i)
		if len(splits) == 0 {
			continue
		}
		cols, x, by := m.rows.of(i)
		for k, t := range splits {
			g := s.gains[t*size:]
			for a, c := range cols {
				g[c] += by[a*len(splits)+k] - shares[k]*x[a]
			}
		}
		shares = shares[len(splits):]
	}
	p := posterior{weight: weight, first: len(m.energies)}
	theta := s.system.solve()
	for t := range m.targets {
		g := s.gains[t*size : (t+1)*size]
		e := normal{mean: n.mean[t], sd: math.Sqrt(max(n.variance[t], 0) + s.system.variance(g))}
		for c, x := range g {
			e.mean += x * theta[c]
		}
		m.energies = append(m.energies, e)
	}
	return p
}
