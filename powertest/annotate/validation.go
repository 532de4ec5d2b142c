package annotate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/buildversion"
	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// The ways in which energy is integrated, as the validation file names them.
const (
	trapezoid = "per_device_trapezoidal_with_linear_boundary_interpolation"
	counter   = "per_device_energy_counter_with_closed_edges"
)

// A validation is the file that says what was found, key by key as InferenceX writes
// it, with what only we know in one more object.
type validation struct {
	SchemaVersion     int                             `json:"schema_version"`
	PowerValid        bool                            `json:"power_valid"`
	Reasons           []energy.Reason                 `json:"reasons"`
	TelemetrySource   string                          `json:"telemetry_source"`
	BenchmarkResult   string                          `json:"benchmark_result"`
	BenchmarkWindow   *windowJSON                     `json:"benchmark_window"`
	WindowSource      string                          `json:"window_source,omitempty"`
	IntegrationMethod string                          `json:"integration_method"`
	ExpectedGPUs      *int                            `json:"expected_gpu_count"`
	ObservedGPUs      int                             `json:"observed_gpu_count"`
	ObservedIDs       []string                        `json:"observed_gpu_ids"`
	Roles             pyjson.Members[string]          `json:"per_gpu_role,omitempty"`
	SampleCounts      pyjson.Members[int]             `json:"per_gpu_sample_counts"`
	MaxGaps           pyjson.Members[pyjson.Float]    `json:"per_gpu_max_sample_gap_s"`
	Energies          pyjson.Members[pyjson.Float]    `json:"per_gpu_energy_j"`
	DeviceIssues      pyjson.Members[[]energy.Reason] `json:"device_issues"`
	AccumulatorCheck  any                             `json:"accumulator_check"`
	Metrics           pyjson.Members[pyjson.Float]    `json:"metrics"`
	Powertest         detailsJSON                     `json:"powertest"`
}

type windowJSON struct {
	Start       pyjson.Float `json:"start_time_unix"`
	End         pyjson.Float `json:"end_time_unix"`
	Reported    pyjson.Float `json:"reported_duration_s"`
	Integration pyjson.Float `json:"integration_duration_s"`
	Completed   *int64       `json:"completed"`
	Input       *int64       `json:"total_input_tokens"`
	Output      *int64       `json:"total_output_tokens"`
}

// detailsJSON is what a validation file has beyond InferenceX's.
type detailsJSON struct {
	// Version is that of the module.
	Version string `json:"version"`
	// Harness is what ran the benchmark, and Window where its window is from; null without one.
	Harness string      `json:"harness,omitempty"`
	Window  *originJSON `json:"window"`
	// Measurement is null if nothing was measured.
	Measurement *energy.Measurement `json:"measurement"`
	// Aiperf are the metrics of aiperf, ours and theirs.
	Aiperf []comparisonJSON `json:"aiperf,omitempty"`
	// Server is what the inference servers have counted.
	Server *powertest.ServerReport `json:"server,omitempty"`
	// Cost is what the energy costs.
	Cost *powertest.Cost `json:"cost,omitempty"`
	// Marks are the reasons that do not make the power invalid.
	Marks []energy.Reason `json:"marks"`
	// Findings are all findings in words, those of the measurement included.
	Findings []energy.Finding `json:"findings"`
	Notes    []string         `json:"notes,omitempty"`
}

// originJSON is an [Origin]: by how much earlier or later the window may have been is in
// seconds.
type originJSON struct {
	From  string  `json:"from"`
	Early float64 `json:"early_s"`
	Late  float64 `json:"late_s"`
}

// comparisonJSON is a [Comparison]: what is not known is null.
type comparisonJSON struct {
	Name   string       `json:"name"`
	Unit   string       `json:"unit"`
	Ours   pyjson.Float `json:"powertest"`
	Theirs pyjson.Float `json:"aiperf"`
}

