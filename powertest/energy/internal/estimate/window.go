package estimate

import (
	"math"
	"slices"
)

// How many ticks on each side of an edge take part. Ticks further inside say little of
// the power at the edge; ticks further outside, none.
const (
	edgeTicks   = 3
	insideTicks = 9
	// minNear is how many ticks inside an edge needs to be estimated by itself.
	minNear = 4
)

// window is a timeline aligned with the ticks that take part, timed. first and last are
// the indices of the first and the last of them.
type window struct {
	targets     [][]Span // what is measured; the first is the whole
	tl          *timeline
	ticks       []timedTick
	first, last int
}

// align aligns a timeline with the ticks. ok is false unless there is a tick on both
// sides of the whole.
func align(in *Input) (w window, ok bool) {
	root := trim(in.Spans)
	w.targets = append([][]Span{root}, in.Members...)
	// The first tick after the start, and the last one before the end.
	first, last := firstAfter(in.Ticks, root[0].Start), firstAfter(in.Ticks, root[len(root)-1].End)-1
	if first < 1 || last+1 >= len(in.Ticks) {
		return w, false
	}
	w.first, w.last = max(first-edgeTicks, 0), min(last+edgeTicks, len(in.Ticks)-1)
	var others []Span
	for _, s := range in.Others {
		if s.End > in.Ticks[w.first].Lo && s.Start < in.Ticks[w.last].Hi {
			others = append(others, s)
		}
	}
	w.tl = newTimeline(w.targets, others, in.Apart)
	split, join := first+insideTicks, last-insideTicks
	if !w.tl.plain() || split >= join {
		split, join = w.last, w.last
	}
	// What lies far from the edges of a whole stretch of time adds up exactly.
	w.ticks = in.timeTicks(in.Ticks[w.first : split+1])
	if join < w.last {
		w.ticks = append(w.ticks, in.timeTicks(in.Ticks[join:w.last+1])...)
	}
	return w, len(w.ticks) >= 2
}

// pieces returns the time between ticks where they are taken to be.
func pieces(ks []timedTick) (list []piece) {
	for i := 1; i < len(ks); i++ {
		a, b := ks[i-1], ks[i]
		list = append(list, piece{t0: a.t, t1: b.t, sd0: a.sd, sd1: b.sd, energy: b.joules - a.joules})
	}
	return list
}

// cuts returns where pieces are divided into those of models of their own, from index to
// index: the two edges of a plain window, as far as enough ticks lie between them, since
// the load may change in the middle. What is left out between is known.
func (w *window) cuts(all []piece) [][2]int {
	first := max(slices.IndexFunc(all, func(q piece) bool { return q.t1 > w.tl.from }), 0)
	last := len(all)
	for last > first+1 && all[last-1].t0 > w.tl.till {
		last--
	}
	// Each edge has the ticks on its half of the window.
	near := min(insideTicks, (last-first-1)/2)
	if !w.tl.plain() || near < minNear {
		return [][2]int{{0, len(all)}}
	}
	return [][2]int{{0, first + near}, {last - near, len(all)}}
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

// encloses reports whether there are ticks, out of those given, on both sides of the
// whole.
func (w *window) encloses(ks []timedTick) bool {
	return len(ks) > 1 && ks[0].t <= w.tl.from && ks[len(ks)-1].t > w.tl.till
}

// inside counts the ticks within spans.
func inside(ticks []Tick, spans []Span) int {
	return firstAfter(ticks, spans[len(spans)-1].End) - firstAfter(ticks, spans[0].Start)
}

// widest returns the longest time between two timed ticks, in seconds.
func (w *window) widest() float64 {
	widest := 0.0
	for i := 1; i < len(w.ticks); i++ {
		widest = max(widest, w.ticks[i].t-w.ticks[i-1].t)
	}
	return widest
}

// powerBefore returns the mean power over the ticks that were seen in a row just before
// start, within a few refresh periods of it or, where fewer are seen, over the last two. ok is
// false where they are too few to resolve it.
func powerBefore(in *Input, start int64) (watts float64, ok bool) {
	const most = 8 // refresh periods
	last := firstAfter(in.Ticks, start) - 1
	first := last
	for first > 0 {
		a, b := in.Ticks[first-1], in.Ticks[first]
		if first < last && float64(start)-a.Mid() > most*in.Period.Expected() {
			break // another load may have gone on there
		}
		if a.Inferred || a.Epoch != b.Epoch || b.Mid()-a.Mid() > 3*in.Period.Expected()*float64(in.Period.Stride) {
			break
		}
		first--
	}
	if first == last || in.Resolution > 0.05*(in.Ticks[last].Joules-in.Ticks[first].Joules) {
		return 0, false
	}
	a, b := in.Ticks[first], in.Ticks[last]
	if math.Hypot(float64(a.Hi-a.Lo), float64(b.Hi-b.Lo))/math.Sqrt(12) > 0.1*(b.Mid()-a.Mid()) {
		return 0, false // they were seen too badly
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
