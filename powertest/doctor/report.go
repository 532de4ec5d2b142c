package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// SchemaVersion is the version of a report's JSON.
const SchemaVersion = 1

// A Report is what was found. In JSON times are in ns; null is unknown, or withheld.
type Report struct {
	SchemaVersion int `json:"schema_version"`
	// Version is that of the program that made the report, as it says.
	Version string `json:"version"`
	// Measurable says that joules can be measured: of all GPUs that were chosen, or where
	// there are none, of all devices that J/op is of.
	Measurable bool `json:"measurable"`
	// Verdict says the same in a sentence, and why not.
	Verdict   string `json:"verdict"`
	Simulated bool   `json:"simulated"`
	// Sources are the known ones, as [Survey] lists them.
	Sources []SourceStatus `json:"sources"`
	Watch   *Watch         `json:"watch"`
	// Server is nil if the source is on this machine.
	Server *Server `json:"server"`
	GPUs   []GPU   `json:"gpus"`
	// Missing says which of several sources could not be opened, and why.
	Missing string `json:"missing,omitempty"`
	// LeftOut are the GPUs that would have been measured too, but report nothing.
	LeftOut []energy.LeftOut `json:"left_out,omitempty"`
	// Windows are the expected errors of windows of 0.1, 1 and 10 s.
	Windows   []Window  `json:"windows"`
	Benchtime Benchtime `json:"benchtime"`
	// Load is nil if there was none.
	Load *Load `json:"load"`
	// Meter is nil if there was none.
	Meter *Meter `json:"meter"`
	// Uncalibrated says why the profile of the user's own directory is not used; empty if
	// it is, or if there is none of these devices.
	Uncalibrated string `json:"uncalibrated,omitempty"`
}

// A Watch says how the source was watched.
type Watch struct {
	// Past says that the source knows the past, and was asked for it.
	Past bool `json:"past"`
	// Start and For are the time that was watched.
	Start time.Time     `json:"start"`
	For   time.Duration `json:"for_ns"`
	// Every is how often the source was read on average, and Reads how often it was
	// in all.
	Every time.Duration `json:"every_ns"`
	Reads int           `json:"reads"`
	// Ended says that an interrupt ended it.
	Ended bool `json:"ended_early"`
}

// A Server is where a source on other machines reads.
type Server struct {
	// Scrape is the longest scrape interval; nil if nothing scrapes.
	Scrape *time.Duration `json:"scrape_ns"`
	// Offset is the server's clock minus this machine's, known to ± Within.
	Offset *time.Duration `json:"clock_offset_ns"`
	Within *time.Duration `json:"clock_offset_within_ns"`
	// Collapsed is how many rows or series were of GPUs that were counted already.
	Collapsed int `json:"rows_collapsed"`
}

