package energy

import (
	"time"
)

// Curve, NewCurve, MeasureCurves and MeasureHistories are what other packages still
// use of the curves; they are to be removed.
type Curve = curve

// NewCurve returns an empty curve.
func NewCurve(d Device, base time.Time, period time.Duration) *Curve {
	return newCurve(d, base, period)
}

// MeasureCurves measures spans by curves, one per device.
func MeasureCurves(info Info, curves []*Curve, spans []Span) Measurement {
	m := Measurement{Source: info}
	for _, s := range spans {
		m.Duration += s.End.Sub(s.Start)
	}
	if len(spans) > 0 {
		m.Start, m.End = spans[0].Start, spans[len(spans)-1].End
	}
	for _, c := range curves {
		m.Devices = append(m.Devices, measureDevice(c, toSpans(c.base, spans), len(curves) > 64))
	}
	m.total(correlatedFraction(curves))
	return m
}

// MeasureHistories measures spans by histories, one per device.
func MeasureHistories(info Info, histories []*History, spans []Span) Measurement {
	curves := make([]*Curve, len(histories))
	for i, h := range histories {
		curves[i] = h.curve
	}
	return MeasureCurves(info, curves, spans)
}

// Curve returns the curve that the history fills.
func (h *History) Curve() *Curve { return h.curve }

// Period returns the refresh period that was seen, or 0 if none was yet.
func (c *curve) Period() time.Duration {
	if p := c.period(); p.Known {
		return time.Duration(p.Seen)
	}
	return 0
}

// Band returns the energies between which the counter's true energy lies at t.
func (c *curve) Band(t time.Time) (low, high float64, ok bool) {
	x := c.at(t)
	for i := 1; i < len(c.ticks); i++ {
		a, b := c.ticks[i-1], c.ticks[i]
		if a.Lo <= x && x <= b.Hi && a.Epoch == b.Epoch {
			if !ok {
				low = a.Joules
			}
			high, ok = b.Joules, true
		}
	}
	return low, high, ok
}
