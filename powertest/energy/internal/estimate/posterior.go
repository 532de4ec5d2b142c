package estimate

import "math"

// posterior is the distribution of what the targets of a model used, under a shape and
// a noise; weight is the log of its likelihood and prior.
type posterior struct {
	weight   float64
	mean, sd []float64 // of each target of the model
	calm     float64   // 1 where the noise is not the largest, or 0
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

// priors returns the means and standard deviations of the unknowns under a shape.
func (m *model) priors(h *shape) (mean, sd vector) {
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
			shift = max(h.early, h.hold)
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
	return mean, sd
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

// posterior returns what the rows say under a noise, given the priors of a shape.
//
// What a cell used is what its levels say, and its share of what they leave of the
// piece: cells add up to pieces, whatever the levels are.
func (m *model) posterior(mean, sd *vector, n *noise) posterior {
	s := &m.scratch
	if n.idle {
		mean, sd = m.idlePauses(mean, sd)
	}
	s.system.reset(m.size, mean, sd)
	s.clear(len(m.levels))
	for i := range m.pieces {
		q := &m.pieces[i]
		cells, _ := m.of(i)
		for len(s.shares) < len(cells) {
			s.shares = append(s.shares, 0)
		}
		v := s.shares[:len(cells)]
		total := m.variances(q.length(), cells, n, v)
		cols, x, by := m.rows.of(i)
		s.system.observe(cols, x, q.energy, total)
		if len(cells) == 1 {
			s.means[cells[0].level] += q.energy
			continue
		}
		for j, c := range cells {
			share := v[j] / total
			s.means[c.level] += share * q.energy
			g := &s.gains[c.level]
			for a, col := range cols {
				g[col] += by[a*len(cells)+j] - share*x[a]
			}
			row := s.moves[c.level*len(m.levels):]
			row[c.level] += v[j]
			for k, d := range cells {
				row[d.level] -= share * v[k]
			}
		}
	}
	return m.add(s.system.solve())
}

// idlePauses returns priors by which the device is idle in pauses.
func (m *model) idlePauses(mean, sd *vector) (*vector, *vector) {
	a, b, c := *mean, *sd, m.levels[m.local[pause]].column
	a[c], b[c] = m.quiet.watts, m.quiet.sd
	return &a, &b
}

// clear makes room for levels.
func (s *scratch) clear(levels int) {
	if len(s.means) < levels {
		s.means, s.gains, s.moves = make([]float64, levels), make([]vector, levels), make([]float64, levels*levels)
	}
	clear(s.means)
	clear(s.gains)
	clear(s.moves)
}

// add adds up the levels of each target.
func (m *model) add(theta vector) posterior {
	s := &m.scratch
	n := len(m.targets)
	if len(s.room) < 2*n {
		s.room = make([]float64, 512*n)
	}
	out := posterior{weight: s.system.weight, mean: s.room[:n:n], sd: s.room[n : 2*n : 2*n]}
	s.room = s.room[2*n:]
	for i, t := range m.targets {
		var g vector
		variance := 0.0
		for j, l := range m.levels {
			if !m.tl.labels[l.label].open[t] {
				continue
			}
			out.mean[i] += s.means[j]
			for c := range m.size {
				g[c] += s.gains[j][c]
			}
			for k, d := range m.levels {
				if m.tl.labels[d.label].open[t] {
					variance += s.moves[j*len(m.levels)+k]
				}
			}
		}
		for c := range m.size {
			out.mean[i] += g[c] * theta[c]
		}
		out.sd[i] = math.Sqrt(max(variance, 0) + s.system.variance(&g))
	}
	return out
}
