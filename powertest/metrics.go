package powertest

import (
	"math"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Metric is a number with its unit, as a benchmark reports it.
type Metric struct {
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// unit is a unit that may be reported, and whether more of it is better.
type unit struct{ name, better string }

// inputs are what metrics are made of. What is not there is not a number, and so
// is every metric that needs it: it is left out.
type inputs struct {
	joules, watts, errPercent, idle, gpus float64
	seconds                               float64 // of the window
	elapsed                               float64 // that the work took, in seconds

	ops, requests, users  float64
	prompt, output, total float64
	good                  float64 // may be 0
	latency               float64 // mean, in seconds
}

// metricOf says how a metric is made.
type metricOf struct {
	unit
	scope scope
	value func(in inputs) float64
}

// scope says where a metric is reported.
type scope uint8

const (
	everywhere scope = iota
	net              // with the option Net
	loads            // of load harnesses, for which they are inputs
)

// metrics are all metrics but those of phases and roles, in base units. Their
// formulas, with what others call them, are in docs/metrics.md.
var metrics = []metricOf{
	{unit{"J/op", "lower"}, everywhere, func(in inputs) float64 { return in.joules / in.ops }},
	{unit{"W", "lower"}, everywhere, func(in inputs) float64 { return in.watts }},
	{unit{"err-%", "lower"}, everywhere, func(in inputs) float64 { return in.errPercent }},
	{unit{"tokens/J", "higher"}, everywhere, func(in inputs) float64 { return in.output / in.joules }},
	{unit{"J/token", "lower"}, everywhere, func(in inputs) float64 { return in.joules / in.output }},
	{unit{"tokens/s", "higher"}, everywhere, func(in inputs) float64 { return in.output / in.elapsed }},
	{unit{"J/req", "lower"}, everywhere, func(in inputs) float64 { return in.joules / in.requests }},
	{unit{"J/user", "lower"}, everywhere, func(in inputs) float64 { return in.joules / in.users }},
	{unit{"net-J/op", "lower"}, net, func(in inputs) float64 { return (in.joules - in.idle*in.seconds) / in.ops }},
	{unit{"idle-W", "lower"}, net, func(in inputs) float64 { return in.idle }},
	{unit{"W/gpu", "lower"}, loads, func(in inputs) float64 { return in.watts / in.gpus }},
	{unit{"J/prompt-token", "lower"}, loads, func(in inputs) float64 { return in.joules / in.prompt }},
	{unit{"J/total-token", "lower"}, loads, func(in inputs) float64 { return in.joules / in.total }},
	{unit{"goodput-tokens/J", "higher"}, loads, func(in inputs) float64 { return in.good / in.joules }},
	{unit{"J*s/req", "lower"}, loads, func(in inputs) float64 { return in.joules / in.requests * in.latency }},
}

// inputsOf takes what is known of the work and of the energy.
func inputsOf(w Work, m energy.Measurement) inputs {
	in := inputs{
		joules: missing, watts: missing, errPercent: missing, idle: missing,
		gpus:     known(float64(len(m.Devices))),
		seconds:  m.Duration.Seconds(),
		elapsed:  known(w.Elapsed.Seconds()),
		ops:      known(float64(w.Ops)),
		requests: known(float64(w.Requests)),
		users:    known(float64(w.Users)),
		prompt:   known(float64(w.PromptTokens)),
		output:   known(float64(w.OutputTokens)),
		good:     missing,
		latency:  known(w.Latency.Seconds()) / known(float64(w.Latencies)),
	}
	in.total = in.prompt + in.output
	if w.Judged > 0 && w.GoodTokens >= 0 {
		in.good = float64(w.GoodTokens)
	}
	if m.Valid {
		in.joules, in.watts, in.errPercent = m.Energy.Joules, m.Watts, m.Energy.ErrPercent()
	}
	if m.HasBefore {
		in.idle = m.BeforeWatts
	}
	return in
}

// derive divides the measurement by the work: the metrics of some scopes. One
// whose input is missing, withheld or makes it infinite is left out. net-J/op may
// be negative: then the devices used less than when idle, and that is what was
// measured.
func derive(w Work, m energy.Measurement, scopes ...scope) []Metric {
	in := inputsOf(w, m)
	var list []Metric
	for _, f := range metrics {
		if f.scope != everywhere && !slices.Contains(scopes, f.scope) {
			continue
		}
		if v := f.value(in); finite(v) {
			list = append(list, Metric{f.name, v})
		}
	}
	return list
}

// phaseUnits are the units that a phase of a benchmark is reported in: its joules,
// and the half-width of their interval.
func phaseUnits(name string) []unit {
	return []unit{{name + "-J/op", "lower"}, {name + "-err-%", "lower"}}
}

// derivePhase is the joules of a phase per operation, and how far they can be
// wrong; empty if there are none.
func derivePhase(name string, w Work, m energy.Measurement) []Metric {
	v, e := m.Energy.Joules/known(float64(w.Ops)), m.Energy.ErrPercent()
	if !m.Valid || !finite(v) || !finite(e) {
		return nil
	}
	units := phaseUnits(name)
	return []Metric{{units[0].name, v}, {units[1].name, e}}
}

// derivePart is what a part of the energy, that of a phase or of a role, is
// reported as for a load: also its power, and the joules for each token that the
// part is about, where its name says so.
func derivePart(name string, w Work, m energy.Measurement) []Metric {
	list := derivePhase(name, w, m)
	if !m.Valid {
		return list
	}
	list = append(list, Metric{name + "-W", m.Watts})
	var v float64
	var per string
	switch name {
	case "prefill":
		v, per = m.Energy.Joules/known(float64(w.PromptTokens)), "-J/prompt-token"
	case "decode":
		v, per = m.Energy.Joules/known(float64(w.OutputTokens)), "-J/token"
	default:
		return list
	}
	if finite(v) {
		list = append(list, Metric{name + per, v})
	}
	return list
}

// betterOf returns which direction of a unit is better.
func betterOf(name string) string {
	for _, f := range metrics {
		if f.name == name {
			return f.better
		}
	}
	if strings.HasSuffix(name, "/s") || strings.HasSuffix(name, "/J") {
		return "higher" // somebody's own rate
	}
	return "lower" // parts: joules, watts and errors
}

// missing is an input that is not there.
var missing = math.NaN()

// known returns a count or a length, or missing if it is not positive: nothing
// was counted.
func known(x float64) float64 {
	if x > 0 {
		return x
	}
	return missing
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
