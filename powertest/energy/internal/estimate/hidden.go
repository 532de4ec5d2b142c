package estimate

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// A load that repeats about once a refresh period, or several times, looks steady, whatever
// it does between two ticks. Where it goes on over an edge nothing shows how its energy
// divides there. So next to all other hypotheses stands that of a [pulse], which is in step
// with the ticks by chance: pulses of many kinds are weighed by the power between ticks, as far
// as it is seen around the edges, and the interval allows for what they would hide there.
// What betrays them is their beat: one that is off the ticks by 3 % of a period changes the
// power between ticks by 3 % of what it swings by, twice in 33 ticks. So what has looked steady
// for long hides little; where the load is too noisy to show a beat it may hide all it can.

const (
	// goesOn is the ratio of power from which on the load goes on over an edge.
	goesOn = 0.7
	// near is by how much the power between ticks differs at most from that at an edge, as a
	// share of it, and reach how many ticks on either side are looked at.
	near, reach = 0.3, 192
	// mostEdges is how many edges of a target are looked at. What others hide is as much, but
	// differs from one to the next.
	mostEdges = 64
	// leftOut is the probability left out on either side: loads are no pulses.
	leftOut = 0.0025
)

// crossing is an edge of a target, over which a load goes on: it lies at a time, in a piece.
// sign is 1 for an end.
type crossing struct {
	at, sign float64
	piece
}

// goingOn appends the edges of a target over which the load goes on. Loads do not repeat in
// step with a slow counter.
func (m *model) goingOn(list []crossing, target int, spans []Span) []crossing {
	if m.period > scaledPeriod {
		return list
	}
	m.straddling(target, func(q edgePiece) {
		if min(q.on, q.least) < goesOn*max(q.on, q.least) {
			return
		}
		// The spans are in order: only those that end in or after the piece can straddle it.
		first := sort.Search(len(spans), func(i int) bool { return float64(spans[i].End)/second >= q.t0 })
		for _, s := range spans[first:] {
			if float64(s.Start)/second >= q.t1 {
				break
			}
			if at := float64(s.Start) / second; q.t0 <= at && at < q.t1 {
				list = append(list, crossing{at, -1, q.piece})
			}
			if at := float64(s.End) / second; q.t0 <= at && at < q.t1 {
				list = append(list, crossing{at, 1, q.piece})
			}
		}
	})
	return list
}

// hidden returns how much less, or more, of the energy than is believed a load may have used
// in a target that goes on over these edges.
func (m *model) hidden(in *Input, edges []crossing) (less, more float64) {
	if len(edges) == 0 {
		return 0, 0
	}
	slices.SortFunc(edges, func(a, b crossing) int { return cmp.Compare(a.at, b.at) })
	scale := 1.0
	if n := len(edges); n > mostEdges {
		scale = math.Sqrt(float64(n) / mostEdges)
		for i := range mostEdges {
			edges[i] = edges[i*n/mostEdges]
		}
		edges = edges[:mostEdges]
	}
	watts := 0.0
	for _, e := range edges {
		watts += e.power() / float64(len(edges))
	}
	number := manyPulses
	if m.brief {
		number = fewPulses
	}
	seen := around(in, edges)
	pulses := pulsesOf(number, seen.period(m.period), watts, m.maxPower)
	steady := steadyLoad * seen.weigh(pulses)
	mix := make(mixture, 0, len(pulses)+1)
	for i := range pulses {
		p := &pulses[i]
		mix = append(mix, component{mean: p.hides(edges), weight: p.weight})
	}
	mix = append(mix, component{weight: steady})
	slices.SortFunc(mix, func(a, b component) int { return cmp.Compare(a.mean, b.mean) })
	return -scale * min(mix.step(leftOut), 0), scale * max(mix.step(1-leftOut), 0)
}

// step returns the quantile of a mixture, in order, of which each component is one value.
func (m mixture) step(q float64) float64 {
	sum := 0.0
	for _, c := range m {
		sum += c.weight
	}
	below := 0.0
	for _, c := range m {
		if below += c.weight; below >= q*sum {
			return c.mean
		}
	}
	return m[len(m)-1].mean
}
