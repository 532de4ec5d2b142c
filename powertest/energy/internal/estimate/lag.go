package estimate

import (
	"math"
	"slices"
)

// A counter may take its energy in late: what it shows at a tick is what had been used
// some time before, or what a mean over some time adds up to. Both show at the edges of a
// steady load. A delay is alike at both: as much energy is missing after the start as is
// in excess after the end, in units of the change of power. (A load that begins late,
// or drains after the end, shows at one edge only.) A mean turns both steps into ramps
// of its own length.

// Timing is by how much the power that a counter shows is late against the edges of a
// window.
type Timing struct {
	// Rise and Fall are how late its power steps up after the start, and down after the end.
	Rise, Fall Late
	// Mean is the time in seconds over which it averages, if both edges are ramps of
	// that length; otherwise 0.
	Mean float64
}

// Late is how late a step of power is, in seconds, with its standard deviation. It is not
// Clear where the power is not steady on both sides of one step.
type Late struct {
	By, SD float64
	Clear  bool
}

// leastLag is the shortest lag that is told from the time that a load takes to begin and
// to end, in seconds.
const leastLag = 0.012

// vagueEdge is how badly an edge may show a lag that the other one shows well, in seconds.
const vagueEdge = 0.75 * leastLag

// alike is by how much more than their errors rise and fall of a lagging counter differ,
// in seconds: loads take some milliseconds to rise, and others to fall.
const alike = 0.003

// Lag returns the lag of the counter in seconds, with its standard deviation. ok is false
// unless both edges show it alike.
func (t Timing) Lag() (by, sd float64, ok bool) {
	r, f := t.Rise, t.Fall
	if !r.Clear || !f.Clear || min(r.By, f.By) < leastLag || min(r.SD, f.SD) > leastLag/2 {
		return 0, 0, false
	}
	apart := math.Abs(r.By - f.By)
	if apart > alike+3*math.Hypot(r.SD, f.SD) {
		return 0, 0, false
	}
	vr, vf := sq(r.SD), sq(f.SD)
	by, sd = (r.By*vf+f.By*vr)/(vr+vf), max(math.Sqrt(vr*vf/(vr+vf)), apart/2)
	return by, sd, by > 4*sd
}

// Contradicts reports whether an edge shows that the counter does not lag by that much.
func (t Timing) Contradicts(by, sd float64) bool {
	for _, e := range []Late{t.Rise, t.Fall} {
		if e.Clear && e.By < by-alike-4*math.Hypot(sd, e.SD) {
			return true
		}
	}
	return false
}

// TimingOf returns what the ticks show at the first and the last edge. Readings that others
// made show nothing of it, since all of them may be late.
func TimingOf(in Input) (t Timing) {
	v, ok := newView(&in, 2)
	if !ok {
		return t
	}
	t.Rise = v.step(v.start, v.b, v.from, min(v.from+insideTicks, v.z))
	t.Fall = v.step(v.end, v.c, v.z, max(v.z-insideTicks, v.from))
	if !t.Rise.Clear || !t.Fall.Clear {
		t.Mean = v.mean()
	}
	return t
}

// BeginsLate reports whether power seems to rise late after the start: whether the counter
// lags, three ticks after the end show.
func BeginsLate(in Input) bool {
	v, ok := newView(&in, 0)
	if !ok {
		return false
	}
	inside := v.power(v.from, v.z)
	return inside-v.outside > leastStep*inside && v.crossing(v.b, v.z, inside)-v.start > leastLag
}

// Shows reports whether three ticks after the end are known.
func Shows(ticks []Tick, end int64) bool { return len(ticks)-firstAfter(ticks, end) >= edgeTicks }

// view is the ticks around the edges of a window that is idle outside.
type view struct {
	start, end float64 // in seconds
	period     float64
	// ks are the ticks from some before the start to some after the end, without those
	// whose times are known badly: worse than to some percent of the period, or where
	// these are too few, to a fifth.
	ks []timedTick
	// b is the last tick before the start, from the first one by which the power of a
	// lagging counter has risen, and z the last one before the end. c is the last after it.
	b, from, z, c int
	// outside is the power before the start, in watts, and unsure its standard deviation,
	// as far as that is of the times of ticks.
	outside, unsure float64
}

const (
	// leastStep is the least step at an edge, relative to the power inside: a smaller one
	// shows little.
	leastStep = 0.3
	// settles is the longest delay that is looked for, in seconds.
	settles = 0.2
	// leastSteady is for how many refresh periods inside the same power must be seen.
	leastSteady = 3
	// uneven is by how much the power between two ticks may be off that of a steady
	// load, relative to the step.
	uneven = 0.06
	// mostViewed is how many ticks a window may have: the edges of longer ones matter little.
	mostViewed = 4096
)

