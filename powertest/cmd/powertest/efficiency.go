package main

import (
	"math"
)

// An efficiency is a metric of aiperf's energy section, computed from our
// measurement. The formulas are those of aiperf's documentation, with the window
// that the tokens are of: aiperf divides by a window that is wider.
type efficiency struct {
	name, unit string
	value      func(e efficiencyInput) float64
}

// efficiencyInput is what the metrics are made of; NaN means unknown.
type efficiencyInput struct {
	joules, seconds, input, output, requests, users, good, latency float64
}

func (e efficiencyInput) watts() float64 { return e.joules / e.seconds }

// efficiencies are the metrics in aiperf's order: the four of its first
// generation, which newer exports have with the vendor's name in front, and the
// eight that came later.
var efficiencies = []efficiency{
	{"total_gpu_power", "W", efficiencyInput.watts},
	{"total_gpu_energy", "J", func(e efficiencyInput) float64 { return e.joules }},
	{"output_tokens_per_joule", "tokens/J", func(e efficiencyInput) float64 { return e.output / e.joules }},
	{"energy_per_user", "joules/user", func(e efficiencyInput) float64 { return e.joules / e.users }},
	{"average_gpu_power", "W", efficiencyInput.watts},
	{"energy_per_output_token", "mJ/token", func(e efficiencyInput) float64 { return 1000 * e.joules / e.output }},
	{"energy_per_total_token", "mJ/token", func(e efficiencyInput) float64 { return 1000 * e.joules / (e.input + e.output) }},
	{"energy_per_request", "joules/request", func(e efficiencyInput) float64 { return e.joules / e.requests }},
	{"energy_delay_product", "J*s", func(e efficiencyInput) float64 { return e.joules / e.requests * e.latency }},
	{"performance_per_watt", "requests/sec/W", func(e efficiencyInput) float64 { return e.requests / e.joules }},
	{"output_tps_per_watt", "tokens/sec/W", func(e efficiencyInput) float64 { return e.output / e.joules }},
	{"goodput_per_watt", "requests/sec/W", func(e efficiencyInput) float64 { return e.good / e.joules }},
}

// efficiencyOf gathers the input of the metrics. Without joules there is none.
func efficiencyOf(w *workload, joules float64, valid bool) efficiencyInput {
	known := func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.NaN()
	}
	e := efficiencyInput{
		joules:   math.NaN(),
		seconds:  known(w.length()),
		input:    known(float64(w.input)),
		output:   known(float64(w.output)),
		requests: known(float64(w.requests)),
		users:    known(float64(w.users)),
		good:     math.NaN(),
		latency:  known(w.latency),
	}
	if valid {
		e.joules = known(joules)
	}
	if w.hasGood {
		e.good = w.good // none at all is a result, too
	}
	return e
}

// finite reports whether x is a number that can be published.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
