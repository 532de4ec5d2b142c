package smisource

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestReplayOfLogs: a recording of a window of a log gives the same energy, interval and
// reasons as the log.
func TestReplayOfLogs(t *testing.T) {
	log := func(name string, watts func(i int) string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "timestamp, index, name, power.draw.instant [W]\n")
		for i := range 400 {
			fmt.Fprintf(&b, "%s, 0, %s, %s W\n", nvidia(-10+0.1*float64(i)), name, watts(i))
		}
		return b.String()
	}
	wave := func(i int) string { return fmt.Sprint(300 + i%7) }
	for name, text := range map[string]string{
		"instant":       log("NVIDIA GeForce RTX 3090", wave),
		"part time":     log("NVIDIA A100-PCIE-40GB", wave),
		"nothing known": strings.ReplaceAll(log("", wave), "power.draw.instant", "power"),
		"static":        log("", func(int) string { return "71.25" }),
		"no value":      log("", func(i int) string { return strings.Replace(wave(i), "303", "[N/A]", i/150) }),
		"contradictions": log("", func(i int) string {
			return fmt.Sprintf("%s W\n%s, 0, , %d", wave(i), nvidia(-10+0.1*float64(i)), 350+i%7)
		}),
		"another time": strings.ReplaceAll(log("", wave), "2023/11/14", "2023/11/12"),
	} {
		s := open(t, text)
		w := energy.NewRecorder(s).Open()
		w.Record()
		w.SetSpans(span(0, 10))
		m := w.Measure(t.Context())
		text, err := json.Marshal(w.Recording())
		require.NoError(t, err)
		var r energy.Recording
		require.NoError(t, json.Unmarshal(text, &r))
		p, err := energy.NewReplay(r)
		require.NoError(t, err)
		again := energy.MeasurePast(t.Context(), p, span(0, 10))
		assert.ElementsMatch(t, codes(m.Reasons), codes(again.Reasons), "%s: %v, and %v", name, m.Reasons, again.Reasons)
		assert.Equal(t, m.Valid, again.Valid, name)
		assert.InDelta(t, m.Energy.Joules, again.Energy.Joules, 0.1, name)
		assert.InDelta(t, m.Energy.HalfWidth(), again.Energy.HalfWidth(), 0.1, name)
	}
}
