package energy

import "math"

// A load that goes on over an edge, and whose power changes from tick to tick,
// is the hardest case there is: neither the ticks inside nor those outside say
// what it did in the straddling interval, and a load that repeats nearly in
// step with the ticks can put most of that interval's energy on one side while
// all of them look alike. For such edges the interval is not left to the
// hypotheses: it is widened by what a square wave can do.
const (
	// restlessSpread is the relative change from tick to tick from which on a
	// load counts as restless. Noise of 5 % changes the mean over a refresh
	// period by less.
	restlessSpread = 0.025
	// restlessStep is a single change that is enough.
	restlessStep = 0.1
	// squareShare is by how much of a period's energy a square wave with a
	// duty cycle of 30 to 70 % deviates from its mean in 95 % of cases.
	squareShare = 0.5
	// enoughChanges is how many changes tell a restless load from a step.
	enoughChanges = 6
)

// restless returns the half-width that restless warm edges add, in joules.
func (p *problem) restless(u unrest) float64 {
	if !u.restless() {
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

// unrest is how much the power changes from one piece to the next of the same
// kind, relative to the power: sum of squares, number, and the largest.
type unrest struct{ sum, n, most float64 }

// restless allows for the scatter of a mean over few changes.
func (u unrest) restless() bool {
	return u.n > 0 && math.Sqrt(u.sum/u.n/2) > restlessSpread*(1+1.5/u.n) || u.most > restlessStep
}

// unrest adds the changes between the pieces of the problem to u.
func (p *problem) unrest(u unrest) unrest {
	for i := 1; i < len(p.pieces); i++ {
		a, b := p.pieces[i-1], p.pieces[i]
		if !a.alike(b) {
			continue
		}
		pa, pb := a.energy/a.length(), b.energy/b.length()
		change := 2 * math.Abs(pa-pb) / (pa + pb)
		u.sum, u.n, u.most = u.sum+sq(change), u.n+1, max(u.most, change)
	}
	if u.n >= enoughChanges {
		return u
	}
	// With so few ticks, a level that differs across an edge may as well be
	// the load's own changing.
	for _, level := range [2]float64{p.rough[before], p.rough[after]} {
		if b := p.rough[on]; level > b/2 && b > level/2 {
			if change := 2 * math.Abs(level-b) / (level + b); change > restlessStep {
				u.most = max(u.most, change)
			}
		}
	}
	return u
}

// alike reports whether both pieces lie wholly before, in or after the window.
func (p piece) alike(q piece) bool {
	const all = 0.999
	l, m := p.length()*all, q.length()*all
	return p.before >= l && q.before >= m || p.on >= l && q.on >= m || p.after >= l && q.after >= m
}

// unknowable reports whether load goes on over an edge of a window that holds
// no refresh period: nothing then tells the power inside.
func (p *problem) unknowable() bool {
	warm := max(p.rough[before], p.rough[after]) > p.rough[on]/2
	return warm && p.end-p.start < 0.9*p.period
}
