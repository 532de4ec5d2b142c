package energy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

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
	in := make([]span, len(spans))
	for i, s := range spans {
		in[i] = span{start: int64(s.Start.Sub(base)), end: int64(s.End.Sub(base)), on: int64(s.End.Sub(s.Start))}
	}
	m, _ := r.recall(ctx, h, base, in)
	return m, nil
}

// recall measures spans, in ns since base, by what the source remembers of the
// recorder's devices: the curves.
func (r *Recorder) recall(ctx context.Context, h HistorySource, base time.Time, spans []span) (Measurement, []*Curve) {
	began := time.Now()
	curves := make([]*Curve, len(r.devices))
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
	m.total(alike(curves))
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
