// Package edgecount says by how much a counter went up between two moments, when it was
// read now and then. At a reading it is known, between two of them it is only known not
// to have gone down: that is the interval of each edge. What a counter counts, joules or
// tokens, does not matter.
package edgecount

import (
	"errors"
	"math"
	"time"
)

// Reading is a value that a counter had at some moment from Before to After, in ns of any
// one clock.
type Reading struct {
	Before, After int64
	Value         float64
}

// Edge is a moment, in ns of the clock of the readings. Most is the most that the counter
// goes up in a second between it and the reading that is nearer; it may be infinite.
type Edge struct {
	At   int64
	Most float64
}

// Count is by how much a counter went up, and the interval that this lies in.
type Count struct{ Value, Low, High float64 }

// Add returns the sum of two counts, of different counters. The errors of edges have
// causes in common, so intervals add up.
func (c Count) Add(other Count) Count {
	return Count{c.Value + other.Value, c.Low + other.Low, c.High + other.High}
}

// Quotient divides one by another. Their errors have no cause in common, so that their squares
// add up. Of nothing it is 0, up to what its interval leaves open. It may be infinite, or not a
// number, where the other is 0.
func Quotient(over, per Count) Count {
	value := over.Value / per.Value
	half := func(a, b float64) float64 { return math.Hypot(a, value*b) / per.Value }
	return Count{
		Value: value,
		Low:   max(value-half(over.Value-over.Low, per.High-per.Value), 0),
		High:  value + half(over.High-over.Value, per.Value-per.Low),
	}
}

// Errors of [Over].
var (
	// ErrReset says that the counter went down.
	ErrReset = errors.New("the counter went down")
	// ErrNotBracketed says that there is no reading before the first edge, or none after
	// the last.
	ErrNotBracketed = errors.New("not bracketed by readings")
)

// Over returns by how much the counter went up from one edge to another. Readings are in
// order, and do not overlap. Its errors are those of this package.
func Over(readings []Reading, from, to Edge) (Count, error) {
	first, last := before(readings, from.At), after(readings, to.At)
	if first < 0 || last == len(readings) {
		return Count{}, ErrNotBracketed
	}
	for i := first + 1; i <= last; i++ {
		if readings[i].Value < readings[i-1].Value {
			return Count{}, ErrReset
		}
	}
	a, b := at(readings, from), at(readings, to)
	return Count{b.Value - a.Value, max(b.Low-a.High, 0), b.High - a.Low}, nil
}

// before returns the last reading that is not after a moment; -1 if there is none.
func before(readings []Reading, at int64) int {
	i := len(readings) - 1
	for i >= 0 && readings[i].After > at {
		i--
	}
	return i
}

// after returns the first reading that is not before a moment.
func after(readings []Reading, at int64) int {
	i := before(readings, at) + 1
	if i > 0 && readings[i-1].Before >= at { // just at it
		return i - 1
	}
	for i < len(readings) && readings[i].Before < at {
		i++
	}
	return i
}

// at returns the value at an edge that has readings on both sides: on the line between
// them, within what the counter can have done.
func at(readings []Reading, e Edge) Count {
	prev, next := readings[before(readings, e.At)], readings[after(readings, e.At)]
	return Between(prev, next, e)
}

// Between returns the value of a counter at an edge between two readings of it.
func Between(prev, next Reading, e Edge) Count {
	c := Count{Low: prev.Value, High: next.Value}
	switch sincePrev, untilNext := e.At-prev.Before, next.After-e.At; {
	case math.IsInf(e.Most, 1):
	case sincePrev < untilNext:
		c.High = min(c.High, prev.Value+e.Most*seconds(sincePrev))
	default:
		c.Low = max(c.Low, next.Value-e.Most*seconds(untilNext))
	}
	from, to := (prev.Before+prev.After)/2, (next.Before+next.After)/2
	c.Value = prev.Value
	if to > from {
		c.Value += (next.Value - prev.Value) * float64(e.At-from) / float64(to-from)
	}
	c.Value = min(max(c.Value, c.Low), c.High)
	return c
}

func seconds(ns int64) float64 { return time.Duration(ns).Seconds() }
