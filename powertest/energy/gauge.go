package energy

import (
	"math"
	"time"
)

// maxGapPeriods is how far apart the readings of a gauge may be, in refresh
// periods, but not less than minGap, where the device does not say.
const (
	maxGapPeriods = 5
	minGap        = 500 * time.Millisecond
)

// disagreement is the share by which a counter and a power gauge may differ.
const disagreement = 0.05

// enoughSamples is how many of them a window must hold for the power gauge to be
// a check of the counter.
const enoughSamples = 10

// twoSided is half the width of an interval in standard deviations: 99 % of a
// normal distribution.
const twoSided = 2.6

// gauge measures a curve of power readings: the integral by trapezoids, with
// linear interpolation at the edges.
func (c *Curve) gauge(d *DeviceMeasurement, spans []span) (closed, bool) {
	s, e := spans[0].start, spans[len(spans)-1].end
	c.report(d, s, e)
	if need := c.device.MinWindow; time.Duration(e-s) < need {
		d.find(WindowTooShort, "%s is a mean over a long time: it can measure windows of %v and more, this one is %v", c.device.Metric, need, time.Duration(e-s).Round(time.Millisecond))
		return closed{}, false
	}
	p := &c.power
	if len(p.points) == 0 || len(p.points) == 1 && !p.held {
		d.find(InsufficientPowerSamples, "%d readings of the power", len(p.points))
		return closed{}, false
	}
	if !p.covers(s, e) {
		if c.failing != nil {
			c.explainFailure(d, e)
			return closed{}, false
		}
		d.find(BenchmarkWindowNotBracketed, "the readings do not reach over both edges of the window")
		return closed{}, false
	}
	limit := c.device.MaxGap
	if limit == 0 {
		limit = max(time.Duration(maxGapPeriods*min(c.pace.Nominal(), c.pace.Period())), minGap)
	}
	if gap := p.longest(s, e); gap > limit {
		d.find(SamplingGapExceeded, "%v between two readings of the power, %v allowed", gap.Round(time.Millisecond), limit)
		return closed{}, false
	}
	first, last := p.before(s), p.before(e)
	d.Ticks = last - first
	if d.Ticks == 0 && !p.held {
		d.find(NoInWindowSamples, "the window lies between two readings of the power")
	}
	d.BeforeWatts, d.HasBefore = p.points[first].watts, true
	joules, sd := p.integrate(spans)
	return closed{mean: joules, low: max(joules-twoSided*sd, 0), high: joules + twoSided*sd}, true
}

// crossCheck compares a counter with the power gauge of the same device, where
// the readings of the gauge suffice.
func (c *Curve) crossCheck(d *DeviceMeasurement, spans []span) {
	s, e := spans[0].start, spans[len(spans)-1].end
	p := &c.power
	var joules, sd float64
	switch {
	case p.covers(s, e) && p.before(e)-p.before(s) >= enoughSamples:
		joules, sd = p.integrate(spans)
	case len(spans) == 1 && c.average.from == s && c.average.to == e && float64(e-s) > enoughSamples*c.expected():
		joules = c.average.watts * float64(e-s) / second
		// Either edge may have a sample more or less than is its due.
		sd = c.average.watts * c.expected() / second / math.Sqrt(6)
	default:
		return
	}
	d.GaugeJoules, d.HasGauge = joules, true
	if off := math.Abs(joules - d.Energy.Joules); off > disagreement*d.Energy.Joules+twoSided*sd+d.Energy.HalfWidth() {
		d.find(CounterDisagrees, "the counter says %.4g J, the integral of the power gauge %.4g J", d.Energy.Joules, joules)
	}
}
