package energy

import (
	"math"
	"sort"
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

// gauge measures a curve of power readings: the integral by trapezoids, with
// linear interpolation at the edges.
func (c *Curve) gauge(d *DeviceMeasurement, spans []span) (closed, bool) {
	s, e := spans[0].start, spans[len(spans)-1].end
	c.report(d, s, e)
	if need := c.device.MinWindow; time.Duration(e-s) < need {
		d.find(WindowTooShort, "%s is a mean over a long time: it can measure windows of %v and more, this one is %v", c.device.Via, need, time.Duration(e-s).Round(time.Millisecond))
		return closed{}, false
	}
	if len(c.points) < 2 {
		d.find(InsufficientPowerSamples, "%d readings of the power", len(c.points))
		return closed{}, false
	}
	if c.points[0].mid() > s || c.points[len(c.points)-1].mid() < e {
		d.find(BenchmarkWindowNotBracketed, "the readings do not reach over both edges of the window")
		return closed{}, false
	}
	limit := max(int64(maxGapPeriods*c.pace.nominal), int64(minGap))
	i, j := c.around(s, e)
	for k := i + 1; k <= j; k++ {
		if gap := c.points[k].mid() - c.points[k-1].mid(); gap > limit {
			d.find(SamplingGapExceeded, "%v between two readings of the power, %v allowed", time.Duration(gap).Round(time.Millisecond), time.Duration(limit))
			return closed{}, false
		}
	}
	d.Ticks = max(j-i-1, 0)
	if d.Ticks == 0 {
		d.find(NoInWindowSamples, "the window lies between two readings of the power")
	}
	joules, sd := c.integrate(spans)
	const two = 2.6 // standard deviations on either side
	return closed{mean: joules, low: max(joules-two*sd, 0), high: joules + two*sd, before: c.points[i].value}, true
}

// around returns the indices of the last point before s and the first after e.
func (c *Curve) around(s, e int64) (i, j int) {
	i = sort.Search(len(c.points), func(k int) bool { return c.points[k].mid() > s }) - 1
	j = sort.Search(len(c.points), func(k int) bool { return c.points[k].mid() >= e })
	return max(i, 0), min(j, len(c.points)-1)
}

// integrate returns the joules of the spans and the standard deviation of what
// the readings do not tell. Between two readings the power may have changed at
// any time from the one to the other; if that time is uniformly distributed,
// the energy has a standard deviation of |Δpower| Δt / √12.
func (c *Curve) integrate(spans []span) (joules, sd float64) {
	i, j := c.around(spans[0].start, spans[len(spans)-1].end)
	variance := 0.0
	for k := i + 1; k <= j; k++ {
		a, b := c.points[k-1], c.points[k]
		t0, t1 := float64(a.mid())/second, float64(b.mid())/second
		if t1 <= t0 {
			continue
		}
		share := 0.0
		at := func(t float64) float64 { return a.value + (b.value-a.value)*(t-t0)/(t1-t0) }
		for _, s := range spans[sortSearch(spans, t0):] {
			u, v := max(float64(s.start)/second, t0), min(float64(s.end)/second, t1)
			if float64(s.start)/second >= t1 {
				break
			}
			if v > u {
				f := float64(s.on) / float64(s.end-s.start)
				joules += f * (at(u) + at(v)) / 2 * (v - u)
				share += f * (v - u) / (t1 - t0)
			}
		}
		if share > 0 {
			variance += sq((b.value-a.value)*(t1-t0)) / 12
			// A part of an interval may hold any of its energy.
			variance += sq((a.value+b.value)/2*(t1-t0)) * share * (1 - share) * 0.02
		}
	}
	return joules, math.Sqrt(variance)
}

// crossCheck compares a counter with the power gauge of the same device, where
// the readings of the gauge suffice.
func (c *Curve) crossCheck(d *DeviceMeasurement, spans []span) {
	s, e := spans[0].start, spans[len(spans)-1].end
	if len(c.points) < 2 || c.points[0].mid() > s || c.points[len(c.points)-1].mid() < e {
		return
	}
	if i, j := c.around(s, e); j-i < 20 {
		return
	}
	joules, sd := c.integrate(spans)
	d.GaugeJoules, d.HasGauge = joules, true
	if off := math.Abs(joules - d.Energy.Joules); off > disagreement*d.Energy.Joules+2.6*sd+d.Energy.HalfWidth() {
		d.find(CounterDisagrees, "the counter says %.4g J, the integral of the power gauge %.4g J", d.Energy.Joules, joules)
	}
}
