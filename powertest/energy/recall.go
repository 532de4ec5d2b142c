package energy

import (
	"context"
	"time"
)

// MeasurePast measures spans of the past by what a source remembers of them. It
// is what a [Window] does for such a source, for who knows only afterwards what
// was to be measured. Spans are in order and do not overlap. If what comes after
// them is not known yet it waits, as [HistorySource.ReadRange] does.
func MeasurePast(ctx context.Context, h HistorySource, spans ...Span) Measurement {
	base := time.Now()
	if len(spans) > 0 {
		base = spans[0].Start
	}
	in := make([]span, len(spans))
	for i, s := range spans {
		in[i] = span{start: int64(s.Start.Sub(base)), end: int64(s.End.Sub(base)), on: int64(s.End.Sub(s.Start))}
	}
	m, _ := recall(ctx, h, base, in)
	return m
}

// recall measures spans, in ns since base, by what the source remembers: the
// curves.
func recall(ctx context.Context, h HistorySource, base time.Time, spans []span) (Measurement, []*Curve) {
	began := time.Now()
	info, devices := h.Info(), h.Devices()
	curves := make([]*Curve, len(devices))
	histories := make([]*History, len(devices))
	for i, d := range devices {
		period := d.Period
		if period == 0 {
			period = info.Period
		}
		histories[i] = NewHistory(d, base, period)
		curves[i] = histories[i].curve
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
	m := measure(info, curves, base, spans)
	m.total(alike(curves))
	if err != nil {
		m.Add(Finding{Reason: SourceStalled, Detail: "the source did not tell what was around the window: " + err.Error()})
	}
	for _, f := range found {
		m.Add(f)
	}
	m.Waited = time.Since(began)
	return m, curves
}
