// Package meter compares what a device reports with what an external meter shows. It reads
// the meter's file ([Read]), aligns the two in time by their correlation, and fits a straight
// line to the levels at which both are steady ([Compare]). It knows no source and no recorder:
//
//	series.go  power over time
//	layout.go  what the columns of a file are
//	file.go    a file, as a series
//	align.go   by how much two clocks differ
//	levels.go  steady levels, and the line through them
package meter

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Segment is a stretch of time, in seconds since 1970 or any other moment, and the mean power
// in it, in watts.
type Segment struct{ From, To, Watts float64 }

// Series is power over time: segments in order of time, without overlap. Between them it is
// not known.
type Series []Segment

// Start and End are when the series begins and ends; NaN if it has no segments.
func (s Series) Start() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return s[0].From
}

// End is documented with Start.
func (s Series) End() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return s[len(s)-1].To
}

// Length is how long it is from the beginning to the end.
func (s Series) Length() time.Duration {
	if len(s) == 0 {
		return 0
	}
	return time.Duration((s.End() - s.Start()) * float64(time.Second))
}

// spacing returns the median length of the segments, in seconds.
func (s Series) spacing() float64 {
	if len(s) == 0 {
		return 0
	}
	lengths := make([]float64, len(s))
	for i, x := range s {
		lengths[i] = x.To - x.From
	}
	slices.Sort(lengths)
	return lengths[len(lengths)/2]
}

// full is how much of a bin must be known for its mean to be.
const full = 0.99

// bins returns the mean power in n stretches of a width from a time on; NaN where it is not
// known.
func (s Series) bins(from, width float64, n int) []float64 {
	joules, known := make([]float64, n), make([]float64, n)
	end := from + float64(n)*width
	for _, x := range s[sort.Search(len(s), func(i int) bool { return s[i].To > from }):] {
		if x.From >= end {
			break
		}
		first := max(int(math.Floor((x.From-from)/width)), 0)
		for i := first; i < n && from+float64(i)*width < x.To; i++ {
			a, b := max(x.From, from+float64(i)*width), min(x.To, from+float64(i+1)*width)
			if b > a { // but for what is rounded
				joules[i] += x.Watts * (b - a)
				known[i] += b - a
			}
		}
	}
	for i := range joules {
		if joules[i] /= known[i]; known[i] < full*width {
			joules[i] = math.NaN()
		}
	}
	return joules
}

// gapSpacings is how many times longer than most a segment may be; a longer one is a gap, in
// which the power is not known.
const gapSpacings, leastGap = 20, 2.0

// withoutGaps returns the series without the segments that are gaps.
func (s Series) withoutGaps() Series {
	limit := max(gapSpacings*s.spacing(), leastGap)
	return slices.DeleteFunc(s, func(x Segment) bool { return x.To-x.From > limit })
}
