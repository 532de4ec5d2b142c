package estimate

import (
	"maps"
	"math"
	"slices"
)

// How many ticks on each side of an edge take part. Ticks further away say little of
// the power at the edge; ticks further outside of the window, none.
const (
	edgeTicks   = 3
	insideTicks = 9
	// minNear is how many ticks inside an edge needs to be estimated by itself.
	minNear = 4
)

// window is a timeline aligned with the ticks.
type window struct {
	targets [][]Span // what is measured; the first is the whole
	tl      *timeline
	// ticks are those that take part, timed, and far says of each whether ticks before it
	// were left out, since no edge is near.
	ticks []timedTick
	far   []bool
	// first and last are the indices of the first and the last of these ticks.
	first, last int
	split       bool // ticks were left out between the edges
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
	w.tl = newTimeline(w.targets, others, in.Period.Expected()/second)
	for _, run := range w.near(in.Ticks) {
		timed := in.timeTicks(in.Ticks[run[0] : run[1]+1])
		for i := range timed {
			w.far = append(w.far, i == 0 && len(w.ticks) > 0)
		}
		w.split = w.split || len(w.ticks) > 0
		w.ticks = append(w.ticks, timed...)
	}
	return w, len(w.ticks) >= 2
}

// near returns the runs of ticks, from index to index, that are near edges or in merged
// spans.
func (w *window) near(ticks []Tick) (runs [][2]int) {
	add := func(from, to float64) {
		lo := max(firstAfter(ticks, int64(from*second))-1-insideTicks, w.first)
		hi := min(firstAfter(ticks, int64(to*second))+insideTicks, w.last)
		if n := len(runs); n > 0 && lo <= runs[n-1][1]+1 {
			runs[n-1][1] = max(hi, runs[n-1][1])
		} else if lo <= hi {
			runs = append(runs, [2]int{lo, hi})
		}
	}
	for _, p := range w.tl.parts[1:] {
		if p.mixed() {
			add(p.start, p.end)
		} else {
			add(p.start, p.start)
		}
	}
	return runs
}

// pieces returns the time between ticks where they are taken to be: what lies near the
// edges of the whole, or of its parts, and what far from any.
func (w *window) pieces(ks []timedTick) (near, far []piece) {
	for i := 1; i < len(ks); i++ {
		a, b := ks[i-1], ks[i]
		q := piece{t0: a.t, t1: b.t, sd0: a.sd, sd1: b.sd, energy: b.joules - a.joules}
		if w.far[i] {
			far = append(far, q)
		} else {
			near = append(near, q)
		}
	}
	return near, far
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

// cuts returns where near pieces are divided into those of models of their own, from index
// to index: the two edges of a plain window, as far as enough ticks lie between them,
// since the load may change in the middle; and otherwise where the labels get too many for
// one model. What is left out is known: it lies far from both edges of a plain window.
func (w *window) cuts(near []piece) (list [][2]int) {
	if !w.tl.plain() {
		return w.cutsByLabels(near)
	}
	first := slices.IndexFunc(near, func(q piece) bool { return q.t1 > w.tl.from })
	last := len(near)
	for last > first+1 && near[last-1].t0 > w.tl.till {
		last--
	}
	// Each edge has the ticks on its half of the window.
	n := (last - first - 1) / 2
	if w.split {
		n = insideTicks
	}
	if n = min(n, insideTicks); n < minNear {
		return [][2]int{{0, len(near)}}
	}
	return [][2]int{{0, first + n}, {last - n, len(near)}}
}

// cutsByLabels cuts where the labels get more than have a level of their own.
func (w *window) cutsByLabels(near []piece) (list [][2]int) {
	begin := 0
	seen := map[int]bool{}
	for i, q := range near {
		fresh := map[int]bool{}
		for _, p := range w.tl.parts[w.tl.at(q.t0):] {
			if p.start >= q.t1 {
				break
			}
			for _, d := range p.mix {
				fresh[d.label] = true
			}
		}
		more := maps.Clone(seen)
		maps.Copy(more, fresh)
		if i > begin && len(more) > maxLevels {
			list, begin, more = append(list, [2]int{begin, i}), i, fresh
		}
		seen = more
	}
	return append(list, [2]int{begin, len(near)})
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

// widest returns the longest time between two timed ticks near edges, in seconds.
func (w *window) widest() float64 {
	widest := 0.0
	for i := 1; i < len(w.ticks); i++ {
		if !w.far[i] {
			widest = max(widest, w.ticks[i].t-w.ticks[i-1].t)
		}
	}
	return widest
}

// powerBefore returns the mean power over the ticks that were seen in a row just before
// start. ok is false where they are too few to resolve it.
func powerBefore(in *Input, start int64) (watts float64, ok bool) {
	const most = 8
	last := firstAfter(in.Ticks, start) - 1
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