// validation gathers what was found.
func (r Result) validation() validation {
	t := r.telemetry
	v := validation{
		SchemaVersion:     1,
		PowerValid:        r.Valid(),
		Reasons:           r.Reasons(),
		TelemetrySource:   t.where,
		BenchmarkResult:   r.options.Result,
		WindowSource:      r.harness.window,
		IntegrationMethod: method(r.Measurement),
		ExpectedGPUs:      r.options.ExpectedGPUs,
		ObservedGPUs:      t.observed(),
		ObservedIDs:       []string{},
		AccumulatorCheck:  t.check,
		Powertest:         r.details(),
	}
	if w := r.Workload; w.HasWindow() {
		v.BenchmarkWindow = &windowJSON{
			Start: pyjson.Float(unixSeconds(w.Start)), End: pyjson.Float(unixSeconds(w.End)),
			Reported: pyjson.Float(w.Seconds), Integration: pyjson.Float(w.length()),
			Completed: knownCount(w.Requests), Input: knownCount(w.InputTokens), Output: knownCount(w.OutputTokens),
		}
	}
	for _, m := range r.Metrics {
		v.Metrics.Add(m.Key, pyjson.Round(m.Value, 6))
	}
	return v.withGPUs(t, r.Findings, r.spoils)
}

// knownCount is a count, and nil if it is not known.
func knownCount(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// withGPUs adds what is known of each GPU, sorted as InferenceX does: numbers first,
// by their value.
func (v validation) withGPUs(t telemetry, all []energy.Finding, spoils func(energy.Finding) bool) validation {
	gpus := slices.Clone(t.gpus)
	slices.SortFunc(gpus, func(a, b seenGPU) int { return compareIDs(a.ID, b.ID) })
	devices, issues := t.devices(), map[string][]energy.Reason{}
	for _, f := range all {
		if list := issues[f.Device]; spoils(f) && !slices.Contains(list, f.Reason) {
			issues[f.Device] = append(list, f.Reason)
		}
	}
	for _, g := range gpus {
		if g.seen {
			v.ObservedIDs = append(v.ObservedIDs, g.ID)
			v.SampleCounts.Add(g.ID, g.Samples)
		}
		if g.Bracketed {
			v.MaxGaps.Add(g.ID, pyjson.Float(g.MaxGap.Seconds()))
		}
		if d := devices[g.UUID]; d != nil {
			if d.Device.Role != "" {
				v.Roles.Add(g.ID, d.Device.Role)
			}
			if d.Valid {
				v.Energies.Add(g.ID, pyjson.Float(d.Energy.Joules))
			}
		}
		if list := issues[g.UUID]; list != nil {
			v.DeviceIssues.Add(g.ID, list)
		}
	}
	return v
}

// method names how the energy was integrated: by the counters, where there are
// any.
func method(m energy.Measurement) string {
	if slices.ContainsFunc(m.Devices, func(d energy.DeviceMeasurement) bool { return d.Device.Method == energy.Counter }) {
		return counter
	}
	return trapezoid
}

// details gathers what only we know.
func (r Result) details() detailsJSON {
	d := detailsJSON{Version: buildversion.Main(), Marks: r.Marks(), Notes: slices.Concat(r.Workload.Notes, r.serverNotes()), Server: r.Server}
	d.Findings = append([]energy.Finding{}, r.Findings...) // never null
	if w := r.Workload; w.HasWindow() {
		d.Harness, d.Window = w.Harness, &originJSON{w.Origin.From, w.Origin.Early.Seconds(), w.Origin.Late.Seconds()}
	}
	if r.Measured {
		d.Measurement = &r.Measurement
		if _, err := json.Marshal(d.Measurement); err != nil { // it is not finite, which is no reason for no file
			d.Measurement, d.Notes = nil, append(slices.Clone(d.Notes), "the measurement is left out: "+err.Error())
		}
	}
	d.Cost = r.cost()
	for _, c := range r.Comparison {
		d.Aiperf = append(d.Aiperf, comparisonJSON{c.Name, c.Unit, pyjson.Float(c.Ours), pyjson.Float(c.Theirs)})
	}
	return d
}

// WriteValidation writes the validation file: a JSON object with the keys of
// InferenceX's, and one more, powertest, which holds the [energy.Measurement] and all
// findings in words. The file is there in full, or stays as it was.
func (r Result) WriteValidation(path string) error {
	text, err := json.MarshalIndent(r.validation(), "", "  ")
	if err != nil {
		return fmt.Errorf("the validation file: %w", err)
	}
	text = append(text, '\n')
	if was, err := inputfile.ReadFile(path, int64(len(text))); err == nil && bytes.Equal(was, text) {
		return nil
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// ValidationPath is where the validation file is for a result of a load harness, as
// for InferenceX: power_validation_RESULT.json beside it.
func ValidationPath(result string) string {
	dir, base := filepath.Split(result)
	return filepath.Join(dir, validationPrefix+strings.TrimSuffix(base, filepath.Ext(base))+".json")
}
