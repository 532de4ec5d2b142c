package powertest

import (
	"math"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Metric is a number with its unit, as a benchmark reports it.
type Metric struct {
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// inputsOf takes what is known of the work and of the energy.
func inputsOf(w Work, m energy.Measurement) metrictable.Inputs {
	in := metrictable.Unknown()
	in.GPUs = metrictable.Known(float64(gpusOf(m)))
	in.Seconds = m.Duration.Seconds()
	in.Elapsed = metrictable.Known(w.Elapsed.Seconds())
	in.Ops = metrictable.Known(float64(w.Ops))
	in.Requests = metrictable.Known(float64(w.Requests))
	in.Users = metrictable.Known(float64(w.Users))
	in.Prompt = metrictable.Known(float64(w.PromptTokens))
	in.Output = metrictable.Known(float64(w.OutputTokens))
	in.Latency = metrictable.Known(w.Latency.Seconds()) / metrictable.Known(float64(w.Latencies))
	if w.Judged > 0 && w.GoodTokens >= 0 {
		in.GoodTokens = float64(w.GoodTokens)
	}
	if m.Valid {
		in.Joules, in.Watts, in.ErrPercent = m.Energy.Joules, m.Watts, m.Energy.ErrPercent()
	}
	if m.HasIdle {
		in.IdleWatts = m.Idle.Watts
	}
	if net, ok := m.Net(); ok {
		in.NetPercent = net.ErrPercent()
	}
	return in
}

// gpusOf returns how many GPUs a measurement is of: modules are counted as such.
func gpusOf(m energy.Measurement) int {
	if k := m.Kind.OrGPU(); k != energy.GPU && k != energy.Module {
		return 0
	}
	return len(m.Devices)
}

// evaluate returns the metrics that have a value: one whose input is missing, withheld or
// makes it infinite is left out.
func evaluate(in metrictable.Inputs, metrics []metrictable.Metric) []Metric {
	var list []Metric
	for _, m := range metrics {
		if v := m.Value(in); metrictable.Finite(v) {
			list = append(list, Metric{m.Unit, v})
		}
	}
	return list
}

// derive divides the measurement by the work. net-J/op may be negative: then the
// devices used less than when idle, and that is what was measured.
func derive(w Work, m energy.Measurement, c config) []Metric {
	return evaluate(inputsOf(w, m), c.metrics())
}

// expected returns metrics that the results of the benchmark have by what is known of it so
// far, where no number is withheld. Their values mean nothing.
func (b *B) expected() []Metric {
	w := b.work.snapshot()
	w.Ops, w.Elapsed = 1, time.Second
	in := inputsOf(w, energy.Measurement{})
	if b.serving != nil {
		in.Output, in.Requests, in.TokensPercent = 1, 1, 1
	}
	if b.line.instrument == nil {
		return evaluate(in, b.config.metrics())
	}
	in.Joules, in.Watts, in.ErrPercent, in.IdleWatts, in.NetPercent, in.Seconds = 1, 1, 1, 1, 1, 1
	list := evaluate(in, b.config.metrics())
	for _, kind := range kindsBeside(b.line.instrument.devices()) {
		list = append(list, evaluate(in, metrictable.OfPart(string(kind), false))...)
	}
	for _, name := range b.line.names() {
		list = append(list, evaluate(in, metrictable.OfPart(name, false))...)
	}
	return list
}

// deriveKinds divides the energy of each other kind of devices, and of all, by the work.
func deriveKinds(w Work, m energy.Measurement, load bool) []Metric {
	var list []Metric
	for _, k := range m.Kinds {
		part := energy.Measurement{Valid: k.Valid, Energy: k.Energy, Watts: k.Watts}
		list = append(list, derivePart(string(k.Kind), w, part, load)...)
	}
	return list
}

// derivePart divides the energy of a part, that of a kind, a phase or a role, by the work
// of the whole. Without an error there is no metric at all per operation.
func derivePart(name string, w Work, m energy.Measurement, load bool) []Metric {
	in := inputsOf(w, m)
	if !metrictable.Finite(in.Joules/in.Ops) || !metrictable.Finite(in.ErrPercent) {
		in.Ops, in.ErrPercent = math.NaN(), math.NaN()
	}
	return evaluate(in, metrictable.OfPart(name, load))
}