// newView returns the view of an input, with so many ticks after the end at least. ok is
// false where it is of no use.
func newView(in *Input, after int) (v view, ok bool) {
	if in.Recorded || in.Far || in.Brief || len(in.Spans) == 0 {
		return v, false
	}
	root := trim(in.Spans)
	first, last := root[0], root[len(root)-1]
	v.start, v.end, v.period = float64(first.Start)/second, float64(last.End)/second, in.Period.Expected()/second
	i, j := firstAfter(in.Ticks, first.Start), firstAfter(in.Ticks, last.End)
	lo, hi := max(i-1-edgeTicks, 0), min(j+edgeTicks, len(in.Ticks))
	if i-lo < 2 || hi-j < after || j-i < leastSteady || hi-lo > mostViewed || in.disturbed(in.Ticks[lo].Lo, in.Ticks[hi-1].Hi) {
		return v, false
	}
	ks := in.timeTicks(in.Ticks[lo:hi])
	for _, vague := range []float64{0.03, 0.2} {
		v.ks = slices.DeleteFunc(slices.Clone(ks), func(k timedTick) bool { return k.sd > vague*v.period })
		if v.place(after) {
			return v, true
		}
	}
	return v, false
}

// place finds the ticks around the edges. ok is false where there are too few.
func (v *view) place(after int) (ok bool) {
	v.b, v.z, v.from, v.c = -1, -1, -1, len(v.ks)-1
	for k, q := range v.ks {
		if q.t <= v.start {
			v.b = k
		}
		if q.t <= v.end {
			v.z = k
		}
		if v.from < 0 && q.t >= v.start+max(settles, 2*v.period) {
			v.from = k
		}
	}
	if v.b < 1 || v.from < 0 || v.z <= v.from || v.c < v.z+after {
		return false
	}
	a, b := v.ks[0], v.ks[v.b]
	v.outside = v.power(0, v.b)
	v.unsure = v.outside * math.Hypot(a.sd, b.sd) / (b.t - a.t)
	return true
}

// disturbed reports whether another window was open, or a counter was reset, from one time
// to another.
func (in *Input) disturbed(from, to int64) bool {
	for _, s := range in.Others {
		if s.End > from && s.Start < to {
			return true
		}
	}
	i, j := firstAfter(in.Ticks, from), firstAfter(in.Ticks, to)-1
	return i < j && in.Ticks[i].Epoch != in.Ticks[j].Epoch
}

// power returns the mean power from tick to tick, in watts.
func (v *view) power(i, j int) float64 {
	return (v.ks[j].joules - v.ks[i].joules) / (v.ks[j].t - v.ks[i].t)
}

// crossing returns when power steps between a tick outside and one inside, at which it is
// steady.
func (v *view) crossing(out, in int, inside float64) float64 {
	r, a := v.ks[out], v.ks[in]
	return (inside*a.t - v.outside*r.t - (a.joules - r.joules)) / (inside - v.outside)
}

// step returns by how much after an edge power steps, between a tick outside and one inside.
// From there to the tick far inside it must be steady.
func (v *view) step(edge float64, out, in, far int) Late {
	n := max(in, far) - min(in, far)
	if n < 2 || math.Abs(v.ks[far].t-v.ks[in].t) < 0.9*leastSteady*v.period {
		return Late{}
	}
	inside := v.power(min(in, far), max(in, far))
	step := inside - v.outside
	if !v.clear(step, inside) || !v.steady(0, v.b, v.outside, step) || !v.steady(min(in, far), max(in, far), inside, step) {
		return Late{}
	}
	at := v.crossing(out, in, inside)
	noise := v.noise(min(in, far), max(in, far), inside) // J²/s
	a, r := v.ks[in], v.ks[out]
	reach, known := math.Abs(a.t-at), math.Abs(v.ks[far].t-a.t)
	sd := math.Sqrt(noise*reach*(1+reach/known)+sq(inside*a.sd)+sq(v.outside*r.sd)) / step
	sd = math.Hypot(sd, 0.001)
	return Late{By: at - edge, SD: sd, Clear: sd < vagueEdge && v.stepped(min(out, in), max(out, in), at, out, in, inside, sd)}
}

// clear reports whether a step to a power inside is one for sure.
func (v *view) clear(step, inside float64) bool {
	const sure = 5
	return step >= leastStep*inside && step > sure*v.unsure
}

