package energy

import (
	"context"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// A HistorySource is a [Source] that knows the past: a server or a log that keeps
// what devices reported at times of its own choosing. A [Recorder] does not read it
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
// made at times that the source has chosen. Unlike with the readings of a [Recorder],
// where within the time between two readings a counter changed is then not known any
// better from its other ticks: readings at a regular interval are always late by the
// same. It is not safe for concurrent use.
type History struct{ curve *curve }

// NewHistory returns an empty history of a device. base is any time near the first
// reading; period is the nominal refresh period, which counts until the ticks show
// another.
func NewHistory(d Device, base time.Time, period time.Duration) *History {
	c := newCurve(d, base, period)
	c.recorded = true
	return &History{c}
}

// Add takes in a reading and reports whether it showed something new. Readings come
// in order of time; one that does not is noted as invalid, and left out.
func (h *History) Add(r Reading) bool { return h.curve.add(r) }

// Note adds a finding about the time between from and to that readings do not show.
func (h *History) Note(from, to time.Time, r Reason, detail string) {
	h.curve.note(h.curve.at(from), h.curve.at(to), r, detail)
}

// MeanPower takes the mean of the samples of the power gauge of a counter device
// from one time to another, in watts: the cross-check of the counter, where the
// samples themselves would be too many.
func (h *History) MeanPower(from, to time.Time, watts float64) {
	h.curve.mean = gauge.Mean{From: h.curve.at(from), To: h.curve.at(to), Watts: watts}
}

// Settled reports whether enough is known of what comes after the last span to
// measure the spans: three ticks, or two where they show that no tail decays
// there. For a gauge, whether its readings reach that far.
func (h *History) Settled(spans []Span) bool {
	if len(spans) == 0 {
		return true
	}
	c := h.curve
	in := toSpans(c.base, spans)
	c.learn()
	return c.settled(in, in[len(in)-1].end)
}

// readHistories returns curves of the devices at some positions of the source, with
// what it knows of spans, in ns since base. What it finds is about all of its devices.
func readHistories(ctx context.Context, h HistorySource, index []int, devices []Device, base time.Time, spans []span) ([]*curve, []Finding, error) {
	info := h.Info()
	curves := make([]*curve, len(devices))
	histories := make([]*History, len(h.Devices()))
	for i, d := range devices {
		to := NewHistory(d, base, info.PeriodOf(d))
		histories[index[i]], curves[i] = to, to.curve
	}
	if len(spans) == 0 {
		return curves, nil, nil
	}
	found, err := h.ReadRange(ctx, fromSpans(base, spans), histories)
	return curves, found, err
}
