package energy

import (
	"context"
	"slices"
	"time"
)

// A HistorySource is a [Source] that knows the past: a server or a log that keeps
// what devices told at times of its own choosing. A [Recorder] does not read it
// while windows are open; it asks once, after the end of a window.
type HistorySource interface {
	Source
	// ReadRange adds what is known of the spans, and of the time around them, to the
	// histories: element i is that of Devices()[i], and nil if it is not asked for. If what comes
	// after the end is not known yet it waits, but not longer than the source
	// can be expected to take, nor beyond the end of ctx; then it adds what
	// there is. Devices may come in any order, but the readings of each in
	// order of time.
	//
	// The findings are about all devices. An error withholds the measurement.
	ReadRange(ctx context.Context, spans []Span, to []*History) ([]Finding, error)
}

// A History takes in what a [HistorySource] knows of one device: readings that were
// made at times of someone else's choosing. Unlike with the readings of a [Recorder],
// where within the time between two readings a counter changed is then not known any
// better from its other ticks: who reads at a regular interval is always late by the
// same. It is not safe for concurrent use.
type History struct{ curve *Curve }

// NewHistory returns an empty history of a device. base is any time near the first
// reading; period is the nominal refresh period, which counts until the ticks show
// another.
func NewHistory(d Device, base time.Time, period time.Duration) *History {
	c := NewCurve(d, base, period)
	c.recorded = true
	return &History{c}
}

// Add takes in a reading and reports whether it showed something new. Readings come
// in order of time; one that does not is noted as invalid, and left out.
func (h *History) Add(r Reading) bool { return h.curve.Add(r) }

// Note remembers something that spoils the measurement of the time between from
// and to, and that readings do not show.
func (h *History) Note(from, to time.Time, r Reason, detail string) {
	h.curve.note(h.curve.at(from), h.curve.at(to), r, detail)
}

// MeanPower takes the mean of the samples of the power gauge of a counter device
// from one time to another, in watts: the cross-check of the counter, where the
// samples themselves would be too many.
func (h *History) MeanPower(from, to time.Time, watts float64) {
	a := &h.curve.average
	a.from, a.to, a.watts = h.curve.at(from), h.curve.at(to), watts
}

// Settled reports whether enough is known of what comes after the last span to
// measure the spans: three ticks, or two where they show that no tail decays
// there. For a gauge, whether its readings reach that far.
func (h *History) Settled(spans []Span) bool {
	if len(spans) == 0 {
		return true
	}
	c := h.curve
	in := c.spans(spans)
	c.learn()
	return c.settled(in, in[len(in)-1].end)
}

// MeasureHistories lays a window over histories, one per device, as [MeasurePast]
// does.
func MeasureHistories(info Info, histories []*History, spans []Span) Measurement {
	curves := make([]*Curve, len(histories))
	for i, h := range histories {
		curves[i] = h.curve
	}
	return MeasureCurves(info, curves, spans)
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
	c.pace.Know(between[len(between)/2], c.pace.JitterVariance())
}

// Curve returns the curve that the history fills.
func (h *History) Curve() *Curve { return h.curve }
