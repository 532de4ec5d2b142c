package annotate

import (
	"math"
	"strings"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Metric is one key of an annotated aggregate, with its value before it is rounded.
type Metric struct {
	// Key is InferenceX's name, such as joules_per_output_token.
	Key   string
	Value float64
	// Unit is W or J.
	Unit     string
	decimals int
}

// powerMetrics computes the metrics of power_metric_schema_version 2, and, where GPUs
// have the roles prefill and decode, the energy and the mean power of a role's GPUs
// over the whole window, and their energy per token of their kind. The tokens are
// those of the whole benchmark.
func powerMetrics(w Workload, m energy.Measurement) (list []Metric) {
	add := func(table []metrictable.Counterpart, in metrictable.Inputs) {
		for _, c := range table {
			list = append(list, Metric{c.Name, c.Value(in), c.Unit, c.Decimals})
		}
	}
	add(metrictable.InferenceX, withEnergy(w.inputs(), m.Energy, m.Watts, len(m.Devices), m.Valid))
	for _, r := range m.Roles {
		add(metrictable.InferenceXRole(r.Role), withEnergy(w.inputs(), r.Energy, r.Watts, r.Devices, r.Valid))
	}
	return list
}

// withEnergy adds the energy of some devices to the inputs, if it is known.
func withEnergy(in metrictable.Inputs, e energy.Estimate, watts float64, devices int, known bool) metrictable.Inputs {
	if known {
		in.Joules, in.Watts, in.GPUs = e.Joules, watts, float64(devices)
	}
	return in
}

// checkMetrics returns a finding if a metric is no number: readings that are
// finite but absurd add up to infinity.
func checkMetrics(list []Metric) []energy.Finding {
	var bad []string
	for _, m := range list {
		if !metrictable.Finite(m.Value) {
			bad = append(bad, m.Key)
		}
	}
	if bad == nil {
		return nil
	}
	return finding(nonFinite, "%s: not a finite number", strings.Join(bad, ", "))
}

// A Comparison is one of the metrics that the harness reports of the energy itself.
type Comparison struct {
	// Name and Unit are those of the harness.
	Name, Unit string
	// Ours is computed from our measurement, by the formula of the harness, over the
	// window that the tokens are of; NaN if it is withheld or unknown.
	Ours float64
	// Theirs is what the harness reports; NaN if nothing.
	Theirs float64
}

// compare computes aiperf's metrics. aiperf divides by a window that is wider.
func compare(w Workload, m energy.Measurement, valid bool) []Comparison {
	in := withEnergy(w.inputs(), m.Energy, m.Energy.Joules/w.length(), len(m.Devices), valid)
	var list []Comparison
	for _, c := range metrictable.AIPerf {
		one := Comparison{Name: c.Name, Unit: c.Unit, Ours: c.Value(in), Theirs: math.NaN()}
		if x, ok := w.Reported[c.Name]; ok {
			one.Theirs = x
		}
		list = append(list, one)
	}
	return list
}
