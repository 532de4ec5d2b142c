package estimate

import "math"

// A load that goes on over an edge, and whose power changes from tick to tick,
// is the hardest case there is: neither the ticks inside nor those outside show
// what it did in the straddling interval, and a load that repeats nearly in
// step with the ticks can put most of that interval's energy on one side while
// all of them look the same. For such edges the interval is not left to the
// hypotheses: it is widened by what a square wave can do.
const (
	// variableSpread is the relative change from tick to tick from which on a
	// load counts as variable. Noise of 5 % changes the mean over a refresh
	// period by less.
	variableSpread = 0.025
	// variableStep is a single change that is enough.
	variableStep = 0.1
	// squareShare is by how much of a period's energy a square wave with a
	// duty cycle of 30 to 70 % deviates from its mean in 95 % of cases.
	squareShare = 0.5
	// enoughChanges is how many changes tell a variable load from a step.
	enoughChanges = 6
)

// variation is how much the power changes from one piece to the next on the same side
// of the edges, relative to the power: sum of squares, number, and the largest.
type variation struct{ sum, n, most float64 }

// variable allows for the scatter of a mean over few changes.
func (u variation) variable() bool {
	return u.n > 0 && math.Sqrt(u.sum/u.n/2) > variableSpread*(1+1.5/u.n) || u.most > variableStep
}

// relative returns by how much two powers differ, as a share of their mean.
func relative(a, b float64) float64 { return 2 * math.Abs(a-b) / (a + b) }

// variationOf returns the changes between the pieces of the problems.
func variationOf(ps []*problem) (u variation) {
	for _, p := range ps {
		u = p.addVariation(u)
	}
	return u
}

// addVariation adds the changes between the pieces of the problem to u.
func (p *problem) addVariation(u variation) variation {
	for i := 1; i < len(p.pieces); i++ {
		a, b := p.pieces[i-1], p.pieces[i]
		if !a.sameSide(b) {
			continue
		}
		change := relative(a.power(), b.power())
		u.sum, u.n, u.most = u.sum+sq(change), u.n+1, max(u.most, change)
	}
	if u.n >= enoughChanges {
		return u
	}
	// With so few ticks, a level that differs across an edge may as well be
	// the load's own changing.
	for _, level := range [2]float64{p.rough[before], p.rough[after]} {
		if b := p.rough[on]; level > b/2 && b > level/2 {
			if change := relative(level, b); change > variableStep {
				u.most = max(u.most, change)
			}
		}
	}
	return u
}

// variationHalfWidth returns the half-width in joules that warm edges add where the
// load is variable.
func (p *problem) variationHalfWidth(u variation) float64 {
	if !u.variable() {
		return 0
	}
	v := 0.0
	for _, q := range p.pieces {
		off, level := q.before, p.rough[before]
		if q.after > off {
			off, level = q.after, p.rough[after]
		}
		if q.on == 0 || off == 0 || level < p.rough[on]/2 {
			continue
		}
		b := max(p.rough[on], level)
		v += sq(b * min(squareShare*p.period, q.on, off))
	}
	return math.Sqrt(v)
}

// leastScatter is the least that ticks are taken to scatter, as a share of the
// time in which they may lie: the phase of two clocks drifts.
const leastScatter = 0.25

// scatter returns by how much single ticks of recorded readings are late, as a
// standard deviation, of which sd is the most. A tick that is late makes one piece
// longer and the next one shorter: where times scatter, the changes of power from
// piece to piece do, with six times the variance.
func (p *problem) scatter(u variation, sd float64) float64 {
	const enough = 4
	if u.n < enough {
		return sd
	}
	seen := p.period * math.Sqrt(u.sum/u.n/6) * (1 + 2/u.n)
	return min(max(seen, leastScatter*sd), sd)
}
