package plot

import (
	"math"
	"time"
)

// thin returns of points only what can be seen in so many columns from one time to another:
// of each column the first and the last, and the least and the greatest, so that a spike of
// one sample stays. A gap stays a gap. Points before and after the time are left out, but
// for one on either side.
func thin(points []Point, from, to time.Duration, columns int) []Point {
	points = inside(points, from, to)
	if len(points) <= 4*columns || to <= from {
		return points
	}
	t := thinned{points: points}
	width := float64(to-from) / float64(columns)
	for i := range points {
		column := int(math.Floor(float64(points[i].At-from) / width))
		if i > 0 && column != t.column {
			t.flush()
		}
		if i == 0 || column != t.column {
			t.begin(i, column)
		}
		t.see(i)
	}
	t.flush()
	return t.kept
}

// inside are the points of a time, with the last before it and the first after it.
func inside(points []Point, from, to time.Duration) []Point {
	s := Series{Points: points}
	return points[max(s.after(from)-1, 0):min(s.after(to)+1, len(points))]
}

// thinned is the state of thin: what was seen of a column.
type thinned struct {
	points                  []Point
	kept                    []Point
	column                  int
	first, last, least, top int
	gap                     int // the first one of the column; -1 if it has none
}

func (t *thinned) begin(i, column int) {
	t.column, t.first, t.last, t.least, t.top, t.gap = column, i, i, -1, -1, -1
}

func (t *thinned) see(i int) {
	t.last = i
	w := t.points[i].Watts
	switch {
	case math.IsNaN(w):
		if t.gap < 0 {
			t.gap = i
		}
		return
	case t.least < 0:
		t.least, t.top = i, i
	}
	if w < t.points[t.least].Watts {
		t.least = i
	}
	if w > t.points[t.top].Watts {
		t.top = i
	}
}

// flush keeps what is to be seen of a column, in order.
func (t *thinned) flush() {
	list := [5]int{t.first, t.least, t.top, t.gap, t.last}
	for i := range list { // sorted by insertion
		for k := i; k > 0 && list[k] < list[k-1]; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
	last := -1
	for _, i := range list {
		if i >= 0 && i != last {
			t.kept = append(t.kept, t.points[i])
			last = i
		}
	}
}
