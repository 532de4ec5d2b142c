package estimate

import (
	"math"
	"slices"
)

// piece is the time between two timed ticks: energy was used from t0 to t1.
type piece struct {
	t0, t1   float64
	sd0, sd1 float64 // of t0 and t1
	energy   float64
}

func (p piece) length() float64 { return p.t1 - p.t0 }
func (p piece) power() float64  { return p.energy / p.length() }

// model is pieces of time with what was open in them. For a given shape of the edges the
// energy of each is linear in a level of power for each label, the levels of fringes,
// and what the edges of each kind add.
type model struct {
	pieces   []piece
	tl       *timeline
	lo, hi   int // the parts that the pieces lie in
	period   float64
	maxPower float64 // W; what the device can draw at most
	quantum  float64 // J; resolution of the counter
	brief    bool
	quiet    quiet
	levels   []level
	local    []int // of labels of the timeline, in levels; or -1
	targets  []int // that are open somewhere
	kinds    []kind
	kindOf   []int // of the edge that a part begins with, from lo on; or -1
	lead     int   // the column of what may lead the first edge; hold, after edges, is next
	size     int   // number of columns
	cells    []cell
	stretch  []stretch
	first    [][3]int // of each piece, in cells, slices and split
	// split is the targets, as indices, that are open in some of the cells of a piece.
	split       []int
	pauseColumn uint8 // of the level of pauses, if there is one
	rows        rows
	energies    []normal // of the targets, under one hypothesis after the other
	scratch     scratch
}

// level is the power of a label.
type level struct {
	label    int
	column   int
	active   bool // the load is meant to run
	rough    float64
	mean, sd float64 // before anything is known
	unrest   float64 // W; by how much one stretch may differ from the next
}

// maxLevels is how many labels have a level of their own in a model; others share one.
const maxLevels = 32

// kind is the edges from one label to another. What they add is alike on all of them:
// coef is its column, and inner that of what comes before edges within the load; or -1.
type kind struct{ from, to, number, coef, inner int }

// quiet is the power of pauses in which the device is idle, and its standard deviation.
type quiet struct{ watts, sd float64 }

// cell is the part of a piece that has one label, for secs seconds; knots is the
// variance that ticks which are misplaced bring, in J².
type cell struct {
	level int
	secs  float64
	knots float64
}

// stretch is a stretch of time within a cell. share is less than 1 in merged spans.
type stretch struct {
	a, b, share float64
	cell        int
}

// leastPower is what any device draws at most, at the least, in W: noise is relative to
// it, and without any nothing has a likelihood.
const leastPower = 1e-3

// newModel lays the timeline over pieces.
func newModel(in *Input, tl *timeline, pieces []piece) *model {
	m := &model{
		pieces: pieces, tl: tl, lo: tl.at(pieces[0].t0), hi: tl.at(pieces[len(pieces)-1].t1),
		period: in.Period.Seen / second, quantum: in.Resolution, brief: in.Brief,
	}
	m.maxPower = mostPower(in.PowerLimit, pieces, m.period)
	m.label()
	m.lay()
	m.setRough()
	m.setPause(in)
	m.addKinds()
	m.addKnots()
	return m
}

const (
	// overLimit is how much of its power limit a device draws at the most: it is possible for
	// a second or so, until the limit is kept. On an H100 it was 1.17 (docs/hardware.md).
	overLimit = 1.5
	// overSeen is by how much more it may draw than was seen, where there is no limit.
	overSeen = 2
	// leastPiece is the share of a refresh period from which on a piece shows a power: what
	// is shorter lies between ticks of which one is mistimed, or double.
	leastPiece = 0.5
)

// mostPower returns what a device can draw at most, in watts, by its power limit, if there
// is one, and by what was seen.
func mostPower(limit float64, pieces []piece, period float64) float64 {
	seen, joules, secs := 0.0, 0.0, 0.0
	for _, q := range pieces {
		joules, secs = joules+q.energy, secs+q.length()
		if q.length() >= leastPiece*period {
			seen = max(seen, q.power())
		}
	}
	seen = max(seen, joules/secs)
	if limit > 0 {
		return max(limit, min(1.05*seen, overLimit*limit), leastPower)
	}
	return max(overSeen*1.05*seen, leastPower)
}

