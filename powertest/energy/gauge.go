package energy

import (
	"math"
	"time"
)

// maxGapPeriods is how far apart the readings of a gauge may be, in nominal
// refresh periods, but not less than minGap.
const (
	maxGapPeriods = 5
	minGap        = 500 * time.Millisecond
)

// disagreement is the share by which a counter and a power gauge may differ.
const disagreement = 0.05

// twoSided is half the width of an interval in standard deviations: 99 % of a
// normal distribution.
const twoSided = 2.6

// gauge measures a curve of power readings: the integral by trapezoids, with
// linear interpolation at the edges.
func (c *Curve) gauge(d *DeviceMeasurement, spans []span) (closed, bool) {
	s, e := spans[0].start, spans[len(spans)-1].end
	c.report(d, s, e)
	if need := c.device.MinWindow; time.Duration(e-s) < need {
		d.find(WindowTooShort, "%s is a mean over a long time: it can measure windows of %v and more, this one is %v", c.device.Via, need, time.Duration(e-s).Round(time.Millisecond))
		return closed{}, false
	}
	p := &c.power
	if len(p.points) == 0 || len(p.points) == 1 && !p.held {
		d.find(InsufficientPowerSamples, "%d readings of the power", len(p.points))
		return closed{}, false
	}
	if !p.covers(s, e) {
		d.find(BenchmarkWindowNotBracketed, "the readings do not reach over both edges of the window")
		return closed{}, false
	}
	limit := max(time.Duration(maxGapPeriods*c.pace.nominal), minGap)
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
	if !p.covers(s, e) || p.before(e)-p.before(s) < 10 {
		return
	}
	joules, sd := p.integrate(spans)
	d.GaugeJoules, d.HasGauge = joules, true
	if off := math.Abs(joules - d.Energy.Joules); off > disagreement*d.Energy.Joules+twoSided*sd+d.Energy.HalfWidth() {
		d.find(CounterDisagrees, "the counter says %.4g J, the integral of the power gauge %.4g J", d.Energy.Joules, joules)
	}
}
