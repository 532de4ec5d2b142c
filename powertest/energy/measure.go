package energy

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// maxErrPercent is the widest interval that is published, as half-width in per
// cent of the energy: a number known worse than this decides nothing.
const maxErrPercent = 25

// MeasureCurves lays a window over curves, one per device. It is what
// [Window.Measure] does with the curves of its recorder; a source that knows
// the past can fill curves and measure them here. Spans are in order and do not
// overlap.
func MeasureCurves(info Info, curves []*Curve, spans []Span) Measurement {
	m := Measurement{Source: info}
	for _, s := range spans {
		m.Duration += s.End.Sub(s.Start)
	}
	if len(spans) > 0 {
		m.Start, m.End = spans[0].Start, spans[len(spans)-1].End
	}
	m.Devices = measureAll(curves, func(c *Curve) []span { return c.spans(spans) })
	m.total(alike(curves))
	return m
}

func alike(curves []*Curve) float64 {
	for _, c := range curves {
		if c.recorded {
			return alikeRecorded
		}
	}
	return alikeShare
}

// measureAll lays spans over each curve. A fleet is shared out among the
// processors.
func measureAll(curves []*Curve, spans func(*Curve) []span) []DeviceMeasurement {
	const fleet = 64
	list := make([]DeviceMeasurement, len(curves))
	workers := 1
	if len(curves) > fleet {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(curves)); i = next.Add(1) - 1 {
				curves[i].brief = len(curves) > fleet
				list[i] = curves[i].measure(spans(curves[i]))
			}
		})
	}
	wg.Wait()
	return list
}

// measure lays spans, in ns since base, over curves with that base. It leaves the
// total to the caller.
func measure(info Info, curves []*Curve, base time.Time, spans []span) Measurement {
	m := Measurement{Source: info}
	for _, s := range spans {
		m.Duration += time.Duration(s.on)
	}
	if n := len(spans); n > 0 {
		m.Start = base.Add(time.Duration(spans[0].start))
		m.End = base.Add(time.Duration(spans[n-1].end))
	}
	m.Devices = measureAll(curves, func(*Curve) []span { return spans })
	return m
}

// measure makes the window's measurement from copies of the recorder's curves.
func (w *Window) measure(curves []*Curve, after []State, stalled bool) Measurement {
	m := measure(w.rec.info, curves, w.rec.base, w.spans)
	for i := range m.Devices {
		d := &m.Devices[i]
		if stalled && !d.Has(SourceStalled) {
			d.withhold(SourceStalled, "a call to the source did not come back")
		}
		if w.before != nil && after != nil {
			d.compare(w.before[i], after[i])
		}
	}
	m.total(alike(curves))
	return m
}

func (d *DeviceMeasurement) find(r Reason, format string, args ...any) {
	d.Reasons = append(d.Reasons, Finding{Reason: r, Device: d.Device.UUID, Detail: fmt.Sprintf(format, args...)})
}

// withhold takes the number back.
func (d *DeviceMeasurement) withhold(r Reason, format string, args ...any) {
	d.find(r, format, args...)
	d.withdraw()
}

func (d *DeviceMeasurement) withdraw() {
	d.Valid, d.Energy, d.Watts = false, Estimate{}, 0
	d.HasBefore, d.BeforeWatts = false, 0
}

