package powertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/energy"
)

// SchemaVersion is the version of a [Report]'s JSON. It grows when a key changes
// its meaning or goes away; new keys may come without that.
const SchemaVersion = 1

// Report is everything that is known of one measured window: of a load, or of a
// benchmark. Its JSON keys are documented at the fields; durations are in ns.
type Report struct {
	// SchemaVersion is [SchemaVersion].
	SchemaVersion int `json:"schema_version"`
	// Name is the name of the benchmark or load, such as "BenchmarkServe/conc=64".
	Name string `json:"name"`
	// Procs is GOMAXPROCS, for a benchmark.
	Procs int `json:"procs,omitempty"`
	// Source is the energy-source: the source's name, or "simulated". It is empty
	// if nothing was measured.
	Source string `json:"source,omitempty"`
	// Work is what was done in the window.
	Work Work `json:"work"`
	// Metrics are the numbers of the whole, in the order of docs/metrics.md, then
	// those of kinds, phases and roles. One whose input is missing is left out.
	Metrics []Metric `json:"metrics"`
	// GPUs is how many devices of the whole have a number, and ExpectedGPUs how many were
	// asked for. If they differ there is no number of the whole. They are GPUs, unless the
	// kind of Measurement is another.
	GPUs         int `json:"gpus"`
	ExpectedGPUs int `json:"expected_gpus"`
	// Steady is set if the window is the steady state of a load.
	Steady *Steady `json:"steady,omitempty"`
	// Reasons say why numbers of the whole are withheld or marked: those of Measurement.
	Reasons []energy.Finding `json:"reasons,omitempty"`
	// Measurement is the energy, in all, by device and by role; nil if nothing was
	// measured.
	Measurement *energy.Measurement `json:"measurement,omitempty"`
	// Phases are the parts of the window that have names.
	Phases []PhaseReport `json:"phases,omitempty"`
	// Slack is how much longer the energy window of a benchmark was than its timer
	// ran, as far as it is not known where in it that was; negative if it was shorter. What the devices can have drawn meanwhile is in
	// the interval of Measurement's energy, which is that of the timed part.
	Slack time.Duration `json:"slack_ns,omitempty"`
	// SourceCalls is how often the source was read, in this process so far.
	SourceCalls int64 `json:"source_calls,omitempty"`
	// Server is what the inference servers have counted; nil unless that is asked for, with
	// [TokensFrom] or POWERTEST_TOKENS.
	Server *ServerReport `json:"server,omitempty"`
	// Spans are the times that were measured, in traces: the window without its pauses.
	Spans []energy.Span `json:"spans,omitempty"`
	// Cost is what the energy costs; nil without [Report.SetPrice].
	Cost *Cost `json:"cost,omitempty"`
	// Recording is what the source reported, in traces.
	Recording *energy.Recording `json:"recording,omitempty"`
}

// PhaseReport is the energy of a phase of a window.
type PhaseReport struct {
	Name string `json:"name"`
	// Attribution is "time-sliced": the energy is all that the devices used while
	// at least one use of the phase was under way, whatever else they did then.
	Attribution string             `json:"attribution"`
	Measurement energy.Measurement `json:"measurement"`
	// Spans are the times of its uses, in traces.
	Spans []energy.Span `json:"spans,omitempty"`
}

const timeSliced = "time-sliced"

// NewReport returns the report of work for which the energy was measured, as with
// [energy.MeasurePast]. A [Meter] makes its own.
func NewReport(name string, w Work, m energy.Measurement) Report {
	if w.Elapsed == 0 {
		w.Elapsed = m.Duration
	}
	r := Report{Name: name, Work: w, Measurement: &m}
	r.complete(config{load: true})
	return r
}

// complete fills in what follows from the work and what was measured.
func (r *Report) complete(c config) {
	r.SchemaVersion = SchemaVersion
	w := r.served()
	if w.Ops == 0 {
		w.Ops = w.Requests
		r.Work.Ops = w.Requests
	}
	m := r.Measurement
	if m == nil {
		r.judgeServer()
		r.Metrics = derive(w, energy.Measurement{}, c)
		return
	}
	r.Source, r.ExpectedGPUs = sourceName(m.Source), len(m.Devices)
	if there := gpusOf(*m); c.gpus > 0 && c.gpus != there {
		r.ExpectedGPUs = c.gpus
		detail := fmt.Sprintf("%d GPUs were expected, and there are %d", c.gpus, there)
		if there > c.gpus {
			detail += "\nPOWERTEST_DEVICES says which of them are meant"
		}
		r.add(energy.Finding{Reason: energy.ExpectedGPUCountMismatch, Detail: detail})
	}
	r.judgeServer()
	r.Reasons = m.Reasons
	r.GPUs = 0
	for _, d := range m.Devices {
		if d.Valid {
			r.GPUs++
		}
	}
	r.Metrics = append(derive(w, *m, c), deriveKinds(w, *m, c.load)...)
	r.Metrics = append(r.Metrics, r.serverMetrics()...)
	for _, p := range r.Phases {
		r.Metrics = append(r.Metrics, derivePart(p.Name, w, p.Measurement, c.load)...)
	}
	if c.load {
		r.Metrics = append(r.Metrics, roleMetrics(w, *m, r.Phases)...)
	}
	if r.Cost != nil {
		r.addCost()
	}
}

