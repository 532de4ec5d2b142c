package doctor

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// describe says what is known of a device.
func describe(o *observation, d *device, persistence, mig *bool) GPU {
	state := d.state
	g := GPU{
		UUID: d.UUID, Name: d.Name, Host: d.Host, Endpoint: d.Endpoint, Role: d.Role,
		PowerLimit:  number(d.PowerLimit, d.PowerLimit > 0),
		Persistence: persistence, MIG: mig,
		Celsius:   number(state.Celsius, state.HasCelsius),
		Processes: state.Processes,
		Rows:      max(d.Rows, 1),
		Findings:  []energy.Finding{},
	}
	if d.Index >= 0 {
		g.Index = &d.Index
	}
	g.Counter = d.counter()
	g.Findings = append(g.Findings, d.Marks...)
	if len(state.Processes) > 0 {
		g.find(energy.SharedGPU, "%d other processes use the GPU, and its energy is that of all of them (fine, if they are the server under test)", len(state.Processes))
	}
	if state.Err != nil {
		g.Findings = append(g.Findings, energy.Finding{Reason: stateUnknown, Device: d.UUID, Detail: state.Err.Error()})
	}
	g.judge(o, d)
	return g
}

// stateUnknown marks a device of which something could not be read that matters to
// nothing but this report.
const stateUnknown energy.Reason = "state_unknown"

// telemetryEnded says that a log, or what a server remembers, tells nothing of now.
const telemetryEnded energy.Reason = "telemetry_ended"

// endedGaps is for how many gaps between readings a log that is still written is
// silent at the most: what writes it has a buffer.
const endedGaps = 5

// stillPeriods is for how many refresh periods a working counter never stays still:
// even an idle GPU uses far more than its counter resolves.
const stillPeriods = 10

func (g *GPU) find(r energy.Reason, format string, args ...any) {
	g.Findings = append(g.Findings, energy.Finding{Reason: r, Device: g.UUID, Detail: fmt.Sprintf(format, args...)})
}

// judge decides whether the energy of the device can be measured: the first that is
// wrong says why not.
func (g *GPU) judge(o *observation, d *device) {
	g.Findings = append(g.Findings, o.trouble...)
	nominal := o.info.PeriodOf(d.Device)
	watched := o.took.Round(time.Millisecond)
	switch still := d.still(o); {
	case o.stalled:
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
	switch {
	case g.obstacle() != nil:
	case d.age != nil && *d.age > endedGaps*max(gap, d.MaxGap):
		g.find(telemetryEnded, "the newest reading is %s old, and readings came every %s: what has ended suits powertest annotate only, for a benchmark of that time", short(*d.age), short(gap))
	case d.suffices():
		g.Measurable = true
	case d.Method == energy.Counter && len(d.ticks) == 0 && !d.past:
		g.find(energy.CounterStale, "the counter did not change in %v: it is dead, or slower than that; watch for longer, with -for%s", watched, hint(d))
	default:
		g.find(energy.InsufficientPowerSamples, "how often it is refreshed is told by 3 ticks at least, and %d were seen in %v: watch for longer, with -for%s", len(d.ticks), watched, hint(d))
	}
}

// measure measures all that was seen of the device, and adds what withholds that.
func (g *GPU) measure(o *observation, d *device) {
	m := o.measureOne(d)
	g.BeforeWatts = number(m.BeforeWatts, m.HasBefore)
	for _, f := range m.Reasons {
		// That it is short is only the watch's doing.
		if f.Reason.Withholds() && f.Reason != energy.WindowTooShort && f.Reason != energy.BenchmarkWindowNotBracketed {
			g.Findings = append(g.Findings, f)
		}
	}
}

// obstacle returns the first finding that makes the GPU's energy unmeasurable; nil if
// there is none.
func (g *GPU) obstacle() *energy.Finding {
	for _, f := range g.Findings {
		if f.Reason.Withholds() && f.Reason != stateUnknown {
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

// hint is what would make a device's values change more often, as a further clause.
func hint(d *device) string {
	if d.Hint == "" {
		return ""
	}
	return "; " + d.Hint
}