// steady reports whether the power between ticks is the same each time.
func (v *view) steady(i, j int, watts, step float64) bool {
	for ; i < j; i++ {
		a, b := v.ks[i], v.ks[i+1]
		timing := 3 * watts * math.Hypot(a.sd, b.sd) / (b.t - a.t)
		if math.Abs(v.power(i, i+1)-watts) > uneven*step+timing {
			return false
		}
	}
	return true
}

// noise returns the variance that the energy gains in a second, in J².
func (v *view) noise(i, j int, watts float64) float64 {
	sum := 0.0
	for k := i; k < j; k++ {
		dt := v.ks[k+1].t - v.ks[k].t
		sum += sq(v.ks[k+1].joules-v.ks[k].joules-watts*dt) / dt
	}
	return sum / float64(j-i-1)
}

// stepped reports whether the ticks between i and j show one step at a time.
func (v *view) stepped(i, j int, at float64, out, in int, inside, sd float64) bool {
	for k := i + 1; k < j; k++ {
		q, ref, watts := v.ks[k], v.ks[in], inside
		if (q.t < at) == (out < in) {
			ref, watts = v.ks[out], v.outside
		}
		off := (q.joules - ref.joules - watts*(q.t-ref.t)) / (inside - v.outside)
		if timing := watts * q.sd / (inside - v.outside); math.Abs(off) > alike+3*math.Hypot(sd, timing) {
			return false
		}
	}
	return true
}

// The means that are looked for, in seconds, and how well their ramps must fit: the energy
// at each tick, in seconds of the step of power, and in the mean of the squares.
const (
	longestMean = 1.8
	meanFactor  = 1.05
	meanRange   = 2.0
	meanOff     = 0.012
	meanSpread  = 0.006
)

// mean returns the length in seconds of a mean that both edges show; 0 if they do not.
func (v *view) mean() float64 {
	best, least := 0.0, sq(meanSpread)
	for m := 3 * v.period; m < longestMean; m *= meanFactor {
		if off, ok := v.averages(m); ok && off < least {
			best, least = m, off
		}
	}
	return best
}

// ramped is the integral of a ramp from 0 to 1 in a time of m.
func ramped(t, m float64) float64 {
	switch {
	case t <= 0:
		return 0
	case t < m:
		return t * t / (2 * m)
	default:
		return t - m/2
	}
}

// averages returns the mean square by which energies are off those of a mean over m, in
// seconds of the step of power. ok is false where that mean is not seen at both edges.
func (v *view) averages(m float64) (square float64, ok bool) {
	brief := v.end-v.start < meanRange
	shown := func(t float64) float64 {
		x := ramped(t-v.start, m)
		if brief {
			x -= ramped(t-v.end, m)
		}
		return x
	}
	last := v.c
	for !brief && v.ks[last].t > v.start+meanRange {
		last--
	}
	b := v.ks[v.b]
	var xx, xy float64
	for _, q := range v.ks[v.b+1 : last+1] {
		x, y := shown(q.t), q.joules-b.joules-v.outside*(q.t-b.t)
		xx, xy = xx+x*x, xy+x*y
	}
	step := xy / xx
	if !(step > 0.5*v.outside && v.clear(step, v.outside+step)) {
		return 0, false
	}
	n, ok := 0, true
	count := func(joules, step float64) {
		off := joules / step
		square, n = square+sq(off), n+1
		ok = ok && math.Abs(off) < meanOff
	}
	for _, q := range v.ks[v.b+1 : last+1] {
		count(q.joules-b.joules-v.outside*(q.t-b.t)-step*shown(q.t), step)
	}
	z := v.ks[v.z]
	if !brief {
		step = v.power(max(v.z-insideTicks, v.from), v.z) - v.outside
		for _, q := range v.ks[v.z+1:] {
			count(q.joules-z.joules-(v.outside+step)*(q.t-z.t)+step*ramped(q.t-v.end, m), step)
		}
	}
	// After the end the ramp must have come down by something, and not be over.
	beyond := v.ks[v.c].t - v.end
	return square / float64(n), ok && beyond < 0.8*m && ramped(beyond, m) > meanOff
}

// Earlier returns ticks that came earlier by a time in ns.
func Earlier(ticks []Tick, by int64) []Tick {
	if by == 0 {
		return ticks
	}
	moved := make([]Tick, len(ticks))
	for i, t := range ticks {
		t.Lo, t.Hi = t.Lo-by, t.Hi-by
		moved[i] = t
	}
	return moved
}
