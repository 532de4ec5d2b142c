package estimate

import (
	"cmp"
	"math"
	"slices"
)

// Weighing every shape under every noise would take seconds where pieces are many, and
// is not needed there: many pieces rule most of them out.
const (
	// shortStretch is how many pieces rule no shape out for sure.
	shortStretch = 40
	// longStretch is how many are enough to choose hypotheses by the first ones.
	longStretch, firstPieces, keptShapes = 160, 100, 40
	// By how much, as a log, hypotheses must be less likely to be left out: noises,
	// shapes, and shapes by the first pieces of many.
	unlikelyNoise, unlikelyShape, unlikelyFirst = 9, 14, 25
	// hopeless is from which on a hypothesis has no part in the mixture, also if others
	// get less likely as they are refined.
	hopeless = 20
)

// search weighs hypotheses.
type search struct {
	*model
	noises []*scatter
	ranked []ranked
	all    []posterior
	top    float64 // the best weight
}

// ranked is a shape with the best weight that it has under any noise, and where its
// posteriors begin and end.
type ranked struct {
	shape
	weight     float64
	begin, end int
}

func byWeight(a, b ranked) int { return cmp.Compare(b.weight, a.weight) }

// weigh returns the posteriors under the hypotheses that matter.
func (m *model) weigh(in *Input) []posterior {
	shapes, noises := m.shapes(), m.noises()
	if len(m.pieces) > longStretch {
		s := newModel(in, m.tl, m.pieces[:firstPieces]).search(shapes, noises)
		slices.SortFunc(s.ranked, byWeight)
		shapes = shapes[:0]
		for _, r := range s.ranked[:min(len(s.ranked), keptShapes)] {
			if r.weight > s.top-unlikelyFirst {
				shapes = append(shapes, r.shape)
			}
		}
		noises = noises[:0]
		for _, n := range s.noises {
			noises = append(noises, n.noise)
		}
	}
	return m.search(shapes, noises).all
}

// search weighs shapes under noises.
func (m *model) search(shapes []shape, noises []noise) *search {
	s := &search{model: m, top: math.Inf(-1)}
	for _, n := range noises {
		s.noises = append(s.noises, m.scatter(n))
	}
	// The noise is sought with every few shapes first.
	step := max(len(shapes)/24, 1)
	if step > 1 {
		step |= 1 // every few starts and ends
	}
	if len(m.pieces) > shortStretch {
		step *= 2
	}
	for i := 0; i < len(shapes); i += step {
		s.listen(&shapes[i])
	}
	if len(m.pieces) > shortStretch {
		shapes = s.narrow(shapes)
	}
	s.keepNoises()
	s.ranked = make([]ranked, 0, len(shapes))
	s.all = make([]posterior, 0, len(shapes)*len(s.noises))
	s.energies = make([]normal, 0, cap(s.all)*len(s.targets))
	for _, h := range shapes {
		s.weighShape(h)
	}
	s.refine()
	return s
}

// under sets the rows and the priors of a shape.
func (s *search) under(h *shape) {
	s.setRows(*h)
	s.setPriors(h)
}

// listen notes how likely each noise is under a shape.
func (s *search) listen(h *shape) {
	s.under(h)
	for _, n := range s.noises {
		n.heard = max(n.heard, s.likelihood(n)+h.logPrior)
	}
}

// loudest returns the likeliest noise so far.
func (s *search) loudest() *scatter { return slices.MaxFunc(s.noises, byHeard) }

func byHeard(a, b *scatter) int { return cmp.Compare(a.heard, b.heard) }

// narrow returns the shapes that are likely under the likeliest noise. Under a wrong
// shape noise looks larger than it is, so it is looked for anew under the best ones.
func (s *search) narrow(shapes []shape) (kept []shape) {
	const best = 4
	var under *scatter
	for range 2 {
		n := s.loudest()
		if n == under {
			break
		}
		under = n
		list := make([]ranked, len(shapes))
		for i, h := range shapes {
			s.under(&h)
			list[i] = ranked{shape: h, weight: s.likelihood(n) + h.logPrior}
		}
		slices.SortFunc(list, byWeight)
		kept = kept[:0]
		for i, r := range list {
			if r.weight > list[0].weight-unlikelyShape {
				kept = append(kept, r.shape)
			}
			if i < best {
				s.listen(&r.shape)
			}
		}
	}
	return kept
}

// keepNoises drops the noises that are unlikely, and sorts the others.
func (s *search) keepNoises() {
	least := s.loudest().heard - unlikelyNoise
	s.noises = slices.DeleteFunc(s.noises, func(n *scatter) bool { return !(n.heard > least) })
	slices.SortFunc(s.noises, func(a, b *scatter) int { return byHeard(b, a) })
}

// weighShape weighs a shape under the noises.
func (s *search) weighShape(h shape) {
	s.under(&h)
	best, begin := math.Inf(-1), len(s.all)
	for i, n := range s.noises {
		weight := s.likelihood(n) + h.logPrior
		best, s.top = max(best, weight), max(s.top, weight)
		if weight > s.top-hopeless {
			p := s.posterior(n, weight)
			p.number = h.number
			if n.on < loud {
				p.calm = 1
			}
			s.all = append(s.all, p)
		}
		if i == 0 && len(s.pieces) > shortStretch && weight < s.top-unlikelyShape {
			break
		}
	}
	s.ranked = append(s.ranked, ranked{h, best, begin, len(s.all)})
}

// refine weighs shapes around the best ones, where edges of a kind are many: what their
// shapes are off by adds up. A shape shares its prior with those that come beside it, as
// in integrating over a grid that gets finer.
func (s *search) refine() {
	const best, finest = 2, 1.02
	if !slices.ContainsFunc(s.kinds, func(k kind) bool { return k.number > fewEdges }) {
		return
	}
	for factor := math.Sqrt2; factor > finest; factor = math.Sqrt(factor) {
		slices.SortFunc(s.ranked, byWeight)
		for i := range min(best, len(s.ranked)) {
			near := s.ranked[i].nearby(factor)
			if len(near) == 0 {
				continue
			}
			r := &s.ranked[i]
			share := math.Log(float64(1 + len(near)))
			r.weight -= share
			r.logPrior -= share
			for k := r.begin; k < r.end; k++ {
				s.all[k].weight -= share
			}
			for _, h := range near {
				h.logPrior -= share
				s.weighShape(h)
			}
		}
	}
}

// mixture returns the mixture of the posteriors of target i.
func (m *model) mixture(all []posterior, i int) mixture {
	mix := make(mixture, len(all))
	for k, p := range all {
		e := m.energies[p.first+i]
		mix[k] = component{mean: e.mean, sd: e.sd, weight: p.weight}
	}
	return mix
}
