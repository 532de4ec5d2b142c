package pace

import "math"

const (
	// stray is the probability that a tick comes at any time: it was doubled, or the period
	// or the phase has changed.
	stray = 0.005
	// ambiguous is the probability of a tick before it was looked for with which it may well
	// be another.
	ambiguous = 0.03
	// surprising is how many such ticks are too many at an edge, where reads are spent on
	// finding out, and twice as many between: each counts as four that came when they were
	// due. wariness is for how many ticks looks begin well before a tick after one.
	surprising, wariness = 8, 30
)

// early is a change between lo and hi. It was the tick that was due if none comes by
// [filter.check], or the next comes more than half a period after it.
type early struct{ lo, hi float64 }

// looking is how a tick was looked for: closely, at an edge, or by few reads, of which the
// first is before it, or divides what is believed.
type looking uint8

const (
	closely looking = iota
	sparingly
	dividing
)

// trusted reports whether ticks come when they are due, so that a look may begin when one may
// have come already.
func (f *filter) trusted() bool {
	return f.ticks >= Learning && f.surprises == 0 && f.wary == 0 && f.firsts < 2
}

// correct takes in a tick between lo and hi. The readings were placed around the time
// at which the tick was expected, so that it fell between them says little if
// they are far apart: each belief is cut off outside [lo, hi], and its mean and
// variance are kept (assumed-density filtering).
//
// It reports whether ticks came repeatedly where none was due: period or phase is
// then not what it is believed to be, as when the first two ticks enclosed one that
// was missed.
func (f *filter) correct(lo, hi float64, by looking) (wrong bool) {
	if hi-lo > 1.2*f.period {
		// It holds ticks that were passed over: which of them came when is not known.
		return false
	}
	if f.pending() {
		if (lo+hi)/2 > f.early.hi+f.period/2 {
			f.settle()
		}
		f.early = early{}
	}
	k := f.number(lo, hi)
	mass, other := f.mass(k, lo, hi), stray*min((hi-lo)/f.period, 1)
	first := hi-lo > f.period/2 // the first read that looked for it showed it
	switch {
	case first && by != dividing && mass < ambiguous:
		// It came before it was looked for, or it is another.
		f.early = early{lo, hi}
		return f.surprised(by)
	case mass < other:
		return f.surprise(lo, hi, k, by)
	case first:
		f.firsts++
	default:
		f.firsts = 0
		f.surprises, f.wary = max(f.surprises-1, 0), max(f.wary-1, 0)
	}
	f.take(k, lo, hi)
	return false
}

// pending reports whether it is not known yet if a change was the tick that was due.
func (f *filter) pending() bool { return f.early != early{} }

// check returns when to look whether the tick that was due comes after an early change.
func (f *filter) check() float64 {
	e := f.early
	return max(f.quantiles(surrounding, f.number(e.lo, e.hi))[2], e.hi+f.period/8)
}

// settle takes in an early change as the tick that was due: none came when it was.
func (f *filter) settle() {
	e := f.early
	f.early = early{}
	f.take(f.number(e.lo, e.hi), e.lo, e.hi)
}

// doubt makes half of the beliefs doubt the period by so much, and all of them forget what
// was seen before as much as they believe it.
func (f *filter) doubt(off float64) {
	for i := range f.beliefs {
		b := &f.beliefs[i]
		b.weight = (b.weight + prior(i)) / 2
		if i%2 == 1 {
			b.vPeriod += off * off
		}
	}
}

// surprised counts a tick where none was due, and reports whether there were too many.
func (f *filter) surprised(by looking) bool {
	f.wary = wariness
	f.surprises += 4
	return f.surprises >= surprising && by == closely || f.surprises >= 2*surprising
}

// surprise takes in a tick where none was due, and reports whether there were too many of
// them. Either the phase has changed, of which half of the beliefs are, or the period.
func (f *filter) surprise(lo, hi, k float64, by looking) (wrong bool) {
	if f.surprised(by) {
		return true
	}
	at, _ := f.due(k)
	f.doubt(min(math.Abs((lo+hi)/2-at)/k, f.period/9))
	f.found(lo, hi)
	return false
}
