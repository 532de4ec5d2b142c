package powertest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestHostileNames: what an exporter calls its GPUs is only text in headers, records and
// reports, and has an end.
func TestHostileNames(t *testing.T) {
	n := 5 << 19 // some 10 MB
	if testing.Short() {
		n >>= 5
	}
	words := map[string]string{"long": strings.Repeat("H200", n), "long words": strings.Repeat("H2 ", n), "row": "H200\n::error::x"}
	for name, word := range terminaltest.Words {
		words[name] = word
	}
	for name, word := range words {
		t.Run(name, func(t *testing.T) {
			d := energy.Device{UUID: "GPU-" + word, Name: word}
			var header, record strings.Builder
			new(headerLines).change(&header, settings("nvml", []energy.Device{d}, nil))
			m := energy.Measurement{Valid: true, Devices: []energy.DeviceMeasurement{{Device: d}}}
			r := NewReport("BenchmarkX", Work{Ops: 1}, m)
			r.Metrics = []Metric{{Unit: "J/op", Value: 5}}
			assert.NoError(t, r.WriteBenchmark(&record))
			r.Reasons = append(r.Reasons, energy.Finding{Reason: energy.SharedGPU, Device: d.UUID, Detail: word})
			r.Measurement.LeftOut = []energy.LeftOut{{UUID: word, Name: word, Why: word}}
			terminaltest.Check(t, "header", header.String(), false)
			terminaltest.Check(t, "record", record.String(), false)
			terminaltest.Check(t, "report", r.String(), false)
		})
	}
}
