package energy

import (
	"context"
	"time"
)

// recall measures the window by what the source remembers of it.
func (w *Window) recall(ctx context.Context, h Historian) Measurement {
	r := w.rec
	curves := make([]*Curve, len(r.devices))
	for i, d := range r.devices {
		period := d.Period
		if period == 0 {
			period = r.info.Period
		}
		curves[i] = NewHistory(d, r.base, period)
	}
	spans := make([]Span, len(w.spans))
	for i, s := range w.spans {
		spans[i] = Span{Start: r.base.Add(time.Duration(s.start)), End: r.base.Add(time.Duration(s.end))}
	}
	var found []Finding
	var err error
	if len(spans) > 0 {
		r.calls.Add(1)
		found, err = h.Past(ctx, spans, curves)
	}
	m := w.measure(curves, nil, false)
	if err != nil {
		m.Add(Finding{Reason: SourceStalled, Detail: "the source did not tell what was around the window: " + err.Error()})
	}
	for _, f := range found {
		m.Add(f)
	}
	return m
}
