package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestHostileReport: whatever devices, hosts, processes and errors are called, the report
// is only text.
func TestHostileReport(t *testing.T) {
	words := map[string]string{"10 MB": strings.Repeat("GPU-", 5<<19)}
	for name, word := range terminaltest.Words {
		words[name] = word
	}
	for name, word := range words {
		t.Run(name, func(t *testing.T) {
			g := GPU{
				UUID: word, Name: word, Host: word, Role: word, Endpoint: word, Counter: Counter{Metric: word},
				Findings:  []energy.Finding{{Reason: energy.SharedGPU, Detail: word}},
				Processes: []energy.Process{{PID: 1, Name: word}},
			}
			r := Report{
				Verdict: word, Measurable: true, Watch: &Watch{For: time.Second, Every: time.Second}, GPUs: []GPU{g, g},
				Sources: []SourceStatus{{Name: word, Status: word, Detail: word}},
				Windows: []Window{{Length: time.Second, Reason: energy.WindowTooShort, Detail: word}},
				Load:    &Load{Notes: []string{word}},
			}
			var out strings.Builder
			require.NoError(t, r.WriteText(&out))
			terminaltest.Check(t, "report", out.String(), false)
		})
	}
}
