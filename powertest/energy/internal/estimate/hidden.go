package estimate

import "math"

// A load that repeats once a refresh period, or several times, looks steady, whatever it
// does between two ticks. Where it goes on over an edge nothing shows how its energy divides
// there, but what the device can draw bounds it. The longer it has looked steady the
// closer in step it would have to be, and the less likely that is.

const (
	// inStep is how many refresh periods a load may be in step by chance.
	inStep = 6
	// goesOn is the ratio of power from which on the load goes on over an edge.
	goesOn = 0.7
	// drift is how far it may be off the ticks, as a share of the refresh period.
	drift = 0.1
	// idleShare is what a device draws at the least, as a share of what it can.
	idleShare = 0.1
	// alikeShare is by how much the power between ticks differs at most that look alike.
	alikeShare = 0.02
)

// hidden is how much less, or more, of the energy a load that goes on over the edges of a
// target may have used in it; and the mean power there.
type hidden struct {
	less, more, watts float64
	edges             int
}

// addHidden adds the edges of a target in a model. Loads do not repeat in step with a slow
// counter.
func (m *model) addHidden(h *hidden, in *Input, target int) {
	if m.period > scaledPeriod {
		return
	}
	m.straddling(target, func(q piece, on, off, secs float64) {
		if min(on, off) < goesOn*max(on, off) {
			return
		}
		share := min(1, inStep/in.alike(q))
		h.less += share * m.swings(secs/q.length(), q.power(), false)
		h.more += share * m.swings(secs/q.length(), q.power(), true)
		h.watts += (q.power() - h.watts) / float64(h.edges+1)
		h.edges++
	})
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
		x := math.Abs(periods-math.Round(periods)) + drift*periods
		less = min(less, m.swings(min(x, m.duty(h.watts, false)), h.watts, false))
		more = min(more, m.swings(min(x, m.duty(h.watts, true)), h.watts, true))
	}
	return less, more
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

// swings returns by how much such a load is off its mean at most in a share of a refresh period.
func (m *model) swings(x, watts float64, up bool) float64 {
	duty := m.duty(watts, up)
	return (1 - idleShare) * m.maxPower * m.period * min(x, duty) * (1 - max(x, duty))
}

// alike returns for how many refresh periods around a piece the power between ticks is
// that of the piece.
func (in *Input) alike(q piece) float64 {
	i := firstAfter(in.Ticks, int64((q.t0+q.t1)/2*second))
	lo, hi := i-1, i
	near := func(a, b Tick) bool {
		timing := float64(a.Hi-a.Lo+b.Hi-b.Lo) / 2 / (b.Mid() - a.Mid())
		return a.Epoch == b.Epoch && math.Abs(meanPower(a, b)-q.power()) < (alikeShare+timing)*q.power()
	}
	for lo > 0 && near(in.Ticks[lo-1], in.Ticks[lo]) {
		lo--
	}
	for hi >= 0 && hi+1 < len(in.Ticks) && near(in.Ticks[hi], in.Ticks[hi+1]) {
		hi++
	}
	if lo < 0 || hi >= len(in.Ticks) {
		return 1
	}
	return max((in.Ticks[hi].Mid()-in.Ticks[lo].Mid())/in.Period.Expected(), 1)
}
