package doctor

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

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

func (g *GPU) find(r energy.Reason, format string, args ...any) {
	g.Findings = append(g.Findings, energy.Finding{Reason: r, Device: g.UUID, Detail: fmt.Sprintf(format, args...)})
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

// number returns a number for a report: nil if it is unknown, or is none.
func number(x float64, known bool) *float64 {
	if !known || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