// measure lays spans over the curve.
func (c *Curve) measure(spans []span) DeviceMeasurement {
	if c.pace.Poll() > 0 && c.pace.Phase() == pace.Hunting {
		// It ticks about as often as it may be read: nobody aimed at the ticks,
		// and all may be late by the same.
		c.recorded = true
	}
	c.learn()
	d := DeviceMeasurement{Device: c.device, Period: c.Period()}
	d.Reasons = append(d.Reasons, c.device.Marks...)
	var on int64
	for i, s := range spans {
		on += s.on
		if s.end < s.start || i > 0 && s.start < spans[i-1].end {
			on = math.MinInt64 / 2
		}
	}
	if on <= 0 {
		d.withhold(InvalidBenchmarkWindow, "the window has no length, or its spans are out of order")
		return d
	}
	var est closed
	var ok bool
	if c.device.Method == Gauge {
		est, ok = c.gauge(&d, spans)
	} else {
		est, ok = c.counter(&d, spans)
	}
	if !ok || withheld(d.Reasons) {
		if !withheld(d.Reasons) {
			d.find(BenchmarkWindowNotBracketed, "there is no reading on one side of the window")
		}
		return d
	}
	d.Energy = Estimate{Joules: est.mean, Low: est.low, High: est.high}
	d.Watts = est.mean / (float64(on) / second)
	d.Valid = true
	if e := d.Energy.ErrPercent(); math.IsNaN(e) || e > maxErrPercent {
		advice := fmt.Sprintf("measure for longer, as with -benchtime=%v%s", c.advise(), c.faster(", or "))
		if len(spans) > 1 {
			advice = "pauses of about a refresh period and less can't be told from the load, so leave them in or make them longer"
		}
		d.withhold(WindowTooShort, "%v in %d pieces, with %s, leaves ±%.0f %%: %s",
			time.Duration(on).Round(time.Millisecond), len(spans), c.seen(d.Ticks), e, advice)
		return d
	}
	if c.device.Method == Counter {
		c.crossCheck(&d, spans)
	}
	return d
}

// seen says how many ticks, or readings, there were.
func (c *Curve) seen(n int) string {
	if c.device.Method == Gauge {
		return fmt.Sprintf("%d readings of the power", n)
	}
	return fmt.Sprintf("%d ticks of %v", n, c.Period().Round(time.Millisecond))
}

// expected returns the refresh period as far as it is known, in ns.
func (c *Curve) expected() float64 {
	if c.pace.Phase() != pace.Hunting {
		return c.pace.Period()
	}
	return max(c.pace.Nominal(), c.pace.Period())
}

// counter measures a curve of ticks.
func (c *Curve) counter(d *DeviceMeasurement, spans []span) (closed, bool) {
	w, ok := c.lay(spans)
	if !ok {
		c.explain(d, spans)
		return closed{}, false
	}
	for _, t := range c.ticks[w.first : w.end+1] {
		if m := int64(t.mid()); m > w.from() && m <= w.till() {
			d.Ticks++
		}
	}
	c.report(d, c.ticks[w.first].lo, c.ticks[w.end].hi)
	if gap := w.widest(); !w.whole() && gap > maxPiece*c.expected()*float64(c.pace.Stride())/second {
		d.find(SamplingGapExceeded, "the window has pauses, and ticks of its past are %.1f s apart: too many were forgotten to tell them apart", gap)
		return closed{}, false
	}
	c.idle(d, w)
	est := c.close(w)
	d.coarse = c.coarse
	return est, true
}

// maxPiece is how many refresh periods (times the number of ticks passed over)
// may lie between two known ticks of a window with pauses.
const maxPiece = 8

// widest returns the longest time between two knots, in seconds.
func (w laid) widest() float64 {
	widest := 0.0
	for i := 1; i < len(w.knots); i++ {
		widest = max(widest, w.knots[i].t-w.knots[i-1].t)
	}
	return widest
}

// idle sets the power before the window: the mean over the ticks that were seen
// in a row just before it.
func (c *Curve) idle(d *DeviceMeasurement, w laid) {
	const most = 8
	last := c.firstAfter(w.from()) - 1
	first := last
	for first > 0 && last-first < most {
		a, b := c.ticks[first-1], c.ticks[first]
		if a.inferred || a.epoch != b.epoch || b.mid()-a.mid() > 3*c.expected()*float64(c.pace.Stride()) {
			break
		}
		first--
	}
	if first == last || c.device.Resolution > 0.05*(c.ticks[last].joules-c.ticks[first].joules) {
		return
	}
	d.BeforeWatts, d.HasBefore = c.mean(first, last), true
}
