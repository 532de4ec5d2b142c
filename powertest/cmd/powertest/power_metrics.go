package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A powerMetric is one key of an annotated aggregate, with its value before it is
// rounded.
type powerMetric struct {
	key   string
	value float64
}

// wholeKeys are the keys that describe the whole deployment, and roleKeys those
// of a deployment that divides its work. They are removed from an aggregate
// before new ones are added.
var (
	wholeKeys = []string{
		"avg_power_w", "avg_total_gpu_power_w", "total_gpu_energy_j",
		"joules_per_successful_query", "joules_per_input_token", "joules_per_output_token", "joules_per_total_token",
	}
	roleKeys = []string{
		"prefill_gpu_energy_j", "decode_gpu_energy_j", "prefill_avg_power_w", "decode_avg_power_w",
		"prefill_joules_per_input_token", "decode_joules_per_output_token",
	}
)

// powerMetrics computes the metrics of power_metric_schema_version 2:
//
//	total_gpu_energy_j           E, the energy of all GPUs over the window
//	avg_total_gpu_power_w        E / length of the window
//	avg_power_w                  the same / number of GPUs
//	joules_per_successful_query  E / requests that succeeded
//	joules_per_input_token       E / their input tokens
//	joules_per_output_token      E / their output tokens
//	joules_per_total_token       E / both
//
// and, where GPUs have the roles prefill and decode, the energy and the mean power
// of a role's GPUs over the whole window, and their energy per token of their
// kind. The tokens are those of the whole benchmark.
func powerMetrics(w *workload, t telemetry) []powerMetric {
	m := t.measurement
	joules, seconds := math.NaN(), m.Duration.Seconds()
	if m.Valid {
		joules = m.Energy.Joules
	}
	list := []powerMetric{
		{"avg_power_w", joules / seconds / float64(len(m.Devices))},
		{"avg_total_gpu_power_w", joules / seconds},
		{"total_gpu_energy_j", joules},
		{"joules_per_successful_query", joules / float64(w.requests)},
		{"joules_per_input_token", joules / float64(w.input)},
		{"joules_per_output_token", joules / float64(w.output)},
		{"joules_per_total_token", joules / float64(w.input+w.output)},
	}
	for _, r := range m.Roles {
		var per string
		var tokens int64
		switch r.Role {
		case "prefill":
			per, tokens = "prefill_joules_per_input_token", w.input
		case "decode":
			per, tokens = "decode_joules_per_output_token", w.output
		default:
			continue
		}
		j := math.NaN()
		if r.Valid {
			j = r.Energy.Joules
		}
		list = append(list,
			powerMetric{r.Role + "_gpu_energy_j", j},
			powerMetric{r.Role + "_avg_power_w", j / seconds / float64(r.Devices)},
			powerMetric{per, j / float64(tokens)})
	}
	return list
}

// checkMetrics returns a finding if a metric is no number: readings that are
// finite but absurd add up to infinity.
func checkMetrics(list []powerMetric) *energy.Finding {
	var bad []string
	for _, m := range list {
		if !finite(m.value) {
			bad = append(bad, m.key)
		}
	}
	if bad == nil {
		return nil
	}
	return &energy.Finding{Reason: nonFinite, Detail: fmt.Sprintf("%s: not a finite number", strings.Join(bad, ", "))}
}

// published returns the value as an aggregate has it: watts and joules with three
// decimals, what is per something with six.
func (m powerMetric) published() real {
	if strings.HasSuffix(m.key, "_w") || strings.HasSuffix(m.key, "_j") {
		return rounded(m.value, 3)
	}
	return rounded(m.value, 6)
}
