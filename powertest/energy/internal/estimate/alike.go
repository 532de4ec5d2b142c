package estimate

import (
	"math"
	"slices"
)

// How power goes over the edges of a window is likely to be the same on devices that work in
// lock-step, and in windows of one process that follow each other. Each shows it at other
// ticks, and so what one leaves open others decide. So the prior of a window is in part the
// general one, and in part what all others show.

const (
	// follows is the prior probability that a window has edges as the others.
	follows = 0.5
	// told is how much is believed of what others show at the same time, as a factor of the
	// log of a likelihood: no hypothesis is quite right. What windows before showed counts
	// for remembered, since they often lie to the ticks as this one does and mislead in
	// the same way; and lasting of that with each window more.
	told       = 0.5
	remembered = 0.125
	lasting    = 0.8
)

// Edges is what windows show of how power goes over their edges: the log of the likelihood
// of each start, and of each end. The zero value is nothing.
type Edges struct{ likely [2][]float64 }

// share makes windows of devices believe of their edges what the others show, and what was
// shown before, where all edges are the two of one stretch of time.
func share(list []*weighing) {
	var sum Edges
	each := make([]Edges, len(list))
	for i, w := range list {
		if w.shares() {
			each[i] = w.shown()
			sum = sum.plus(each[i], told)
		}
	}
	for i, w := range list {
		if w.shares() {
			w.believe(sum.plus(each[i], -told).plus(w.edges, 1))
			w.edges = Edges{}.plus(each[i], remembered).plus(w.edges, lasting)
		}
	}
}

// shares reports whether the edges of a window may be those of others.
func (w *weighing) shares() bool {
	return w != nil && w.tl.plain() && w.period <= scaledPeriod && !w.brief
}

// plus adds a share of what is shown elsewhere.
func (e Edges) plus(other Edges, share float64) (sum Edges) {
	for edge := range sum.likely {
		a, b := e.likely[edge], other.likely[edge]
		list := make([]float64, max(len(a), len(b)))
		copy(list, a)
		for i, x := range b {
			list[i] += share * x
		}
		sum.likely[edge] = list
	}
	return sum
}

// priors returns the prior probabilities of starts and ends.
func priors() (p [2][]float64) {
	for _, s := range usualStarts {
		p[0] = append(p[0], s.prior)
	}
	for _, e := range usualEnds {
		p[1] = append(p[1], e.prior)
	}
	return p
}

// shown returns what the window shows of its start, by the first model, and of its end, by
// the last one.
func (w *weighing) shown() (s Edges) {
	for edge, prior := range priors() {
		all := w.posteriors[edge*(len(w.posteriors)-1)]
		list, seen, top := make([]float64, len(prior)), 0, math.Inf(-1)
		for _, p := range all {
			top = max(top, p.weight)
		}
		for _, p := range all {
			list[p.number[edge]] += math.Exp(p.weight - top)
		}
		for i, x := range list {
			if x > 0 {
				seen++
			}
			list[i] = math.Log(max(x, math.Exp(-hopeless)) / prior[i])
		}
		if seen > 1 { // otherwise there is no such edge
			s.likely[edge] = list
		}
	}
	return s
}

// believe weighs the hypotheses anew by what is shown elsewhere.
func (w *weighing) believe(elsewhere Edges) {
	for edge, prior := range priors() {
		list := elsewhere.likely[edge]
		if len(list) == 0 {
			continue
		}
		top, sum := slices.Max(list), 0.0
		for i, x := range list {
			sum += prior[i] * math.Exp(x-top)
		}
		more := make([]float64, len(list))
		for i, x := range list {
			more[i] = math.Log(1 - follows + follows*math.Exp(x-top)/sum)
		}
		for _, all := range w.posteriors {
			for k := range all {
				all[k].weight += more[all[k].number[edge]]
			}
		}
	}
}
