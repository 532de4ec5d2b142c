package estimate

import (
	"math"
	"slices"
)

// How many ticks on each side of an edge take part. Ticks further inside say
// little of the power at the edge; ticks further outside, none.
const (
	edgeTicks   = 3
	insideTicks = 9
	// minNear is how many ticks inside an edge needs to be closed by itself.
	minNear = 4
)

// window is spans aligned with the ticks: the timed ticks from edgeTicks before them to
// edgeTicks after them, and the indices of the first and the last of these ticks.
type window struct {
	spans      []Span
	ticks      []timedTick
	first, end int
}

func (w window) from() int64 { return w.spans[0].Start }

func (w window) till() int64 { return w.spans[len(w.spans)-1].End }

// edges returns from and till in seconds.
func (w window) edges() (start, end float64) {
	return float64(w.from()) / second, float64(w.till()) / second
}

// whole reports whether all the time from start to end counts.
func (w window) whole() bool { return len(w.spans) == 1 && w.spans[0].counts() }

// align aligns the spans with the ticks. ok is false unless there is a tick on both
// sides.
func align(in *Input) (w window, ok bool) {
	w.spans = trim(in.Spans)
	// The first tick after the start, and the last one before the end.
	first, last := firstAfter(in.Ticks, w.from()), firstAfter(in.Ticks, w.till())-1
	if first < 1 || last+1 >= len(in.Ticks) {
		return w, false
	}
	w.first, w.end = max(first-edgeTicks, 0), min(last+edgeTicks, len(in.Ticks)-1)
	split, join := first+insideTicks, last-insideTicks
	if !w.whole() || split >= join {
		split, join = w.end, w.end
	}
	// What lies far from the edges of a whole stretch of time adds up exactly.
	w.ticks = in.timeTicks(in.Ticks[w.first : split+1])
	if join < w.end {
		w.ticks = append(w.ticks, in.timeTicks(in.Ticks[join:w.end+1])...)
	}
	return w, len(w.ticks) >= 2
}

// trim drops spans at the ends that hold next to nothing of the window, such as
// what remains between a last StartTimer and the end of a benchmark: they are no
// edges of the load.
func trim(spans []Span) []Span {
	const nothing = 1e-3
	var total int64
	for _, s := range spans {
		total += s.On
	}
	little := func(s Span) bool { return float64(s.On) < nothing*float64(total) }
	for len(spans) > 1 && little(spans[len(spans)-1]) && float64(spans[len(spans)-1].Start-spans[len(spans)-2].End) > float64(total)*nothing {
		spans = spans[:len(spans)-1]
	}
	for len(spans) > 1 && little(spans[0]) && float64(spans[1].Start-spans[0].End) > float64(total)*nothing {
		spans = spans[1:]
	}
	return spans
}

// cut is where the problems of the two edges of a window begin and end: at the
// timed ticks i and j, between which everything is known. one says that they can't be
// told apart.
type cut struct {
	i, j int
	one  bool
}

// cut divides the ticks between the edges.
func (w window) cut() cut {
	s, e := w.edges()
	first := slices.IndexFunc(w.ticks, func(k timedTick) bool { return k.t > s })
	last := len(w.ticks) - 1
	for last > 0 && w.ticks[last].t > e {
		last--
	}
	// Each edge has the ticks on its half of the window: the load may change in
	// the middle.
	near := min(insideTicks, (last-first+1)/2)
	return cut{first + near - 1, last - near + 1, !w.whole() || near < minNear}
}

// encloses reports whether there are ticks, out of those given, on both sides of the
// window.
func (w window) encloses(ks []timedTick) bool {
	s, e := w.edges()
	return len(ks) > 1 && ks[0].t <= s && ks[len(ks)-1].t > e
}

// inside counts the ticks in the window.
func (w window) inside(ticks []Tick) int {
	n := 0
	for _, t := range ticks[w.first : w.end+1] {
		if m := int64(t.Mid()); m > w.from() && m <= w.till() {
			n++
		}
	}
	return n
}

// widest returns the longest time between two timed ticks, in seconds.
func (w window) widest() float64 {
	widest := 0.0
	for i := 1; i < len(w.ticks); i++ {
		widest = max(widest, w.ticks[i].t-w.ticks[i-1].t)
	}
	return widest
}

// powerBefore returns the mean power over the ticks that were seen in a row just before
// the window. ok is false where they are too few to resolve it.
func (w window) powerBefore(in *Input) (watts float64, ok bool) {
	const most = 8
	last := firstAfter(in.Ticks, w.from()) - 1
	first := last
	for first > 0 && last-first < most {
		a, b := in.Ticks[first-1], in.Ticks[first]
		if a.Inferred || a.Epoch != b.Epoch || b.Mid()-a.Mid() > 3*in.Period.Expected()*float64(in.Period.Stride) {
			break
		}
		first--
	}
	if first == last || in.Resolution > 0.05*(in.Ticks[last].Joules-in.Ticks[first].Joules) {
		return 0, false
	}
	return meanPower(in.Ticks[first], in.Ticks[last]), true
}

// Settled reports whether enough is known beyond the end of a window that began at
// start: three ticks, or two where they show that no tail decays there.
func Settled(ticks []Tick, start, end int64) bool {
	n := len(ticks) - firstAfter(ticks, end)
	return n >= edgeTicks || n == edgeTicks-1 && noTail(ticks, start)
}

// noTail reports whether the power between the last two ticks, after the window,
// is that before the window or that inside it: the device is idle again, or its
// load goes on.
func noTail(ticks []Tick, start int64) bool {
	first := firstAfter(ticks, start)
	last := len(ticks) - edgeTicks // the last one inside
	if first < 2 || last <= first {
		return false
	}
	before, inside := meanPower(ticks[first-2], ticks[first-1]), meanPower(ticks[first], ticks[last])
	now := meanPower(ticks[len(ticks)-2], ticks[len(ticks)-1])
	const near = 0.1
	return math.Abs(now-before) <= near*math.Abs(inside-before) || math.Abs(now-inside) <= near*inside
}