// label finds the labels of the pieces, and the targets that are open in them.
func (m *model) label() {
	m.local = make([]int, len(m.tl.labels))
	for i := range m.local {
		m.local[i] = -1
	}
	for _, p := range m.tl.parts[m.lo : m.hi+1] {
		for _, d := range p.mix {
			if m.local[d.label] < 0 {
				n := len(m.levels)
				m.local[d.label] = n
				m.levels = append(m.levels, level{label: d.label, column: min(n, maxLevels-1), mean: m.maxPower / 2, sd: m.maxPower * 0.6})
			}
		}
	}
	m.lead = min(len(m.levels), maxLevels)
	m.size = m.lead + 2
	for t := range m.tl.labels[before].open {
		if slices.ContainsFunc(m.levels, func(l level) bool { return m.tl.labels[l.label].open[t] }) {
			m.targets = append(m.targets, t)
		}
	}
}

// lay cuts the pieces into cells.
func (m *model) lay() {
	k := m.lo
	for _, q := range m.pieces {
		begin := len(m.cells)
		m.first = append(m.first, [3]int{begin, len(m.stretch), len(m.split)})
		for m.tl.parts[k].end <= q.t0 {
			k++
		}
		for j := k; j <= m.hi && m.tl.parts[j].start < q.t1; j++ {
			p := &m.tl.parts[j]
			a, b := max(q.t0, p.start), min(q.t1, p.end)
			for _, d := range p.mix {
				l := m.local[d.label]
				n := begin
				for n < len(m.cells) && m.cells[n].level != l {
					n++
				}
				if n == len(m.cells) {
					m.cells = append(m.cells, cell{level: l})
				}
				m.cells[n].secs += d.share * (b - a)
				m.stretch = append(m.stretch, stretch{a, b, d.share, n - begin})
			}
		}
		for t := range m.targets {
			closed := func(c cell) bool { return !m.opens(c.level, t) }
			if cells := m.cells[begin:]; slices.ContainsFunc(cells, closed) && slices.ContainsFunc(cells, func(c cell) bool { return !closed(c) }) {
				m.split = append(m.split, t)
			}
		}
	}
	m.first = append(m.first, [3]int{len(m.cells), len(m.stretch), len(m.split)})
}

// opens reports whether the target of an index is open where a level is.
func (m *model) opens(level, target int) bool {
	return m.tl.labels[m.levels[level].label].open[m.targets[target]]
}

// splits returns the targets, as indices, that are open in a part of piece i.
func (m *model) splits(i int) []int { return m.split[m.first[i][2]:m.first[i+1][2]] }

// of returns the cells and the slices of piece i.
func (m *model) of(i int) ([]cell, []stretch) {
	return m.cells[m.first[i][0]:m.first[i+1][0]], m.stretch[m.first[i][1]:m.first[i+1][1]]
}

// setRough estimates the levels by least squares with noise of 5 % of the power limit,
// as if power stepped at the edges: for the size of the noise.
func (m *model) setRough() {
	var mean, sd vector
	for i := range m.size {
		mean[i], sd[i] = m.maxPower/3, m.maxPower
	}
	for i, q := range m.pieces {
		// The last one after the edges: the tail is over by then, if it is at all.
		if cells, _ := m.of(i); len(cells) == 1 && m.levels[cells[0].level].label == after {
			mean[m.levels[cells[0].level].column], sd[m.levels[cells[0].level].column] = q.power(), 1
		}
	}
	m.setRows(shape{})
	m.choose(&mean, &sd)
	m.scratch.system.reset(m.scratch.mean, m.scratch.sd)
	for i, q := range m.pieces {
		cols, x, _ := m.rows.of(i)
		m.scratch.system.observe(cols, x, q.energy, sq(0.05*m.maxPower)*m.period*q.length()+1e-9)
	}
	m.scratch.system.factor()
	theta := m.scratch.system.solve()
	for i, c := range m.rows.used {
		mean[c] = theta[i]
	}
	top, phased := 0.0, false
	for i := range m.levels {
		l := &m.levels[i]
		l.rough = min(max(mean[l.column], 0.02*m.maxPower), m.maxPower)
		if l.label == other || m.tl.labels[l.label].phased {
			l.active = true
		}
		if m.tl.labels[l.label].phased {
			top, phased = max(top, l.rough), true
		}
	}
	load := 0.0
	for _, l := range m.levels {
		if !m.tl.labels[l.label].apart && l.label >= fixedLabels {
			load = max(load, l.rough)
		}
	}
	for i := range m.levels {
		// What is between phases, or apart from the window, may be load or none.
		if l := &m.levels[i]; m.tl.labels[l.label].apart {
			l.active = l.rough > load/2
		} else if l.label >= fixedLabels && !l.active {
			l.active = !phased || l.rough > top/2
		}
	}
}

