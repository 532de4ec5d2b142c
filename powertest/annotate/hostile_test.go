package annotate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestHostileTable: whatever results and logs have in them, the table is only text.
func TestHostileTable(t *testing.T) {
	for name, word := range terminaltest.Words {
		t.Run(name, func(t *testing.T) {
			r := Result{
				Workload:   Workload{Notes: []string{word}},
				Findings:   []energy.Finding{{Reason: energy.SharedGPU, Device: word, Detail: word + "\n" + word}},
				Metrics:    []Metric{{Key: "avg_power_w", Unit: word}},
				Comparison: []Comparison{{Name: word, Unit: word}},
				telemetry:  telemetry{where: word},
			}
			var out strings.Builder
			require.NoError(t, r.WriteTable(&out))
			terminaltest.Check(t, "table", out.String(), false)
		})
	}
}