// add adds findings that are about the whole and each phase.
func (r *Report) add(found ...energy.Finding) {
	for _, f := range found {
		r.Measurement.Add(f)
		for i := range r.Phases {
			r.Phases[i].Measurement.Add(f)
		}
	}
}

// roleMetrics are the metrics of roles. A role's energy is that of its devices over
// the whole window. One whose name is that of a phase or of a kind, or cannot be part of a
// unit, has none.
func roleMetrics(w Work, m energy.Measurement, phases []PhaseReport) []Metric {
	var list []Metric
	for _, role := range m.Roles {
		taken := slices.ContainsFunc(phases, func(p PhaseReport) bool { return p.Name == role.Role })
		isKind := slices.ContainsFunc(m.Kinds, func(k energy.KindMeasurement) bool { return string(k.Kind) == role.Role })
		if taken || isKind || !energy.IsPartName(role.Role) {
			continue
		}
		part := energy.Measurement{Valid: role.Valid && m.Valid, Energy: role.Energy, Watts: role.Watts}
		list = append(list, derivePart(role.Role, w, part, true)...)
	}
	return list
}

// Valid reports whether there is a number for the energy of the whole.
func (r Report) Valid() bool { return r.Measurement != nil && r.Measurement.Valid }

// withheld returns an error for each number that strict mode misses: of the whole, and of
// each kind.
func (r Report) withheld() []error {
	var list []error
	if !r.Valid() {
		list = append(list, fmt.Errorf("%w: %v", ErrWithheld, energy.Causes(r.Reasons)))
	}
	if r.Measurement == nil {
		return list
	}
	for _, k := range r.Measurement.Kinds {
		if !k.Valid {
			list = append(list, fmt.Errorf("%w: %s: %v", ErrWithheld, k.Kind, energy.Causes(k.Reasons)))
		}
	}
	return list
}

// Value returns the metric of a unit, if there is one.
func (r Report) Value(unit string) (value float64, ok bool) {
	for _, m := range r.Metrics {
		if m.Unit == unit {
			return m.Value, true
		}
	}
	return 0, false
}

// String describes in one line what was measured, for people: "84.0 kJ ± 0.4 % on 4 of 4
// GPUs in 1m0s", or why not.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", cmp.Or(r.Name, "benchmark"))
	switch m := r.Measurement; {
	case m == nil:
		b.WriteString("nothing was measured")
	case m.Valid:
		fmt.Fprintf(&b, "%.4g J ± %.2g %% on %d of %d %s in %v", m.Energy.Joules, m.Energy.ErrPercent(), r.GPUs, r.ExpectedGPUs, r.noun(), m.Duration.Round(time.Millisecond))
	default:
		fmt.Fprintf(&b, "no energy measurement: %d of %d %s have a number", r.GPUs, r.ExpectedGPUs, r.noun())
	}
	for _, f := range energy.Causes(r.Reasons) {
		fmt.Fprintf(&b, "; %v", f)
	}
	if m := r.Measurement; m != nil {
		for _, k := range m.Kinds {
			fmt.Fprintf(&b, "; %s", describeKind(k))
		}
		for _, l := range m.LeftOut {
			fmt.Fprintf(&b, "; not measured: %v", l)
		}
	}
	return terminal.Text(b.String())
}

// noun is what the devices of the whole are called.
func (r Report) noun() string {
	if r.Measurement.Kind.OrGPU() == energy.GPU {
		return "GPUs"
	}
	return "devices"
}

// describeKind is the energy of a kind, or why there is none.
func describeKind(k energy.KindMeasurement) string {
	text := fmt.Sprintf("%s %.4g J ± %.2g %%", k.Kind, k.Energy.Joules, k.Energy.ErrPercent())
	if !k.Valid {
		text = string(k.Kind) + " not measured"
	}
	for _, f := range energy.Causes(k.Reasons) {
		text += fmt.Sprintf(", %v", f)
	}
	return text
}

// WriteFile writes the report as indented JSON to a file, which is there in full
// or not at all: on any error the file that was there before stays.
func (r Report) WriteFile(path string) error {
	return atomicfile.Write(path, r.writeJSON)
}

func (r Report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(r)
}

// sourceName is a source's name in headers and reports.
func sourceName(info energy.Info) string {
	if info.Simulated {
		return "simulated"
	}
	return info.Name
}
