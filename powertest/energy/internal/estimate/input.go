// Package estimate estimates how much energy a device used in a window of time and in
// its parts, from the ticks of its counter. It is pure: what is known of the device goes
// in, joules with an interval come out. Its files are in the order of what they know of
// each other:
//
//	input.go      what is known: ticks, spans, the refresh period, the device
//	normal.go     normal distributions and mixtures of them
//	system.go     Bayesian linear regression by normal equations
//	ticks.go      when the ticks were
//	timeline.go   time, divided by all edges that are known
//	window.go     which ticks matter, and to which edges
//	model.go      the energy between ticks, in levels of power
//	shape.go      the hypotheses: how power goes over edges, and how noisy it is
//	profile.go    the course of power under one of them
//	rows.go       what of it lies between ticks, as equations
//	posterior.go  the energy of the window and its parts under one of them
//	search.go     which of them matter
//	alike.go      what other windows show of them
//	pulse.go      loads that are nearly in step with the ticks
//	scene.go      how likely they are by the power between ticks around edges
//	hidden.go     what such a load may hide there
//	estimate.go   the mixture of them: the estimates and their intervals
//	delay.go      the same for readings that others made
//
// Between ticks the counter's differences are exact, so what is not known of a
// window's energy is how the energy of the tick intervals that straddle its
// edges divides into inside and outside. Three things are known about that: the
// power outside, from the ticks beyond the edge; the power inside, from the
// ticks within; and the energy of the straddling interval itself, which the two
// parts must add up to:
//
//   - An idle device before and after (a cold benchmark): the power outside is
//     small and steady, and subtracting it is exact.
//   - Load that goes on over the edge: inside and outside have the same power, and
//     the interval is divided in proportion.
//   - A tail that decays after the last operation: it hides in the straddling
//     interval, where subtracting the power outside would bill it to the
//     window. Only the power inside shows it.
//
// Which of these it is, the data say more or less clearly; the interval is as wide
// as the disagreement that they leave. All edges that lie near are parts of one problem,
// in which power has a level for each set of what is open: the window, its phases, its
// pauses, other windows. So the energies of parts add up to that of the whole, and what
// one edge shows of the load the others know.
package estimate

import (
	"errors"
	"sort"
)

// Input is what is known of a device and its counter. Times are in ns since a moment
// of the caller's choosing.
type Input struct {
	// Ticks are the changes of the counter, in order.
	Ticks []Tick
	// Spans are the stretches of time to be measured, in order and without overlap.
	// Members are those of parts of it, each within them, or between, and Others those
	// of other windows near it, also in order.
	Spans   []Span
	Members [][]Span
	Others  []Span
	// Apart are stretches before and after Spans, and next to them, in which something ran
	// of which nothing is known, or nothing did.
	Apart  []Span
	Period Period
	// Resolution is the smallest step of the counter in joules, PowerLimit what the
	// device can draw in watts, and Behind by how many ns the value of a tick may be
	// older than the tick; 0 where that is unknown.
	Resolution, PowerLimit, Behind float64
	// Recorded reports whether the readings were made at times of someone else's choosing:
	// all ticks may be late by the same.
	Recorded bool
	// Far reports whether the ticks were not seen closely, since reading costs much.
	Far bool
	// Edges is what windows before showed.
	Edges Edges
	// Brief reports whether the device is one of so many that it must be quick.
	Brief bool
}

// Tick is the moment at which the counter's visible value became Joules: after Lo and
// not after Hi. Hi is when the value was read. Lo is when the one before was read or, if the
// first read that looked for the tick showed it, the earliest time at which it was due
// (3.5 standard deviations before the mean of what the pace believed): a belief, which a tick
// breaks that comes where none was due.
type Tick struct {
	Lo, Hi int64
	Joules float64
	Epoch  int32 // counts the resets of the counter
	// Inferred reports whether it was not seen to change: the value that was found.
	Inferred bool
}

// Mid returns the middle of the time in which the tick was.
func (t Tick) Mid() float64 { return float64(t.Lo)/2 + float64(t.Hi)/2 }

// Span is a stretch of time. On is how much of it counts: all, except where many short
// stretches were merged.
type Span struct{ Start, End, On int64 }

// counts reports whether all of the span does, but for what is rounded.
func (s Span) counts() bool {
	const rounded = 1000
	return max(s.End-s.Start-s.On, s.On-s.End+s.Start) <= rounded
}

// Result is the energy of spans in joules.
type Result struct {
	Mean, Low, High float64
	// Err is ErrGap where there is no energy, or nil.
	Err error
	// Coarse reports whether ticks next to an edge were passed over: what the load did
	// there is unknown on all devices that share it.
	Coarse bool
	// From and To are the time of the ticks that took part, and Ticks the number of
	// ticks in the window.
	From, To int64
	Ticks    int
	// Gap is the longest time between two of these ticks, in seconds.
	Gap float64
	// BeforeWatts is the mean power just before the window, if HasBefore.
	BeforeWatts float64
	HasBefore   bool
}

var (
	// ErrNotBracketed means that there is no tick on one side of the window.
	ErrNotBracketed = errors.New("no tick on one side of the window")
	// ErrGap means that ticks of a window with pauses are too far apart to tell the
	// pauses from the rest: by [Result.Gap].
	ErrGap = errors.New("ticks too far apart")
)

// second is a second in ns.
const second = 1e9

// firstAfter returns the index of the first tick after t; the number of ticks if
// there is none.
func firstAfter(ticks []Tick, t int64) int {
	return sort.Search(len(ticks), func(i int) bool { return int64(ticks[i].Mid()) > t })
}

// meanPower returns the mean power from one tick to another, in watts.
func meanPower(a, b Tick) float64 {
	return (b.Joules - a.Joules) / (b.Mid() - a.Mid()) * second
}
