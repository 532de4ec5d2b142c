package energy

import (
	"context"
	"slices"
	"time"
)

// A Historian is a [Source] that knows the past: a server or a log that keeps
// what devices told at times of its own choosing. A [Recorder] does not read it
// while windows are open; it asks once, after the end of a window.
type Historian interface {
	Source
	// Past adds what is known of the spans, and of the time around them, to the
	// curves: one for each of Devices, made by [NewHistory]. If what comes
	// after the end is not known yet it waits, but not longer than the source
	// can be expected to take, nor beyond the end of ctx; then it adds what
	// there is. Devices may come in any order, but the readings of each in
	// order of time.
	//
	// The findings are about all devices. An error withholds the measurement.
	Past(ctx context.Context, spans []Span, curves []*Curve) ([]Finding, error)
}

// NewHistory returns an empty curve for readings that were made at times of
// someone else's choosing, as a [Historian] has them. Unlike with [NewCurve],
// where within the time between two readings a counter changed is then not
// known any better from its other ticks: who reads at a regular interval is
// always late by the same. base is any time near the first reading; period is
// the nominal refresh period, which counts until the ticks show another.
func NewHistory(d Device, base time.Time, period time.Duration) *Curve {
	c := NewCurve(d, base, period)
	c.recorded = true
	return c
}

// Note remembers something that spoils the measurement of the time between from
// and to, and that readings do not show.
func (c *Curve) Note(from, to time.Time, r Reason, detail string) {
	c.note(c.at(from), c.at(to), r, detail)
}

// MeanPower tells the mean of the samples of the power gauge of a counter device
// from one time to another, in watts: the cross-check of the counter, where the
// samples themselves would be too many.
func (c *Curve) MeanPower(from, to time.Time, watts float64) {
	c.average.from, c.average.to, c.average.watts = c.at(from), c.at(to), watts
}

// Settled reports whether enough is known of what comes after the last span to
// measure the spans: three ticks, or two where they show that no tail decays
// there. For a gauge, whether its readings reach that far.
func (c *Curve) Settled(spans []Span) bool {
	if len(spans) == 0 {
		return true
	}
	in := c.spans(spans)
	c.learn()
	return c.settled(in, in[len(in)-1].end)
}

func (c *Curve) spans(spans []Span) []span {
	in := make([]span, len(spans))
	for i, s := range spans {
		in[i] = span{start: c.at(s.Start), end: c.at(s.End), on: int64(s.End.Sub(s.Start))}
	}
	return in
}

// learn takes the median time between ticks as the refresh period of a history,
// whose pace had no say in when it was read.
func (c *Curve) learn() {
	if !c.recorded || len(c.ticks) < 3 {
		return
	}
	between := make([]float64, 0, len(c.ticks))
	for i := 1; i < len(c.ticks); i++ {
		if a, b := c.ticks[i-1], c.ticks[i]; !a.inferred && a.epoch == b.epoch {
			between = append(between, float64(b.hi-a.hi))
		}
	}
	if len(between) == 0 {
		return
	}
	slices.Sort(between)
	c.pace.period, c.pace.ticks, c.pace.vPeriod = between[len(between)/2], len(between)+1, 0
}
