package estimate

import (
	"math"
	"slices"
)

// A load that repeats about once a refresh period, or several times, looks steady, whatever
// it does between two ticks. Where it goes on over an edge nothing shows how its energy
// divides there, but what the device can draw bounds it. What betrays it is the beat: of a load
// that is off the ticks by 3 % of a period, the power between ticks changes by 3 % of what it
// swings by, in runs of some ten ticks. So only what has looked steady for long, without such
// runs, hides little.

const (
	// inStep is how many refresh periods a load may be in step by chance.
	inStep = 12
	// beating is the beat, and unsteady the scatter of the power between ticks, as a share of
	// what the device can draw, from which on a load may hide all that it can. What scatters
	// at random is less likely to be a beat.
	beating, unsteady = 0.012, 0.06
	// goesOn is the ratio of power from which on the load goes on over an edge.
	goesOn = 0.7
	// How far a load may be off the ticks, in windows of whole periods: as far as the power
	// between ticks changes if it swings by the share likely of what the device can, and by
	// the share unseen of a period in all the time that is looked at, which leaves no beat.
	likely, unseen = 0.5, 0.4
	// near is by how much the power between ticks differs at most from that at an edge, as a
	// share of it, and reach how many ticks on either side are looked at.
	near, reach = 0.3, 64
	// idleShare is what a device draws at the least, as a share of what it can.
	idleShare = 0.1
)

// hidden is how much less, or more, of the energy a load that goes on over the edges of a
// target may have used in it; and the mean power there.
type hidden struct {
	less, more, watts float64
	edges             int
	tuning
}

// tuning is how well a load is in step with the ticks, as far as they show: the share of
// what it might hide that the interval allows for, and by how much of a period it is off at
// most, from one tick to the next.
type tuning struct{ share, off float64 }

// addHidden adds the edges of a target in a model. Loads do not repeat in step with a slow
// counter.
func (m *model) addHidden(h *hidden, in *Input, target int) {
	if m.period > scaledPeriod {
		return
	}
	var ends []piece // the first and the last that the load goes on in
	m.straddling(target, func(q edgePiece) {
		if min(q.on, q.least) < goesOn*max(q.on, q.least) {
			return
		}
		h.less += m.swings(q.secs/q.length(), q.power(), false)
		h.more += m.swings(q.secs/q.length(), q.power(), true)
		h.watts += (q.power() - h.watts) / float64(h.edges+1)
		h.edges++
		ends = append(ends[:min(len(ends), 1)], q.piece)
	})
	for _, q := range ends {
		t := m.tuned(in, q)
		h.share, h.off = max(h.share, t.share), max(h.off, t.off)
	}
}

// bounded returns it of spans: what a load in step does in whole periods is known, and
// where edges are many what it hides at one of them differs from the next.
func (h hidden) bounded(m *model, in *Input, spans []Span) (less, more float64) {
	less, more = h.less, h.more
	switch {
	case h.edges > 2:
		scale := math.Sqrt(2 / float64(h.edges))
		less, more = scale*less, scale*more
	case h.edges == 2 && len(spans) == 1:
		periods := float64(spans[0].End-spans[0].Start) / in.Period.Expected()
		apart, turned := math.Abs(periods-math.Round(periods)), h.off*periods
		most := func(up bool) float64 {
			duty := m.duty(h.watts, up)
			return m.swings(min(apart, duty), h.watts, up) + 2*m.swings(min(turned, duty), h.watts, up)
		}
		less, more = min(less, most(false)), min(more, most(true))
	}
	return h.share * less, h.share * more
}

// duty returns how much of the time a load of a mean power is at the higher of two levels
// in turn, or at the lower one, if these are as far apart as they can be.
func (m *model) duty(watts float64, up bool) float64 {
	duty := min(max((watts/m.maxPower-idleShare)/(1-idleShare), 0), 1)
	if up {
		return duty
	}
	return 1 - duty
}

// swing is by how much the power of a load can change, in watts.
func (m *model) swing() float64 { return (1 - idleShare) * m.maxPower }

// swings returns by how much such a load is off its mean at most in a share of a refresh period.
func (m *model) swings(x, watts float64, up bool) float64 {
	duty := m.duty(watts, up)
	return m.swing() * m.period * min(x, duty) * (1 - max(x, duty))
}

// tuned returns how well a load is in step by what is seen around a piece.
func (m *model) tuned(in *Input, q piece) tuning {
	powers, periods := in.around(q)
	if len(powers) == 0 {
		return tuning{1, 1}
	}
	deviation, beat := scatterOf(powers)
	share := max(inStep/periods, beat/(beating*m.swing()), 2*deviation/(unsteady*m.swing()))
	extent := slices.Max(powers) - slices.Min(powers)
	return tuning{min(share, 1), max(unseen/periods, extent/(likely*m.swing()))}
}

// around returns the power between ticks in a row around a piece that are about as high, and
// for how many refresh periods it is.
func (in *Input) around(q piece) (powers []float64, periods float64) {
	mid := (q.t0 + q.t1) / 2
	i := firstAfter(in.Ticks, int64(mid*second))
	list := pieces(in.timeTicks(in.Ticks[max(i-reach, 0):min(i+reach, len(in.Ticks))]))
	lo := slices.IndexFunc(list, func(p piece) bool { return p.t1 > mid })
	if lo < 0 {
		return nil, 0
	}
	alike := func(p piece) bool { return math.Abs(p.power()-q.power()) < near*q.power() }
	hi := lo + 1
	for lo > 0 && alike(list[lo-1]) {
		lo--
	}
	for hi < len(list) && alike(list[hi]) {
		hi++
	}
	for _, p := range list[lo:hi] {
		powers = append(powers, p.power())
	}
	return powers, (list[hi-1].t1 - list[lo].t0) * second / in.Period.Expected()
}

// scatterOf returns the standard deviation of powers but for a few outliers, which are of
// ticks whose times are wrong; and by how much they change in a beat, if there is one. What
// is alike in those two to five ticks apart is of no noise, and what changes within a few
// ticks of no drift.
func scatterOf(powers []float64) (deviation, beat float64) {
	const from, to, few, outliers = 2, 5, 3, 0.05
	sorted := slices.Sorted(slices.Values(powers))
	out := int(outliers * float64(len(sorted)))
	least, most := sorted[out], sorted[len(sorted)-1-out]
	mean, alike, n := 0.0, 0.0, float64(len(powers))
	for i, p := range powers {
		powers[i] = min(max(p, least), most)
		mean += powers[i] / n
	}
	jump := 0.0
	for i, p := range powers {
		deviation += sq(p-mean) / n
		for k := max(i-to, 0); k <= i-from; k++ {
			alike += (p - mean) * (powers[k] - mean) / n / (to - from + 1)
		}
		if i >= few && len(powers)-i >= few {
			change := 0.0
			for j := range few {
				change += (powers[i+j] - powers[i-1-j]) / few
			}
			jump = max(jump, math.Abs(change))
		}
	}
	return math.Sqrt(deviation), min(2*math.Sqrt(math.Abs(alike)), jump)
}
