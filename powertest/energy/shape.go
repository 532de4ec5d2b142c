package energy

import (
	"math"
	"sort"
)

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
