package estimate

import (
	"math"
	"slices"
)

// maxGap is how many refresh periods (times the number of ticks passed over)
// may lie between two known ticks of a window with pauses.
const maxGap = 8

// Estimated is what [EstimateAlike] returns of a device.
type Estimated struct {
	Results []Result
	Err     error // nil or ErrNotBracketed
	// Edges is what this window shows and those before did.
	Edges Edges
}

// EstimateAlike returns of each device the energy of the spans, and then of each member, with
// the interval in which it lies in at least 95 % of windows. All of a device are of one
// posterior: their means add up where their spans do. The devices may work in lock-step: how
// the load begins and ends on one of them is then likely on the others.
func EstimateAlike(ins []Input) []Estimated {
	list, windows, weighed := make([]Estimated, len(ins)), make([]window, len(ins)), make([]*weighing, len(ins))
	for i := range ins {
		in, w, ok := &ins[i], &windows[i], false
		list[i].Edges = in.Edges
		if *w, ok = align(in); !ok {
			list[i].Err = ErrNotBracketed
		} else if !in.Recorded {
			weighed[i] = w.weigh(in)
		}
	}
	share(weighed)
	for i := range list {
		switch in, w := &ins[i], &windows[i]; {
		case list[i].Err != nil:
		case in.Recorded:
			list[i].Results = w.results(in, w.recorded(in))
		default:
			list[i].Results, list[i].Edges = w.results(in, weighed[i].energies(in)), weighed[i].edges
		}
	}
	return list
}

// results returns what the targets used.
func (w *window) results(in *Input, energies []estimate) []Result {
	gap := w.widest()
	results := make([]Result, len(w.targets))
	for i, spans := range w.targets {
		r := &results[i]
		*r = Result{From: in.Ticks[w.first].Lo, To: in.Ticks[w.last].Hi, Gap: gap}
		if len(spans) == 0 {
			continue
		}
		r.Ticks = inside(in.Ticks, spans)
		r.BeforeWatts, r.HasBefore = powerBefore(in, spans[0].Start)
		if whole := len(spans) == 1 && spans[0].counts(); !whole && gap > maxGap*in.Period.Expected()*float64(in.Period.Stride)/second {
			r.Err = ErrGap
			continue
		}
		r.Coarse = energies[i].passed > 0
		least, most := w.bounds(in, i)
		r.Mean, r.Low, r.High = energies[i].within(least, most, spans)
	}
	return results
}

// estimate is an energy with its interval, in joules.
type estimate struct {
	mean, low, high float64
	// bare says that nothing shows the power inside, and passed is how much energy may
	// lie elsewhere than is believed, because ticks were passed over. steep is the highest
	// power at its edges, in watts, on either side.
	bare          bool
	passed, steep float64
}

// plus adds an independent part.
func (e estimate) plus(d estimate) estimate {
	down := math.Hypot(e.mean-e.low, d.mean-d.low)
	up := math.Hypot(e.high-e.mean, d.high-d.mean)
	mean := e.mean + d.mean
	return estimate{mean, mean - down, mean + up, e.bare || d.bare, e.passed + d.passed, max(e.steep, d.steep)}
}

// widened returns it with a half-width that is independent of its own.
func (e estimate) widened(half float64) estimate {
	return e.plus(estimate{low: -half, high: half})
}

// credible is the probability left out on either side of the interval. It is
// smaller than the promised 2.5 %, since hypotheses are never all there are.
const credible = 0.0185

// leastFreedom is from how many degrees of freedom on anything is learnt of the noise. With
// fewer it is as likely as it was before.
const leastFreedom = 2

// student returns by how much wider an interval is whose noise was estimated with so many
// degrees of freedom: the 97.5 % quantile of Student's distribution by that of the normal
// one (expansion 26.7.5 of Abramowitz and Stegun, "Handbook of Mathematical Functions").
// The levels of noise are hypotheses, too, and few pieces say little of which is right.
func student(freedom int) float64 {
	n := float64(max(freedom, leastFreedom))
	const z2 = 1.96 * 1.96
	return 1 + (z2+1)/4/n + (5*z2*z2+16*z2+3)/96/(n*n)
}

// weighing is the hypotheses about a window, weighed: in a model for each cut.
type weighing struct {
	*window
	list       []piece
	cuts       [][2]int
	models     []*model
	posteriors [][]posterior
	period     float64
	brief      bool
	edges      Edges // what windows before showed; then this one, too
}

