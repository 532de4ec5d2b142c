package energy

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// gaugeEnergy integrates the readings of a power gauge. ok is false if a finding says
// why it cannot.
func gaugeEnergy(c *curve, d *DeviceMeasurement, spans []span) (e Estimate, ok bool) {
	start, end := spans[0].start, spans[len(spans)-1].end
	d.findEvents(c.events.touching(start, end))
	in := c.powerAround(spans)
	r, err := gauge.Integrate(in)
	switch {
	case errors.Is(err, gauge.ErrTooFew):
		d.find(InsufficientPowerSamples, "%d readings of the power", len(in.Series.Samples()))
	case errors.Is(err, gauge.ErrNotBracketed) && c.failure.err != nil:
		explainFailure(c, d, end)
	case errors.Is(err, gauge.ErrNotBracketed):
		d.find(BenchmarkWindowNotBracketed, "%s", uncovered(in.Series, start, end))
	case errors.Is(err, gauge.ErrStatic):
		d.find(GaugeStatic, "the power was always %.6g W: it is not measured", in.Series.Samples()[0].Watts)
	case err != nil:
		d.find(SamplingGapExceeded, "%v between two readings of the power, %v allowed%s", time.Duration(r.Gap).Round(time.Millisecond), time.Duration(in.MaxGap), onItsOwnLine(c.device.Hint))
	}
	if err != nil {
		return Estimate{}, false
	}
	if r.Interpolated {
		d.find(NoInWindowSamples, "the window lies between two readings of the power")
	}
	if r.PartTime {
		d.find(PartTimeSensor, "the sensor looks at a part of the time only: a load that repeats at nearly its refresh period can look like another, and no reading shows it")
	}
	d.Ticks = r.Readings
	d.setBefore(r.BeforeWatts, true)
	return Estimate{Joules: r.Mean, Low: r.Low, High: r.High}, true
}

// uncovered says which edge of the window the readings of a power do not reach over.
func uncovered(s *gauge.Series, start, end int64) string {
	if first := s.Samples()[0].At; first > start {
		return fmt.Sprintf("the readings do not reach back to the start of the window: the first is %v later", time.Duration(first-start).Round(time.Millisecond))
	}
	return fmt.Sprintf("the readings do not reach the end of the window: the last is %v earlier", time.Duration(end-s.Seen()).Round(time.Millisecond))
}

// maxGapPeriods is how far apart the readings of a gauge may be, in refresh
// periods, but not less than minGap, where the device does not say.
const (
	maxGapPeriods = 5
	minGap        = 500 * time.Millisecond
)

// powerAround returns what is known of a gauge around spans.
func (c *curve) powerAround(spans []span) gauge.Input {
	in := gauge.Input{Series: &c.power, MaxGap: int64(c.device.MaxGap), Limit: c.device.PowerLimit, Logged: c.recorded}
	if in.MaxGap == 0 {
		in.MaxGap = max(int64(maxGapPeriods*min(c.pace.Nominal(), c.pace.Period())), int64(minGap))
	}
	for _, s := range spans {
		in.Spans = append(in.Spans, gauge.Span{Start: s.start, End: s.end, On: s.on})
	}
	return in
}
