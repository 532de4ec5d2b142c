package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// stateUnknown marks a device of which something could not be read that matters to
	// nothing but this report.
	stateUnknown energy.Reason = "state_unknown"
	// telemetryEnded says that a log, or what a server remembers, does not reach to now.
	telemetryEnded energy.Reason = "telemetry_ended"
	// endedGaps is for how many gaps between readings a log that is still written is
	// silent at the most: what writes it has a buffer.
	endedGaps = 5
	// stillPeriods is for how many refresh periods a working counter never stays still:
	// even an idle GPU uses far more than its counter resolves.
	stillPeriods = 10
)

// judge decides whether the energy of the device can be measured: the first that is
// wrong says why not.
func (g *GPU) judge(o *observation, d *device) {
	g.Findings = append(g.Findings, o.trouble...)
	nominal := o.info.PeriodOf(d.Device)
	watched := o.watch.For.Round(time.Millisecond)
	switch still := d.still(o); {
	case o.stalled[d.Source]:
		g.find(energy.SourceStalled, "a call to the source did not come back: check whether nvidia-smi answers")
		return
	case d.failing(nominal):
		g.find(reasonOf(d.calls.LastError), "%d of %d readings failed, and so did the newest: %v", d.calls.Failures, d.calls.Reads, d.calls.LastError)
		return
	case still > stillPeriods*d.period() && d.period() > 0:
		g.find(energy.CounterStale, "the counter has not changed for the last %v of %v: the driver has stopped it", still.Round(time.Millisecond), watched)
		return
	}
	g.measure(o, d)
	gap := max(d.period(), nominal)
	longer := "watch for longer, with -for"
	if d.Hint != "" { // what would make its values change more often
		longer += "; " + d.Hint
	}
	switch {
	case obstacle(g.Findings) != nil:
	case d.age != nil && *d.age > endedGaps*max(gap, d.MaxGap):
		g.find(telemetryEnded, "the newest reading is %s old, and readings came every %s: powertest annotate measures a benchmark of that time",
			short(*d.age), short(gap))
	case d.suffices():
		g.Measurable = true
	case d.Method == energy.Counter && len(d.ticks) == 0 && !d.past:
		g.find(energy.CounterStale, "the counter did not change in %v: it has stopped, or is slower than that; %s", watched, longer)
	default:
		g.find(energy.InsufficientPowerSamples, "too few ticks to know the refresh period (%d in %v, at least 3 are needed): %s",
			len(d.ticks), watched, longer)
	}
}

// measure measures all that was seen of the device, and adds what withholds that.
func (g *GPU) measure(o *observation, d *device) {
	from, to, ok := d.recorded()
	if !ok || o.replay == nil {
		return
	}
	rec, err := energy.NewRecorderOf(o.replay, energy.Selection{Devices: []string{d.UUID}})
	if err != nil {
		return
	}
	span := energy.Span{Start: o.at(from), End: o.at(to)}
	all, _ := rec.MeasurePast(context.Background(), span) // a replay is a [energy.HistorySource]
	m := all.Devices[0]
	g.BeforeWatts = number(m.BeforeWatts, m.HasBefore)
	g.CrossCheck = m.Check
	for _, f := range m.Reasons {
		// That it is short is only the watch's doing.
		if f.Reason == energy.CounterDisagrees || f.Withholds() && f.Reason != energy.WindowTooShort && f.Reason != energy.BenchmarkWindowNotBracketed {
			g.Findings = append(g.Findings, f)
		}
	}
}

// obstacle returns the first finding because of which energy can't be measured; nil if
// there is none.
func obstacle(list []energy.Finding) *energy.Finding {
	for _, f := range list {
		if f.Withholds() && f.Reason != stateUnknown {
			return &f
		}
	}
	return nil
}

// failing reports whether readings have failed for longer than a few that are too
// early for a new value: some drivers show every sample once.
func (d *device) failing(period time.Duration) bool {
	return d.calls.LastError != nil && d.calls.At.Sub(d.calls.LastGood) > stillPeriods*period
}

// still is for how long a counter that is read has not changed.
func (d *device) still(o *observation) time.Duration {
	n := len(d.ticks)
	if d.Method == energy.Gauge || d.past || n == 0 {
		return 0
	}
	return d.calls.LastGood.Sub(o.at(d.ticks[n-1].hi))
}

// suffices reports whether enough was seen to say that energy can be measured. A gauge
// that is read live need not change.
func (d *device) suffices() bool {
	if d.Method == energy.Gauge && !d.past {
		return d.calls.Reads-d.calls.Failures >= 2
	}
	return len(d.ticks) >= 3
}

// reasonOf returns the code for the error of a reading.
func reasonOf(err error) energy.Reason {
	switch {
	case errors.Is(err, energy.ErrDeviceLost), errors.Is(err, energy.ErrNoDevice):
		return energy.DeviceLost
	case errors.Is(err, energy.ErrStalled), errors.Is(err, energy.ErrNoAnswer):
		return energy.SourceStalled
	}
	return energy.InsufficientPowerSamples
}