// weigh weighs the hypotheses by readings that were made near the ticks.
func (w *window) weigh(in *Input) *weighing {
	x := &weighing{window: w, list: pieces(w.ticks), period: in.Period.Seen / second, brief: in.Brief, edges: in.Edges}
	x.cuts = w.cuts(x.list)
	for _, cut := range x.cuts {
		m := newModel(in, w.tl, x.list[cut[0]:cut[1]])
		x.models, x.posteriors = append(x.models, m), append(x.posteriors, m.weigh(in))
	}
	return x
}

// energies returns the mixtures of the hypotheses.
func (w *weighing) energies(in *Input) []estimate {
	energies := w.known(w.list, w.cuts)
	goingOn := make([][]crossing, len(energies))
	var m *model
	for k := range w.models {
		m = w.models[k]
		all := w.posteriors[k]
		for i, t := range m.targets {
			mix := m.mixture(all, i)
			// Energies of parts are to add up, so all of them have the same weights.
			if len(w.targets) == 1 && m.local[after] >= 0 {
				mix = m.drawable(mix, t)
			}
			mix, _ = mix.normalize()
			e := m.doubts(in, t)
			mean, wider := mix.mean(), m.doubtedNoise(all)
			e.mean = mean
			e.low = mean - wider*(mean-mix.quantile(credible))
			e.high = mean + wider*(mix.quantile(1-credible)-mean)
			goingOn[t] = m.goingOn(goingOn[t], t, w.targets[t])
			energies[t] = energies[t].plus(e.widened(m.misplaced(t, in.Far)))
		}
	}
	for t, edges := range goingOn {
		less, more := m.hidden(in, edges)
		energies[t] = energies[t].plus(estimate{low: -less, high: more})
	}
	return energies
}

// doubtedNoise returns by how much wider an interval is since the noise is known from few
// pieces of the load: as far as it is believed to be small. More than the largest there is none.
func (m *model) doubtedNoise(all []posterior) float64 {
	n := -1 // what the level takes
	for i := range m.pieces {
		cells, _ := m.of(i)
		if slices.ContainsFunc(cells, func(c cell) bool { return m.levels[c.level].active }) {
			n++
		}
	}
	mix := make(mixture, len(all))
	for i, p := range all {
		mix[i] = component{mean: p.calm, weight: p.weight}
	}
	mix, _ = mix.normalize()
	least := student(len(m.pieces) - 1)
	if n < leastFreedom {
		return least
	}
	return least + max(student(n)-least, 0)*mix.mean()
}

// draws is what a device may draw around the end of its load, in units of what it can for
// long: some overshoot. Without a bound remains what looks at a part of the time only.
var draws = [3]weighted{{1, 0.75}, {1.3, 0.2}, {10, 0.05}}

// briefly is for how long it may draw any more, in seconds.
const briefly = 0.004

// drawable returns a mixture of a target's energy without what the device cannot draw: a
// piece that straddles the end often holds more than the time before it has room for. So
// what drains after the end is not taken for load.
func (m *model) drawable(mix mixture, target int) mixture {
	const (
		sure    = 5  // standard deviations
		matters = 14 // as a log: the bounds take at most 3 from the likeliest
	)
	var bounds [3][2]float64 // by draws
	for i, d := range draws {
		bounds[i][0], bounds[i][1] = m.drawn(target, d.value*m.maxPower)
	}
	top := math.Inf(-1)
	for _, c := range mix {
		top = max(top, c.weight)
	}
	out := make(mixture, 0, len(mix))
	for _, c := range mix {
		switch least, most := bounds[0][0], bounds[0][1]; {
		case c.weight < top-matters:
			continue
		case c.mean-sure*c.sd > least && c.mean+sure*c.sd < most:
			out = append(out, c)
			continue
		}
		for i, d := range draws {
			mean, v, mass := truncated(c.mean, c.sd, bounds[i][0], bounds[i][1])
			out = append(out, component{mean, math.Sqrt(v), c.weight + math.Log(d.prior*mass)})
		}
	}
	return out
}

// drawn returns the least and the most that a target can have used in the pieces if the
// device draws no more than a power.
func (m *model) drawn(target int, watts float64) (least, most float64) {
	for i, q := range m.pieces {
		on := 0.0
		cells, _ := m.of(i)
		for _, c := range cells {
			if m.tl.labels[m.levels[c.level].label].open[target] {
				on += c.secs
			}
		}
		off, slop := q.length()-on, briefly+2*(q.sd0+q.sd1)
		switch {
		case on == 0:
		case off < 1e-9:
			least, most = least+q.energy, most+q.energy
		default:
			least += max(q.energy-watts*(off+slop), 0)
			most += min(q.energy, watts*(on+slop))
		}
	}
	return least, most
}

