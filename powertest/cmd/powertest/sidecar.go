package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/energy"
)

// The ways in which energy is integrated, as the sidecar names them.
const (
	trapezoid = "per_device_trapezoidal_with_linear_boundary_interpolation"
	counter   = "per_device_energy_counter_with_closed_edges"
)

// A sidecar is the file that says what was found, key by key as InferenceX writes
// it, with what only we know in one more object.
type sidecar struct {
	SchemaVersion     int                    `json:"schema_version"`
	PowerValid        bool                   `json:"power_valid"`
	Reasons           []energy.Reason        `json:"reasons"`
	TelemetrySource   string                 `json:"telemetry_source"`
	BenchmarkResult   string                 `json:"benchmark_result"`
	BenchmarkWindow   *windowJSON            `json:"benchmark_window"`
	WindowSource      string                 `json:"window_source,omitempty"`
	IntegrationMethod string                 `json:"integration_method"`
	ExpectedGPUs      *int                   `json:"expected_gpu_count"`
	ObservedGPUs      int                    `json:"observed_gpu_count"`
	ObservedIDs       []string               `json:"observed_gpu_ids"`
	Roles             pairs[string]          `json:"per_gpu_role,omitempty"`
	SampleCounts      pairs[int]             `json:"per_gpu_sample_counts"`
	MaxGaps           pairs[real]            `json:"per_gpu_max_sample_gap_s"`
	Energies          pairs[real]            `json:"per_gpu_energy_j"`
	DeviceIssues      pairs[[]energy.Reason] `json:"device_issues"`
	AccumulatorCheck  any                    `json:"accumulator_check"`
	Metrics           pairs[real]            `json:"metrics"`
	Powertest         detailsJSON            `json:"powertest"`
}

type windowJSON struct {
	Start       real  `json:"start_time_unix"`
	End         real  `json:"end_time_unix"`
	Reported    real  `json:"reported_duration_s"`
	Integration real  `json:"integration_duration_s"`
	Completed   int64 `json:"completed"`
	Input       int64 `json:"total_input_tokens"`
	Output      int64 `json:"total_output_tokens"`
}

// pairs is a JSON object whose keys have an order.
type pairs[V any] []pair[V]

type pair[V any] struct {
	key   string
	value V
}

// MarshalJSON implements [json.Marshaler].
func (p pairs[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, kv := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(kv.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(kv.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// sidecar gathers what was found.
func (a *annotation) sidecar() sidecar {
	all := a.allFindings()
	reasons, _ := verdict(all)
	t := a.telemetry
	s := sidecar{
		SchemaVersion:     1,
		PowerValid:        len(reasons) == 0,
		Reasons:           reasons,
		TelemetrySource:   t.where,
		BenchmarkResult:   a.result(),
		IntegrationMethod: method(t),
		ObservedGPUs:      t.observed(),
		ObservedIDs:       []string{},
		AccumulatorCheck:  t.check,
		Powertest:         a.details(),
	}
	if a.aiperf != "" {
		s.WindowSource = "aiperf_profile_lifecycle"
	}
	if a.countGPUs {
		s.ExpectedGPUs = &a.gpus
	}
	if w := a.workload; w != nil {
		s.BenchmarkWindow = &windowJSON{
			Start: real(unixSeconds(w.start)), End: real(unixSeconds(w.end)),
			Reported: real(w.seconds), Integration: real(w.length()),
			Completed: w.requests, Input: w.input, Output: w.output,
		}
	}
	for _, m := range a.metrics {
		s.Metrics = append(s.Metrics, pair[real]{m.key, rounded(m.value, 6)})
	}
	s.addGPUs(t, all)
	return s
}

// addGPUs adds what is known of each GPU, sorted as InferenceX does: numbers
// first, by their value.
func (s *sidecar) addGPUs(t telemetry, all []energy.Finding) {
	for _, g := range slices.SortedFunc(slices.Values(t.gpus), func(a, b seenGPU) int { return compareIDs(a.id, b.id) }) {
		if g.seen {
			s.ObservedIDs = append(s.ObservedIDs, g.id)
			s.SampleCounts = append(s.SampleCounts, pair[int]{g.id, g.samples})
		}
		if g.hasGap {
			s.MaxGaps = append(s.MaxGaps, pair[real]{g.id, real(g.maxGap.Seconds())})
		}
		if d, ok := t.device(g.uuid); ok {
			if d.Device.Role != "" {
				s.Roles = append(s.Roles, pair[string]{g.id, d.Device.Role})
			}
			if d.Valid {
				s.Energies = append(s.Energies, pair[real]{g.id, real(d.Energy.Joules)})
			}
		}
		var issues []energy.Reason
		for _, f := range all {
			if f.Device == g.uuid && spoils(f.Reason) && !slices.Contains(issues, f.Reason) {
				issues = append(issues, f.Reason)
			}
		}
		if issues != nil {
			s.DeviceIssues = append(s.DeviceIssues, pair[[]energy.Reason]{g.id, issues})
		}
	}
}

// device returns the measurement of a device.
func (t telemetry) device(uuid string) (energy.DeviceMeasurement, bool) {
	for _, d := range t.measurement.Devices {
		if d.Device.UUID == uuid {
			return d, true
		}
	}
	return energy.DeviceMeasurement{}, false
}

// compareIDs sorts numbers before other names.
func compareIDs(a, b string) int {
	m, errA := strconv.ParseUint(a, 10, 64)
	n, errB := strconv.ParseUint(b, 10, 64)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(m, n)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// method names how the energy was integrated: by the counters, where there are
// any.
func method(t telemetry) string {
	for _, d := range t.measurement.Devices {
		if d.Device.Method == energy.Counter {
			return counter
		}
	}
	return trapezoid
}

// writeSidecar writes the sidecar, or leaves the file as it was.
func (a *annotation) writeSidecar() error {
	text, err := json.MarshalIndent(a.sidecar(), "", "  ")
	if err != nil {
		return fmt.Errorf("the validation file: %w", err)
	}
	return atomicfile.Write(a.sidecarPath(), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}
