package energy

import (
	"errors"
	"math"
	"time"
)

// faster returns what would make a slow counter change more often, after a
// conjunction.
func (c *Curve) faster(conjunction string) string {
	if c.device.Hint == "" || c.expected() < slowPeriod*second {
		return ""
	}
	return conjunction + c.device.Hint
}

// advise returns a window length that the counter can measure well.
func (c *Curve) advise() time.Duration {
	if c.expected() > slowPeriod*second {
		return time.Duration(math.Ceil(c.expected()*5/second/10)) * 10 * time.Second
	}
	return max(time.Duration(c.expected()*20).Round(time.Second/2), time.Second)
}

// explain says why the window has no ticks on one of its sides.
func (c *Curve) explain(d *DeviceMeasurement, spans []span) {
	start, end := spans[0].start, spans[len(spans)-1].end
	c.report(d, start, math.MaxInt64)
	if withheld(d.Reasons) {
		return
	}
	switch n := len(c.ticks); {
	case c.failing != nil:
		c.explainFailure(d, end)
	case n == 0:
		d.find(InsufficientPowerSamples, "the device was never read")
	case c.last.hi > end && float64(c.last.hi-c.ticks[n-1].hi) > 2.5*c.expected():
		d.find(CounterStale, "the counter has not changed for %v%s", time.Duration(c.last.hi-c.ticks[n-1].hi).Round(time.Millisecond), c.faster("; if that is how often it does, "))
	default:
		d.find(BenchmarkWindowNotBracketed, "no tick was seen on one side of the window%s", c.faster(": "))
	}
}

// explainFailure says what the newest readings fail with.
func (c *Curve) explainFailure(d *DeviceMeasurement, end int64) {
	reason := BenchmarkWindowNotBracketed
	switch {
	case errors.Is(c.failing, ErrNoDevice):
		reason = DeviceLost
	case errors.Is(c.failing, ErrNoAnswer):
		reason = SourceStalled
	case !c.last.ok:
		reason = InsufficientPowerSamples // never read
	}
	if before := time.Duration(end - c.failed); before > 0 {
		d.find(reason, "all readings since %v before the end of the window failed: %v", before.Round(time.Millisecond), c.failing)
	} else {
		d.find(reason, "all readings after the window failed: %v", c.failing)
	}
}

// report adds the events that touch the time between from and to.
func (c *Curve) report(d *DeviceMeasurement, from, to int64) {
	for _, e := range c.events {
		if e.to >= from && e.from <= to && !d.Has(e.reason) {
			d.find(e.reason, "%s", e.detail)
		}
	}
}
