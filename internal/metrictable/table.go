// Package metrictable is the one table of metrics: their units, what is divided by
// what, which direction is better, and what InferenceX and aiperf call the same
// quotient. The tables of docs/metrics.md are checked against it.
package metrictable

import (
	"math"
	"slices"
)

// Inputs are what metrics are made of. One that is unknown is not a number, and so
// is every metric that needs it.
type Inputs struct {
	Joules     float64 // energy of all devices in the window
	Watts      float64 // mean power of all devices in the window
	ErrPercent float64 // half-width of the interval of Joules, in percent of them
	IdleWatts  float64 // mean power when idle, before the window
	NetPercent float64 // half-width of the interval of the joules above idle, in percent of them
	GPUs       float64 // devices that are measured
	Seconds    float64 // length of the window
	Elapsed    float64 // how long the work took, in seconds

	Ops, Requests, Users float64
	Prompt, Output       float64 // tokens
	GoodTokens           float64 // output tokens of requests that met their objective; may be 0
	GoodRequests         float64 // requests that met their objective; may be 0
	Latency              float64 // mean of a request, in seconds
	TokensPercent        float64 // half-width of the interval of Output / Joules, in percent of it
	Cost                 float64 // of the joules, in a currency
}

// Unknown returns inputs of which none is known.
func Unknown() Inputs {
	nan := math.NaN()
	return Inputs{nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan}
}

// Known returns a count or a length, and NaN if it is not positive: nothing was
// counted.
func Known(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.NaN()
}

// Finite reports whether x is a number that can be published.
func Finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// A Quantity is one side of a quotient.
type Quantity struct {
	Name string // as formulas in documents have it
	Of   func(in Inputs) float64
}

// The quantities that metrics divide. E is the energy, t the length of the window
// and n the number of devices.
var (
	joules        = Quantity{"E", func(in Inputs) float64 { return in.Joules }}
	netJoules     = Quantity{"(E − idle · t)", func(in Inputs) float64 { return in.Joules - in.IdleWatts*in.Seconds }}
	watts         = Quantity{"E / t", func(in Inputs) float64 { return in.Watts }}
	errPercent    = Quantity{"100 · half-width of E's interval / E", func(in Inputs) float64 { return in.ErrPercent }}
	netPercent    = Quantity{"100 · half-width of the interval of E − idle · t / (E − idle · t)", func(in Inputs) float64 { return in.NetPercent }}
	tokensPercent = Quantity{"100 · half-width of the interval of output tokens / E / (output tokens / E)", func(in Inputs) float64 { return in.TokensPercent }}
	idleWatts     = Quantity{"mean power when idle, before the window", func(in Inputs) float64 { return in.IdleWatts }}
	delayProduct  = Quantity{"E / requests · mean latency", func(in Inputs) float64 { return in.Joules / in.Requests * in.Latency }}
	elapsed       = Quantity{"elapsed", func(in Inputs) float64 { return in.Elapsed }}
	ops           = Quantity{"operations", func(in Inputs) float64 { return in.Ops }}
	requests      = Quantity{"requests", func(in Inputs) float64 { return in.Requests }}
	users         = Quantity{"concurrent users", func(in Inputs) float64 { return in.Users }}
	gpus          = Quantity{"n", func(in Inputs) float64 { return in.GPUs }}
	prompt        = Quantity{"prompt tokens", func(in Inputs) float64 { return in.Prompt }}
	output        = Quantity{"output tokens", func(in Inputs) float64 { return in.Output }}
	allTokens     = Quantity{"(prompt + output tokens)", func(in Inputs) float64 { return in.Prompt + in.Output }}
	goodTokens    = Quantity{"output tokens of requests that met their objective", func(in Inputs) float64 { return in.GoodTokens }}
	goodRequests  = Quantity{"requests that met their objective", func(in Inputs) float64 { return in.GoodRequests }}

	one = Quantity{"", func(Inputs) float64 { return 1 }}
)

// A Scope says where a metric is reported.
type Scope uint8

const (
	// Always: of benchmarks and of loads.
	Always Scope = iota
	// Net: with the option Net.
	Net
	// Served: where inference servers count the tokens, with the option TokensFrom.
	Served
	// Loads: of load harnesses, which know its inputs.
	Loads
	// Elsewhere: by other programs, and not by this module.
	Elsewhere
)

// A Metric is a quotient that is reported in a unit.
type Metric struct {
	Unit      string
	Over, Per Quantity
	Better    Direction
	Scope     Scope
}

// Value is the quotient; NaN or infinite if an input is unknown or 0.
func (m Metric) Value(in Inputs) float64 { return m.Over.Of(in) / m.Per.Of(in) }

// Formula is the quotient as documents have it.
func (m Metric) Formula() string {
	if m.Per.Name == "" {
		return m.Over.Name
	}
	return m.Over.Name + " / " + m.Per.Name
}

// Table has all metrics but those of phases and roles, in base units and in the
// order in which they are reported.
var Table = []Metric{
	{"J/op", joules, ops, Lower, Always},
	{"W", watts, one, Lower, Always},
	{"err-%", errPercent, one, Lower, Always},
	{"tokens/J", output, joules, Higher, Always},
	{"J/token", joules, output, Lower, Always},
	{"tokens/s", output, elapsed, Higher, Always},
	{"J/req", joules, requests, Lower, Always},
	{"J/user", joules, users, Lower, Always},
	{"net-J/op", netJoules, ops, Lower, Net},
	{"net-err-%", netPercent, one, Lower, Net},
	{"idle-W", idleWatts, one, Lower, Net},
	{"tokens-err-%", tokensPercent, one, Lower, Served},
	{"W/gpu", watts, gpus, Lower, Loads},
	{"J/prompt-token", joules, prompt, Lower, Loads},
	{"J/total-token", joules, allTokens, Lower, Loads},
	{"goodput-tokens/J", goodTokens, joules, Higher, Loads},
	{"J*s/req", delayProduct, one, Lower, Loads},
	{"J", joules, one, Lower, Elsewhere},
	{"req/J", requests, joules, Higher, Elsewhere},
	{"goodput-req/J", goodRequests, joules, Higher, Elsewhere},
}

// ByUnit returns the metric of one of the units of [Table].
func ByUnit(unit string) (Metric, bool) {
	if i := slices.IndexFunc(Table, func(m Metric) bool { return m.Unit == unit }); i >= 0 {
		return Table[i], true
	}
	return Metric{}, false
}

// parts are the metrics that a part of the energy, a kind's, a phase's or a role's, is
// reported in.
var parts = []struct {
	unit string
	load bool   // of load harnesses only
	of   string // only of the part of that name
}{
	{"J/op", false, ""},
	{"err-%", false, ""},
	{"tokens/J", false, "all"},
	{"W", true, ""},
	{"J/prompt-token", true, "prefill"},
	{"J/token", true, "decode"},
}

// OfPart returns the metrics of a part of the energy, such as the phase "prefill", or the
// kind of devices "cpu" or "all" of them, under their units, such as prefill-J/op: of a benchmark, or of a load. Their
// inputs are the energy of the part, and the work of the whole.
func OfPart(name string, load bool) []Metric {
	var list []Metric
	for _, p := range parts {
		if p.load && !load || p.of != "" && p.of != name {
			continue
		}
		m, _ := ByUnit(p.unit)
		m.Unit = name + "-" + m.Unit
		list = append(list, m)
	}
	return list
}
