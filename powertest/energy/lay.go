package energy

import "slices"

// laid is a window laid over the ticks: the knots from edgeTicks before it to
// edgeTicks after it, and the indices of the first and the last of these ticks.
type laid struct {
	spans      []span
	knots      []knot
	first, end int
}

func (w laid) from() int64 { return w.spans[0].start }

func (w laid) till() int64 { return w.spans[len(w.spans)-1].end }

// whole reports whether all the time from start to end counts.
func (w laid) whole() bool {
	return len(w.spans) == 1 && w.spans[0].on == w.spans[0].end-w.spans[0].start
}

// lay lays spans over the ticks. ok is false unless there is a tick on both
// sides.
func (c *Curve) lay(spans []span) (w laid, ok bool) {
	w.spans = trim(spans)
	// The first tick after the start, and the last one before the end.
	first, last := c.firstAfter(w.from()), c.firstAfter(w.till())-1
	if first < 1 || last+1 >= len(c.ticks) {
		return w, false
	}
	w.first, w.end = max(first-edgeTicks, 0), min(last+edgeTicks, len(c.ticks)-1)
	split, join := first+insideTicks, last-insideTicks
	if !w.whole() || split >= join {
		split, join = w.end, w.end
	}
	// What lies far from the edges of a whole stretch of time adds up exactly.
	w.knots = c.knotsNear(c.ticks[w.first : split+1])
	if join < w.end {
		w.knots = append(w.knots, c.knotsNear(c.ticks[join:w.end+1])...)
	}
	return w, len(w.knots) >= 2
}

// trim drops spans at the ends that hold next to nothing of the window, such as
// what remains between a last StartTimer and the end of a benchmark: they are no
// edges of the load.
func trim(spans []span) []span {
	const nothing = 1e-3
	var total int64
	for _, s := range spans {
		total += s.on
	}
	little := func(s span) bool { return float64(s.on) < nothing*float64(total) }
	for len(spans) > 1 && little(spans[len(spans)-1]) && float64(spans[len(spans)-1].start-spans[len(spans)-2].end) > float64(total)*nothing {
		spans = spans[:len(spans)-1]
	}
	for len(spans) > 1 && little(spans[0]) && float64(spans[1].start-spans[0].end) > float64(total)*nothing {
		spans = spans[1:]
	}
	return spans
}

// cut is where the problems of the two edges of a window begin and end: at the
// knots i and j, between which everything is known. one says that they can't be
// told apart.
type cut struct {
	i, j int
	one  bool
}

// cut divides the knots between the edges.
func (w laid) cut() cut {
	s, e := float64(w.from())/second, float64(w.till())/second
	first := slices.IndexFunc(w.knots, func(k knot) bool { return k.t > s })
	last := len(w.knots) - 1
	for last > 0 && w.knots[last].t > e {
		last--
	}
	// Each edge has the ticks on its half of the window: the load may change in
	// the middle.
	near := min(insideTicks, (last-first+1)/2)
	return cut{first + near - 1, last - near + 1, !w.whole() || near < minNear}
}
