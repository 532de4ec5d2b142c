package plot

import (
	"math"
	"time"
)

// sum is the power of all series together; nil if there is only one. It is known only
// where that of each is.
func sum(list []Series) *Series {
	if len(list) < 2 {
		return nil
	}
	total := Series{Name: "sum", Step: true}
	for _, s := range list {
		total.Step = total.Step && s.Step
	}
	lines := make([][]Point, len(list))
	n := 0
	for i, s := range list {
		if lines[i] = s.Points; s.Step && !total.Step {
			lines[i] = corners(s.Points)
		}
		n += len(lines[i])
	}
	total.Points = make([]Point, 0, n)
	next := make([]int, len(lines)) // the first point of each that is later than now
	for {
		at, more := earliest(lines, next)
		if !more {
			return &total
		}
		// A corner of a step has two powers at one time: one sum for each.
		for again := true; again; {
			again = false
			watts := 0.0
			for i, line := range lines {
				if next[i] < len(line) && line[next[i]].At == at {
					next[i]++
					again = again || next[i] < len(line) && line[next[i]].At == at
				}
				watts += powerAt(line, next[i], at, total.Step)
			}
			total.add(Point{at, watts})
		}
	}
}

// add adds a point, but not one gap after another.
func (s *Series) add(p Point) {
	if n := len(s.Points); math.IsNaN(p.Watts) && (n == 0 || math.IsNaN(s.Points[n-1].Watts)) {
		return
	}
	s.Points = append(s.Points, p)
}

// earliest is the time of the next point of any line.
func earliest(lines [][]Point, next []int) (at time.Duration, more bool) {
	for i, line := range lines {
		if next[i] < len(line) && (!more || line[next[i]].At < at) {
			at, more = line[next[i]].At, true
		}
	}
	return at, more
}

// powerAt is the power of a line at a time, of which next is the first later point.
func powerAt(line []Point, next int, at time.Duration, step bool) float64 {
	if next == 0 {
		return math.NaN()
	}
	before := line[next-1]
	switch {
	case step || before.At == at:
		return before.Watts
	case next == len(line):
		return math.NaN()
	}
	after := line[next]
	return before.Watts + (after.Watts-before.Watts)*float64(at-before.At)/float64(after.At-before.At)
}

// corners draws steps as a line.
func corners(points []Point) []Point {
	line := make([]Point, 0, 2*len(points))
	for i, p := range points {
		if i > 0 {
			line = append(line, Point{p.At, points[i-1].Watts})
		}
		line = append(line, p)
	}
	return line
}
