package energy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
// made at times of someone else's choosing. Unlike with the readings of a [Recorder],
// where within the time between two readings a counter changed is then not known any
// better from its other ticks: who reads at a regular interval is always late by the
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

// MeasurePast measures spans of the past by what a source remembers of them. It
// is what a [Window] does for such a source, for who knows only afterwards what
// was to be measured. Spans are in order and do not overlap. If what comes after
// them is not known yet it waits, as [HistorySource.ReadRange] does.
func MeasurePast(ctx context.Context, h HistorySource, spans ...Span) Measurement {
	m, _ := NewRecorder(h).MeasurePast(ctx, spans...)
	return m
}

// MeasurePast is the function of that name, for the devices of the recorder. The
// error wraps [errors.ErrUnsupported] if its source does not know the past.
func (r *Recorder) MeasurePast(ctx context.Context, spans ...Span) (Measurement, error) {
	h, ok := r.src.(HistorySource)
	if !ok {
		return Measurement{}, fmt.Errorf("source %s: measure the past: %w", r.info.Name, errors.ErrUnsupported)
	}
	base := time.Now()
	if len(spans) > 0 {
		base = spans[0].Start
	}
	m, _ := r.readPast(ctx, h, base, toSpans(base, spans))
	return m, nil
}

// readPast measures spans, in ns since base, by what the source remembers of the
// recorder's devices: the curves.
func (r *Recorder) readPast(ctx context.Context, h HistorySource, base time.Time, spans []span) (Measurement, []*curve) {
	began := time.Now()
	curves := make([]*curve, len(r.devices))
	histories := make([]*History, len(h.Devices()))
	for i, d := range r.devices {
		to := NewHistory(d, base, cmp.Or(d.Period, r.info.Period))
		histories[r.index[i]], curves[i] = to, to.curve
	}
	list := make([]Span, len(spans))
	for i, s := range spans {
		list[i] = Span{Start: base.Add(time.Duration(s.start)), End: base.Add(time.Duration(s.end))}
	}
	var found []Finding
	var err error
	if len(spans) > 0 {
		found, err = h.ReadRange(ctx, list, histories)
	}
	m := measure(r.info, curves, base, spans)
	m.total(correlatedFraction(curves))
	if err != nil {
		m.Add(Finding{Reason: SourceStalled, Detail: "the source did not tell what was around the window: " + err.Error()})
	}
	for _, f := range found {
		if r.concerns(f) {
			m.Add(f)
		}
	}
	m.Waited = time.Since(began)
	return m, curves
}

// concerns reports whether a finding is about what is measured. Whoever selected
// devices by name does not mind that there are others.
func (r *Recorder) concerns(f Finding) bool {
	if f.Device == "" {
		return !r.byName || f.Reason != ExpectedGPUCountMismatch
	}
	return slices.ContainsFunc(r.devices, func(d Device) bool { return d.UUID == f.Device })
}