// known returns what the targets used in the pieces that the cuts leave out: those open
// in the middle of a plain window.
func (w *window) known(list []piece, cuts [][2]int) []estimate {
	energies := make([]estimate, len(w.targets))
	for k := 1; k < len(cuts); k++ {
		for _, q := range list[cuts[k-1][1]:cuts[k][0]] {
			for i := range energies {
				if some, _ := w.tl.covers(i, q.t0, q.t1); some {
					e := &energies[i]
					e.mean, e.low, e.high = e.mean+q.energy, e.low+q.energy, e.high+q.energy
				}
			}
		}
	}
	return energies
}

// farSpans is by how much more the edges of many spans may be off where the
// ticks of the counter were not seen closely: in simulation, phases of 1 to 1.5
// refresh periods need that much.
const farSpans = 3

// misplaced is a half-width for the ticks around the edges of a target being somewhere
// else than the line through all ticks says, as happens when reads are late or slow
// for the refresh period.
func (m *model) misplaced(target int, far bool) float64 {
	v := 0.0
	m.straddling(target, func(q edgePiece) { v += sq(max(q.on, q.most) * max(q.sd0, q.sd1)) })
	if far && !m.tl.plain() {
		// What the ticks are off by is partly correlated, and edges are many.
		v *= sq(farSpans)
	}
	return 1.3 * math.Sqrt(v)
}

// edgePiece is a piece of which a part, secs, counts for a target. on is the highest level of
// that part, most and least are those of the other.
type edgePiece struct {
	piece
	on, most, least, secs float64
}

// straddling calls f for each piece of which a part counts for the target.
func (m *model) straddling(target int, f func(edgePiece)) {
	for i, q := range m.pieces {
		e := edgePiece{piece: q, least: math.Inf(1)}
		cells, _ := m.of(i)
		for _, c := range cells {
			if l := &m.levels[c.level]; m.tl.labels[l.label].open[target] {
				e.on, e.secs = max(e.on, l.rough), e.secs+c.secs
			} else {
				e.most, e.least = max(e.most, l.rough), min(e.least, l.rough)
			}
		}
		if e.on > 0 && e.most > 0 {
			f(e)
		}
	}
}

// coarsely is how many refresh periods a piece must last for ticks to have been
// passed over, or dropped, in it.
const coarsely = 2.5

// doubts returns what the hypotheses do not know of a target. Where load goes on over the
// edges of one that holds no refresh period, nothing shows the power inside. And where
// ticks next to an edge were passed over, nothing shows what the load did in a refresh
// period there, but that the device can draw no more than it can.
func (m *model) doubts(in *Input, target int) (e estimate) {
	period := in.Period.Expected() / second
	from, till, warm := math.Inf(1), math.Inf(-1), false
	for _, p := range m.tl.parts[m.lo : m.hi+1] {
		if m.tl.labels[p.mix[len(p.mix)-1].label].open[target] {
			from, till = min(from, p.start), max(till, p.end)
		}
	}
	m.straddling(target, func(q edgePiece) {
		warm = warm || q.most > q.on/2
		e.steep = max(e.steep, q.on, q.most)
		if q.length() > coarsely*period {
			most, least := min(q.energy, m.maxPower*q.secs), max(q.energy-m.maxPower*(q.length()-q.secs), 0)
			e.passed += max(most-least, 0)
		}
	})
	e.bare = warm && till-from < 0.9*m.period
	return e
}

// bounds returns what the counter allows a target at the least and at the most.
func (w *window) bounds(in *Input, target int) (least, most float64) {
	least, most = -in.Resolution, in.Resolution
	const sure = 4 // standard deviations
	for _, q := range pieces(w.ticks) {
		some, all := w.tl.covers(target, q.t0-sure*q.sd0, q.t1+sure*q.sd1)
		if some {
			most += q.energy
		}
		if all {
			least += q.energy
		}
	}
	return max(least, 0), most
}

// How well an edge is known at all, in seconds: between the call that marks it and the
// device's taking up or ending the work lie tenths of a millisecond, of which some are
// alike at all edges.
const (
	floorTime  = 0.0005
	floorAlike = 0.0003
)

// within returns the energy of a target, as far as the counter allows.
func (e estimate) within(least, most float64, spans []Span) (mean, low, high float64) {
	on := 0.0
	for _, s := range spans {
		on += float64(s.On) / second
	}
	n := float64(len(spans))
	e = e.widened(max(e.mean/on, e.steep) * math.Hypot(floorTime*math.Sqrt(2*n), floorAlike*n))
	if e.bare {
		e.low, e.high = least, most
	}
	if math.IsNaN(e.mean + e.low + e.high) {
		// No hypothesis has a likelihood: only what the counter allows is known.
		return (least + most) / 2, least, most
	}
	mean = min(max(e.mean, least), most)
	return mean, min(max(e.low-e.passed, least), mean), max(min(e.high+e.passed, most), mean)
}