// A GPU is what is known of one GPU, or of another device that is measured as its Kind says,
// and of how it reports its energy.
type GPU struct {
	// Kind is what it is; empty reads as a GPU.
	Kind energy.Kind `json:"kind,omitempty"`
	// Source is the name of its source, where there are several.
	Source   string `json:"source,omitempty"`
	Index    *int   `json:"index"`
	UUID     string `json:"uuid"`
	Name     string `json:"name,omitempty"`
	Host     string `json:"host,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Role     string `json:"role,omitempty"`
	Driver   string `json:"driver,omitempty"`
	VBIOS    string `json:"vbios,omitempty"`
	// Calibration is what a profile knows of the GPU: the errors of windows are expected
	// by it. Nil if there is none.
	Calibration *energy.Calibration `json:"calibration,omitempty"`
	// PowerLimit is in watts.
	PowerLimit  *float64 `json:"power_limit_watts"`
	Persistence *bool    `json:"persistence_mode"`
	MIG         *bool    `json:"mig_mode"`
	Celsius     *float64 `json:"celsius"`
	// Processes are the others that use the GPU: null if the source does not know.
	Processes []energy.Process `json:"processes"`
	// Rows is how many rows of the source are of the GPU, which counts once.
	Rows int `json:"rows"`

	Counter
	// Measurable says that the GPU's energy can be measured.
	Measurable bool `json:"measurable"`
	// Findings are what is wrong, or to be known.
	Findings []energy.Finding `json:"findings"`
}

// A Counter is what was seen of an energy counter, or of a gauge of power.
type Counter struct {
	Method energy.Method `json:"method"`
	// Metric is the call or metric that is read.
	Metric string `json:"via,omitempty"`
	// Sensor is what the source says of the sensor behind power readings.
	Sensor energy.Sensor `json:"sensor,omitzero"`
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
	// periods show, and Resets how often the counter went down.
	Missed int `json:"missed_ticks"`
	Resets int `json:"resets"`
	// Step is the smallest change that was seen, and Resolution the smallest that
	// there can be, in joules; in watts, of a gauge.
	Step       *float64 `json:"smallest_step"`
	Resolution *float64 `json:"resolution_joules"`
	// CallP50 and CallP99 are how long a call took: null if the source is asked
	// for the past.
	CallP50 *time.Duration `json:"call_p50_ns"`
	CallP99 *time.Duration `json:"call_p99_ns"`
	// Watts is the mean power while it was watched: the idle power, if nothing
	// ran.
	Watts *float64 `json:"watts"`
	// BeforeWatts is the power before a window, as a benchmark would see it.
	BeforeWatts *float64 `json:"before_watts"`
	// CrossCheck is what the counter and the power gauge beside it say of the time that
	// was watched; null if there are not both.
	CrossCheck *energy.CrossCheck `json:"cross_check"`
	// Age is how old the newest sample was, of a log or a server.
	Age *time.Duration `json:"newest_sample_age_ns"`
	// Readings is how many of them had a value, and Failed how many had none.
	Readings int `json:"readings"`
	Failed   int `json:"failed_readings"`
}

// number returns a number for a report: nil if it is unknown, or is none.
func number(x float64, known bool) *float64 {
	if !known || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func emptyReport() Report {
	return Report{SchemaVersion: SchemaVersion, Sources: []SourceStatus{}, GPUs: []GPU{}, Windows: []Window{}}
}

// Unavailable returns the report on a source that could not be opened, or examined,
// because of err.
func Unavailable(err error) Report {
	r := emptyReport()
	r.Benchtime.Reason = "there is no source"
	text := err.Error()
	if errors.Is(err, energy.ErrUnknownSource) {
		text += ": import its package"
	}
	r.Verdict = fmt.Sprintf("joules can't be measured: %s", text)
	return r
}

// conclude decides whether joules can be measured with the source of the name.
func (r *Report) conclude(name string) {
	lead, beside := r.leading()
	bad := 0
	for _, g := range lead {
		if !g.Measurable {
			bad++
		}
	}
	left := leftOf(r.LeftOut, lead)
	joules := "joules"
	if r.Simulated {
		joules = "simulated joules"
	}
	if r.Measurable = bad == 0; !r.Measurable {
		r.Benchtime = Benchtime{Reason: "joules can't be measured"}
		who := fmt.Sprintf("%d of %s", bad, counted(lead, left))
		why := r.firstObstacle()
		r.Verdict = fmt.Sprintf("%s can't be measured of %s by %s: %s: %s", joules, who, name, why.Reason, why.Detail)
		return
	}
	who := counted(lead, 0)
	if left > 0 {
		who = fmt.Sprintf("%d of %s", len(lead), counted(lead, left))
	}
	r.Verdict = fmt.Sprintf("%s can be measured: %s by %s, %s; %s%s",
		joules, who, name, refreshed(lead), r.Benchtime.advice(r.Watch.Past && r.Server == nil), r.besides(beside))
}

// besides says whether the other kinds of devices can be measured, and what is missing.
func (r *Report) besides(beside []GPU) (text string) {
	for _, kind := range kindsOf(beside) {
		list := slices.DeleteFunc(slices.Clone(beside), func(g GPU) bool { return g.Kind != kind })
		text += "; beside them " + counted(list, 0)
		if why := firstObstacle(list); why != nil {
			text += fmt.Sprintf(", which can't be measured: %s: %s", why.Reason, why.Detail)
		}
	}
	if r.Missing != "" {
		text += "; without " + strings.ReplaceAll(r.Missing, "\n", "; ")
	}
	return text
}

// leading returns the devices that J/op is of, and the others.
func (r *Report) leading() (lead, beside []GPU) {
	kinds := energy.Leading(kindsOf(r.GPUs))
	for _, g := range r.GPUs {
		if slices.Contains(kinds, g.Kind.OrGPU()) {
			lead = append(lead, g)
		} else {
			beside = append(beside, g)
		}
	}
	return lead, beside
}

func kindsOf(list []GPU) []energy.Kind {
	devices := make([]energy.Device, len(list))
	for i, g := range list {
		devices[i].Kind = g.Kind
	}
	return energy.KindsOf(devices)
}

// leftOf returns how many devices were left out that are of the kinds of others.
func leftOf(left []energy.LeftOut, list []GPU) (n int) {
	kinds := kindsOf(list)
	for _, l := range left {
		if slices.Contains(kinds, l.Kind.OrGPU()) {
			n++
		}
	}
	return n
}

// firstObstacle returns why the first of the leading devices that is not measurable is not;
// nil if all are.
func (r *Report) firstObstacle() *energy.Finding {
	lead, _ := r.leading()
	return firstObstacle(lead)
}

func firstObstacle(list []GPU) *energy.Finding {
	for _, g := range list {
		if !g.Measurable {
			return obstacle(g.Findings)
		}
	}
	return nil
}

// counted says how many devices there are, and more of the first kind: "2 GPUs", "1 CPU and
// 1 DRAM".
func counted(list []GPU, more int) string {
	var text []string
	for _, kind := range kindsOf(list) {
		n := more
		for _, g := range list {
			if g.Kind.OrGPU() == kind {
				n++
			}
		}
		more = 0
		plural := "s"
		if n == 1 || kind == energy.DRAM {
			plural = ""
		}
		text = append(text, fmt.Sprintf("%d %s%s", n, kind.Title(), plural))
	}
	return strings.Join(text, " and ")
}

// refreshed says how often the slowest counter is refreshed.
func refreshed(list []GPU) string {
	slowest := time.Duration(0)
	gauge := ""
	for _, g := range list {
		if g.Period != nil {
			slowest = max(slowest, *g.Period)
		}
		if g.Method == energy.Gauge {
			gauge = "power only, "
		}
	}
	if slowest == 0 {
		return gauge + "which did not change while it was watched"
	}
	return gauge + "refreshed every " + digitsOf(slowest, 2)
}

// describe says what is known of a device.
func describe(o *observation, d *device) GPU {
	state := d.state
	g := GPU{
		Kind: d.Kind, Source: d.Source,
		UUID: d.UUID, Name: d.Name, Host: d.Host, Endpoint: d.Endpoint, Role: d.Role,
		Driver: d.Driver, VBIOS: d.VBIOS, Calibration: d.Calibration,
		PowerLimit: number(d.PowerLimit, d.PowerLimit > 0),
		Celsius:    number(state.Celsius, state.HasCelsius),
		Processes:  state.Processes,
		Rows:       max(d.Rows, 1),
		Counter:    d.counter(),
		Findings:   append([]energy.Finding{}, d.Marks...),
	}
	if d.Index >= 0 {
		g.Index = &d.Index
	}
	if len(state.Processes) > 0 {
		g.find(energy.SharedGPU, "%d other processes use the GPU, and its energy is that of all of them (fine, if they are the server under test)", len(state.Processes))
	}
	if state.Err != nil {
		g.Findings = append(g.Findings, energy.Finding{Reason: stateUnknown, Device: d.UUID, Detail: state.Err.Error()})
	}
	g.judge(o, d)
	return g
}

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

func (g *GPU) find(r energy.Reason, format string, args ...any) {
	g.Findings = append(g.Findings, energy.Finding{Reason: r, Device: g.UUID, Detail: fmt.Sprintf(format, args...)})
}

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
