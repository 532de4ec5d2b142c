package estimate

import (
	"math"
	"sort"
)

// problem is a stretch of time around one or both edges of a window, in pieces between
// ticks. Times are in seconds.
type problem struct {
	// start and end are the edges; ±Inf for an edge that lies elsewhere.
	start, end float64
	spans      []interval // where there are several
	pieces     []piece
	period     float64
	maxPower   float64 // W; what the device can draw at most
	quantum    float64 // J; resolution of the counter
	brief, far bool    // as in Input
	// rough is about what the levels of power are, for the size of the noise.
	rough vector
}

// The levels of power: before the window, while it is on, in its gaps, and after it.
const (
	before = iota
	on
	gap
	after
)

// interval is a stretch of time, in seconds.
type interval struct{ start, end float64 }

// piece is the time between two timed ticks: energy was used from t0 to t1.
type piece struct {
	t0, t1   float64
	sd0, sd1 float64 // of t0 and t1
	energy   float64
	on, gap  float64 // seconds that count, and seconds of gaps inside the window
	// before and after are the seconds outside of the window.
	before, after float64
}

func (p piece) length() float64 { return p.t1 - p.t0 }
func (p piece) off() float64    { return p.before + p.gap + p.after }
func (p piece) power() float64  { return p.energy / p.length() }

// sameSide reports whether both pieces lie wholly before, in or after the window.
func (p piece) sameSide(q piece) bool {
	const all = 0.999
	l, m := p.length()*all, q.length()*all
	return p.before >= l && q.before >= m || p.on >= l && q.on >= m || p.after >= l && q.after >= m
}

// problems returns the problems of the edges, and the energy that lies between
// them. ks are the ticks of the window, where they are taken to be.
func problems(in *Input, w window, ks []timedTick, at cut) (ps []*problem, between float64) {
	s, e := w.edges()
	if at.one {
		return []*problem{newProblem(in, w.spans, ks, s, e)}, 0
	}
	left := newProblem(in, w.spans, ks[:at.i+1], s, math.Inf(1))
	right := newProblem(in, w.spans, ks[at.j:], math.Inf(-1), e)
	return []*problem{left, right}, ks[at.j].joules - ks[at.i].joules
}

// newProblem aligns the spans of a window with ticks. An edge that is infinite
// lies beyond them.
func newProblem(in *Input, spans []Span, ks []timedTick, s, e float64) *problem {
	p := &problem{start: s, end: e, period: in.Period.Seen / second, quantum: in.Resolution, brief: in.Brief, far: in.Far}
	for _, v := range spans {
		if len(spans) > 1 && v.counts() {
			p.spans = append(p.spans, interval{float64(v.Start) / second, float64(v.End) / second})
		}
	}
	for i := 1; i < len(ks); i++ {
		a, b := ks[i-1], ks[i]
		q := piece{t0: a.t, t1: b.t, sd0: a.sd, sd1: b.sd, energy: b.joules - a.joules}
		q.before = max(min(b.t, s)-a.t, 0)
		q.after = max(b.t-max(a.t, e), 0)
		q.on = onTime(spans, a.t, b.t)
		q.gap = max(q.length()-q.before-q.after-q.on, 0)
		p.pieces = append(p.pieces, q)
		p.maxPower = max(p.maxPower, q.power())
	}
	// Power beyond the limit is possible for a moment only; without a limit,
	// twice what was seen.
	p.maxPower *= 1.05
	if in.PowerLimit > p.maxPower {
		p.maxPower = in.PowerLimit
	} else if in.PowerLimit <= 0 {
		p.maxPower *= 2
	}
	p.rough = roughLevels(p.pieces, p.maxPower)
	return p
}

// onTime returns how many seconds of the spans lie in [t0, t1).
func onTime(spans []Span, t0, t1 float64) float64 {
	// The first span that ends after t0.
	from := sort.Search(len(spans), func(k int) bool { return float64(spans[k].End)/second > t0 })
	sum := 0.0
	for _, s := range spans[from:] {
		a, b := float64(s.Start)/second, float64(s.End)/second
		if a >= t1 {
			break
		}
		if d := min(b, t1) - max(a, t0); d > 0 && b > a {
			sum += d * float64(s.On) / float64(s.End-s.Start)
		}
	}
	return sum
}

