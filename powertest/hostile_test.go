package powertest

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestHostileNames: what an exporter calls its GPUs is only text in headers, records and
// reports, and has an end.
func TestHostileNames(t *testing.T) {
	for name, word := range map[string]string{
		"colour":      "\x1b[31mH200",
		"raw C1":      "H200\x9b31m",
		"override":    "H\u202e200",
		"row":         "H200\r\n::error::x",
		"separator":   "H200\u2028::error::x",
		"command":     "##[error]H200",
		"10 MB":       strings.Repeat("H200", 5<<19),
		"10 MB words": strings.Repeat("H2 ", 5<<19),
	} {
		t.Run(name, func(t *testing.T) {
			d := energy.Device{UUID: "GPU-" + word, Name: word}
			var out strings.Builder
			new(headerLines).change(&out, settings("nvml", []energy.Device{d}))
			var record strings.Builder
			m := energy.Measurement{Valid: true, Devices: []energy.DeviceMeasurement{{Device: d}}}
			m.Energy.Joules = 5
			r := NewReport("BenchmarkX", Work{Ops: 1}, m)
			r.Metrics = append(r.Metrics[:0:0], Metric{Unit: "J/op", Value: 5})
			assert.NoError(t, r.WriteBenchmark(&record))
			r.Reasons = append(r.Reasons, energy.Finding{Reason: energy.SharedGPU, Device: d.UUID, Detail: word})
			for what, text := range map[string]string{"header": out.String(), "record": record.String(), "report": r.String()} {
				assert.True(t, utf8.ValidString(text), what)
				for row := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' }) {
					assert.False(t, strings.HasPrefix(strings.TrimSpace(row), "::"), "%s: %.100q", what, row)
					assert.NotContains(t, row, "##[", what)
					assert.Less(t, len(row), 40_000, what)
					assert.False(t, strings.ContainsFunc(row, func(r rune) bool {
						return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
					}), "%s: %.100q", what, row)
				}
			}
		})
	}
}
