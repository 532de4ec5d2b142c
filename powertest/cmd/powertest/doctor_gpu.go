package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/nvmlsource"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A gpuCheck is what is known of one GPU and of how it tells its energy. What is
// unknown is null.
type gpuCheck struct {
	Index    *int   `json:"index"`
	UUID     string `json:"uuid"`
	Name     string `json:"name,omitempty"`
	Host     string `json:"host,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Role     string `json:"role,omitempty"`
	// PowerLimit is in watts.
	PowerLimit  *real `json:"power_limit_watts"`
	Persistence *bool `json:"persistence_mode"`
	MIG         *bool `json:"mig_mode"`
	Celsius     *real `json:"celsius"`
	// Processes are the others that use the GPU: null if the source does not tell.
	Processes []energy.Process `json:"processes"`
	// Rows is how many rows told of the GPU, which counts once.
	Rows int `json:"rows"`

	counterCheck
	// Measurable says that the GPU's energy can be measured.
	Measurable bool `json:"measurable"`
	// Findings are what is wrong, or to be known.
	Findings []energy.Finding `json:"findings"`
}

// A counterCheck is what was seen of a counter, or of a gauge of power.
type counterCheck struct {
	Method energy.Method `json:"method"`
	Via    string        `json:"via,omitempty"`
	// Period is the median time between two ticks, and Jitter the standard
	// deviation of that time. For what a log or a server remembers of a gauge,
	// a tick is a sample.
	Period *time.Duration `json:"period_ns"`
	Jitter *time.Duration `json:"jitter_ns"`
	// Within is how well the time of a tick was seen: the median time between
	// the readings around it. It is part of the jitter.
	Within *time.Duration `json:"tick_seen_within_ns"`
	Ticks  int            `json:"ticks"`
	// Missed is how many ticks were not shown, as far as intervals of several
	// periods tell, and Resets how often the counter went down.
	Missed int `json:"missed_ticks"`
	Resets int `json:"resets"`
	// Step is the smallest change that was seen, and Resolution the smallest that
	// there can be, in joules; in watts, of a gauge.
	Step       *real `json:"smallest_step"`
	Resolution *real `json:"resolution_joules"`
	// CallP50 and CallP99 are how long a call took: null if the source is asked
	// for the past.
	CallP50 *time.Duration `json:"call_p50_ns"`
	CallP99 *time.Duration `json:"call_p99_ns"`
	// Watts is the mean power while it was watched: the idle power, if nothing
	// ran.
	Watts *real `json:"watts"`
	// BeforeWatts is the power before a window, as a benchmark would see it.
	BeforeWatts *real `json:"before_watts"`
	// Age is how old the newest sample was, of a log or a server.
	Age *time.Duration `json:"newest_sample_age_ns"`
	// Readings is how many of them had a value, and Failed how many had none.
	Readings int `json:"readings"`
	Failed   int `json:"failed_readings"`
}

// describe says what is known of a device.
func describe(w *watch, s *sight, state energy.State, modes nvmlsource.Modes) gpuCheck {
	d := s.device
	g := gpuCheck{
		UUID: d.UUID, Name: d.Name, Host: d.Host, Endpoint: d.Endpoint, Role: d.Role,
		PowerLimit:  number(d.PowerLimit, d.PowerLimit > 0),
		Persistence: modes.Persistence, MIG: modes.MIG,
		Celsius:   number(state.Celsius, state.HasCelsius),
		Processes: state.Processes,
		Rows:      max(d.Rows, 1),
		Findings:  []energy.Finding{},
	}
	if d.Index >= 0 {
		g.Index = &d.Index
	}
	g.counterCheck = s.statistics()
	g.Findings = append(g.Findings, d.Marks...)
	if len(state.Processes) > 0 {
		g.find(energy.SharedGPU, "%d other processes use the GPU, and its energy is that of all of them (fine, if they are the server under test)", len(state.Processes))
	}
	if state.Err != nil {
		g.Findings = append(g.Findings, energy.Finding{Reason: stateUnknown, Device: d.UUID, Detail: state.Err.Error()})
	}
	g.judge(w, s)
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

// gap is how far apart the readings of a device are.
func (s *sight) gap(w *watch) time.Duration {
	return max(s.period(), nominal(w.info, s.device))
}

// ended reports whether the newest reading of what knows the past is too old for
// another to come.
func (s *sight) ended(w *watch) bool {
	return w.past != nil && s.age != nil && *s.age > endedGaps*max(s.gap(w), s.device.MaxGap)
}

func (g *gpuCheck) find(r energy.Reason, format string, args ...any) {
	g.Findings = append(g.Findings, energy.Finding{Reason: r, Device: g.UUID, Detail: fmt.Sprintf(format, args...)})
}

// judge decides whether the energy of the device can be measured, and measures all
// that was seen of it.
func (g *gpuCheck) judge(w *watch, s *sight) {
	g.Findings = append(g.Findings, w.trouble...)
	if w.stalled {
		g.find(energy.SourceStalled, "a call did not come back within %v: check whether nvidia-smi answers", stallTime)
		return
	}
	if s.failing(nominal(w.info, s.device)) {
		g.find(reasonOf(s.failure), "%d of %d readings failed, and so did the newest: %v", s.failures, s.failures+s.read, s.failure)
		return
	}
	watched := w.took.Round(time.Millisecond)
	if still := s.still(); still > stillPeriods*s.period() && s.period() > 0 {
		g.find(energy.CounterStale, "the counter has not changed for the last %v of %v: the driver has stopped it", still.Round(time.Millisecond), watched)
		return
	}
	m := w.whole(s)
	g.BeforeWatts = number(m.BeforeWatts, m.HasBefore)
	for _, f := range m.Reasons {
		// That it is short is nobody's fault but the watch's.
		if f.Reason.Withholds() && f.Reason != energy.WindowTooShort && f.Reason != energy.BenchmarkWindowNotBracketed {
			g.Findings = append(g.Findings, f)
		}
	}
	if g.ill() != nil {
		return
	}
	if s.ended(w) {
		g.find(telemetryEnded, "the newest reading is %s old, and readings came every %s: what has ended suits powertest annotate only, for a benchmark of that time", short(*s.age), short(s.gap(w)))
		return
	}
	if g.Measurable = s.tells(); g.Measurable {
		return
	}
	if s.device.Method == energy.Counter && len(s.ticks) == 0 && s.curve != nil {
		g.find(energy.CounterStale, "the counter did not change in %v: it is dead, or slower than that; watch for longer, with -for%s", watched, faster(s.device))
	} else {
		g.find(energy.InsufficientPowerSamples, "how often it is refreshed is told by 3 ticks at least, and %d were seen in %v: watch for longer, with -for%s", len(s.ticks), watched, faster(s.device))
	}
}

// stillPeriods is for how many refresh periods a working counter never stays still:
// even an idle GPU uses far more than its counter resolves.
const stillPeriods = 10

// failing reports whether readings have failed for longer than a few that are too
// early for a new value: some drivers tell every sample once.
func (s *sight) failing(period time.Duration) bool {
	return s.failure != nil && (!s.seen || s.failed.Sub(s.last.After) > stillPeriods*period)
}

// still is for how long a counter that is read has not changed.
func (s *sight) still() time.Duration {
	n := len(s.ticks)
	if s.device.Method == energy.Gauge || s.curve == nil || n == 0 {
		return 0
	}
	return s.last.Before.Sub(s.base.Add(time.Duration(s.ticks[n-1].hi)))
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

// ill returns the first finding that makes the GPU's energy unmeasurable; nil if there
// is none.
func (g *gpuCheck) ill() *energy.Finding {
	for _, f := range g.Findings {
		if f.Reason.Withholds() && f.Reason != stateUnknown {
			return &f
		}
	}
	return nil
}

func faster(d energy.Device) string {
	if d.Hint == "" {
		return ""
	}
	return "; " + d.Hint
}

// tells reports whether enough was seen to say that energy can be measured. A gauge
// that is read live need not change.
func (s *sight) tells() bool {
	if s.device.Method == energy.Gauge && s.curve != nil {
		return s.read >= 2
	}
	return len(s.ticks) >= 3
}

// whole measures what was seen of a device: of a counter, from its first ticks, which
// tell the power before, to the last.
func (w *watch) whole(s *sight) energy.DeviceMeasurement {
	span := energy.Span{Start: w.began, End: w.began.Add(w.took)}
	if n := len(s.ticks); n >= 3 {
		span = energy.Span{Start: w.at(s.ticks[min(ticksBefore, n-2)].mid()), End: w.at(s.ticks[n-1].lo)}
	}
	if w.past == nil && s.device.Method == energy.Gauge && s.seen {
		span.End = s.last.Before
	}
	if w.past == nil && s.curve == nil || w.past != nil && len(s.ticks) < 3 {
		return energy.DeviceMeasurement{}
	}
	for _, d := range w.measure(span).Devices {
		if d.Device.UUID == s.device.UUID {
			return d
		}
	}
	return energy.DeviceMeasurement{}
}