// roughLevels estimates the levels of power from the pieces that hold nothing else, or
// else from what is left.
func roughLevels(pieces []piece, maxPower float64) (rough vector) {
	var joules, secs vector
	for _, q := range pieces {
		switch l := q.length() * 0.999; {
		case q.before >= l:
			joules[before], secs[before] = joules[before]+q.energy, secs[before]+q.length()
		case q.on >= l:
			joules[on], secs[on] = joules[on]+q.energy, secs[on]+q.length()
		case q.after >= l:
			// The last one: the tail is over by then, if it is over at all.
			joules[after], secs[after] = q.energy, q.length()
		}
	}
	for i := range rough {
		if secs[i] > 0 {
			rough[i] = joules[i] / secs[i]
		}
	}
	if secs[before] == 0 {
		rough[before] = rough[after]
	}
	if secs[after] == 0 {
		rough[after] = rough[before]
	}
	if secs[on] == 0 {
		var e, t float64
		for _, q := range pieces {
			e += q.energy - q.before*rough[before] - q.after*rough[after] - q.gap*rough[before]
			t += q.on
		}
		if t > 0 {
			rough[on] = min(max(e/t, 0), maxPower)
		}
	}
	rough[gap] = (rough[before] + rough[on]) / 2
	return rough
}

// firstSpan returns the index of the first span that ends after t.
func (p *problem) firstSpan(t float64) int {
	return sort.Search(len(p.spans), func(k int) bool { return p.spans[k].end > t })
}

// bounds returns what the counter allows at the least and at the most.
func (p *problem) bounds() (least, most float64) {
	least, most = -p.quantum, p.quantum
	const sure = 4 // standard deviations
	for _, q := range p.pieces {
		if q.t1+sure*q.sd1 > p.start && q.t0-sure*q.sd0 < p.end {
			most += q.energy
		}
		if q.off() == 0 && q.t0-sure*q.sd0 >= p.start && q.t1+sure*q.sd1 <= p.end {
			least += q.energy
		}
	}
	return max(least, 0), most
}

// undetermined reports whether load goes on over an edge of a window that holds
// no refresh period: nothing then shows the power inside.
func (p *problem) undetermined() bool {
	warm := max(p.rough[before], p.rough[after]) > p.rough[on]/2
	return warm && p.end-p.start < 0.9*p.period
}

// coarsely is how many refresh periods a piece must last for ticks to have been
// passed over, or dropped, in it.
const coarsely = 2.5

// passedOver returns how much energy may be on the other side of the edges than is
// believed, because ticks next to them were passed over: nothing shows what the load
// did in a refresh period there, but that the device can draw no more than it can.
func (p *problem) passedOver(period float64) float64 {
	joules := 0.0
	for _, q := range p.pieces {
		if q.on == 0 || q.off() == 0 || q.length() <= coarsely*period {
			continue
		}
		most, least := min(q.energy, p.maxPower*q.on), max(q.energy-p.maxPower*q.off(), 0)
		joules += max(most-least, 0)
	}
	return joules
}

// farSpans is by how much more the edges of many spans may be off where the
// ticks of the counter were not seen closely: in simulation, phases of 1 to 1.5
// refresh periods need that much.
const farSpans = 3

// misplaced is a half-width for the ticks around the edges being somewhere else
// than the line through all ticks says, as happens when reads are late or slow
// for the refresh period.
func (p *problem) misplaced() float64 {
	v := 0.0
	for _, q := range p.pieces {
		if q.on == 0 || q.off() == 0 {
			continue
		}
		v += sq(p.rough[on] * max(q.sd0, q.sd1))
	}
	if p.far && len(p.spans) > 1 {
		// What the ticks are off by is partly correlated, and edges are many.
		v *= sq(farSpans)
	}
	return 1.3 * math.Sqrt(v)
}