// pauseUnrest is by how much pauses differ from one to the next, as a share of the step in
// power.
const pauseUnrest = 0.3

// setPause narrows the level of pauses, and of the time between windows: where it is
// short, little shows it. Where no time outside of all windows is near, the lowest power
// that was seen at any time may be that of an idle device.
func (m *model) setPause(in *Input) {
	i := m.local[pause]
	if i < 0 {
		return
	}
	idle, load := math.Inf(1), 0.0
	for j, l := range m.levels {
		if l.label == before || l.label == after {
			idle = min(idle, l.rough)
		} else if j != i {
			load = max(load, l.rough)
		}
	}
	least := min(idle, load)
	if math.IsInf(idle, 1) {
		least = 0
		for k := 1; k < len(in.Ticks); k++ {
			if a, b := in.Ticks[k-1], in.Ticks[k]; a.Epoch == b.Epoch && b.Mid()-a.Mid() > in.Period.Seen/2 {
				idle = min(idle, meanPower(a, b))
			}
		}
	}
	idle = min(idle, load)
	p := &m.levels[i]
	m.pauseColumn = uint8(p.column)
	p.mean, p.sd = (least+load)/2, (load-least)/2+0.05*load+1
	p.unrest = pauseUnrest * (load - least)
	m.quiet = quiet{idle, 0.1*(load-idle) + 0.02*load + 1}
}

// addKinds finds the kinds of edges, and gives them columns as far as there are any.
func (m *model) addKinds() {
	column := func() int {
		if m.size == columns {
			return -1
		}
		m.size++
		return m.size - 1
	}
	m.kindOf = m.kindOf[:0]
	for j := m.lo; j <= m.hi; j++ {
		m.kindOf = append(m.kindOf, -1)
		if j == m.lo || m.tl.parts[j].mixed() || m.tl.parts[j-1].mixed() {
			continue
		}
		from, to := m.local[m.tl.parts[j-1].mix[0].label], m.local[m.tl.parts[j].mix[0].label]
		n := slices.IndexFunc(m.kinds, func(k kind) bool { return k.from == from && k.to == to })
		if n < 0 {
			n = len(m.kinds)
			k := kind{from: from, to: to, coef: column(), inner: -1}
			if m.levels[from].active && m.levels[to].active {
				k.inner = column()
			}
			m.kinds = append(m.kinds, k)
		}
		m.kinds[n].number++
		m.kindOf[j-m.lo] = n
	}
}

// rises reports whether the load begins at edges of the kind, and falls whether it ends.
// Edges within the load, or outside of it, do neither.
func (m *model) rises(k *kind) bool { return !m.levels[k.from].active && m.levels[k.to].active }
func (m *model) falls(k *kind) bool { return m.levels[k.from].active && !m.levels[k.to].active }

// up reports whether power goes up at edges of the kind.
func (m *model) up(k *kind) bool { return m.levels[k.to].rough > m.levels[k.from].rough }

// addKnots adds what ticks that are misplaced bring: energy moves across them, at the
// power there.
func (m *model) addKnots() {
	for i, q := range m.pieces {
		cells, stretches := m.of(i)
		for _, s := range stretches {
			if s.a == q.t0 {
				cells[s.cell].knots += sq(s.share * m.steepest(q.t0, q.sd0) * q.sd0)
			}
			if s.b == q.t1 {
				cells[s.cell].knots += sq(s.share * m.steepest(q.t1, q.sd1) * q.sd1)
			}
		}
	}
}

// steepest returns the highest rough level within reach of a tick: one that may lie on
// either side of an edge must not look like load that leads it.
func (m *model) steepest(t, sd float64) float64 {
	reach := 2*sd + 0.0005
	top := 0.0
	for j := max(m.tl.at(t-reach), m.lo); j <= m.hi && m.tl.parts[j].start < t+reach; j++ {
		for _, d := range m.tl.parts[j].mix {
			top = max(top, m.levels[m.local[d.label]].rough)
		}
	}
	return top
}
