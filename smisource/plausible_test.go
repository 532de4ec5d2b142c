package smisource

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// limitedLog is a log of one GPU that states its power limit, with a row a second of what
// power says.
func limitedLog(limit string, power func(at int) string) string {
	var b strings.Builder
	b.WriteString("timestamp, index, power.draw.instant [W], enforced.power.limit [W]\n")
	for at := -2; at <= 22; at++ {
		fmt.Fprintf(&b, "%s, 0, %s, %s\n", nvidia(float64(at)), power(at), limit)
	}
	return b.String()
}

// TestWhatGPUsDraw: what a GPU cannot draw on average is not published, and what it just can
// is.
func TestWhatGPUsDraw(t *testing.T) {
	for name, c := range map[string]struct {
		log   string
		watts float64 // 0 is withheld
		says  string
	}{
		"at its limit":           {limitedLog("700.00 W", func(int) string { return "700.00 W" }), 700, ""},
		"a boost":                {limitedLog("700.00 W", func(at int) string { return fmt.Sprintf("%d.00 W", 700+35*(at%2)) }), 717, ""},
		"no limit, 1000 W":       {limitedLog("[N/A]", func(int) string { return "1000.00 W" }), 1000, ""},
		"800 W of 700 W":         {limitedLog("700.00 W", func(int) string { return "800.00 W" }), 0, "800 W"},
		"milliwatts as watts":    {limitedLog("[N/A]", func(int) string { return "490500 W" }), 0, "4.905e\\+05"},
		"amd's counter, 1 MJ on": {accumulated(func(at int) float64 { return 350*float64(at) + 1e6*float64(min(max(at-9, 0), 1)) }), 0, "went up by"},
		"amd's counter":          {accumulated(func(at int) float64 { return 350 * float64(at) }), 350, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := measure(t, c.log, 0, 20)
			require.Equal(t, c.watts > 0, m.Valid, "%v", m.Reasons)
			if c.watts > 0 {
				assert.InEpsilon(t, c.watts, m.Watts, 0.02)
				return
			}
			assert.Zero(t, m.Watts)
			require.True(t, m.Has(energy.InvalidPowerSample) || m.Has(energy.CounterJump), "%v", m.Reasons)
			assert.Regexp(t, c.says, fmt.Sprint(m.Reasons))
		})
	}
}

// accumulated is a log of an energy accumulator, with a row a second.
func accumulated(joules func(at int) float64) string {
	var b strings.Builder
	b.WriteString("timestamp,gpu,total_energy_consumption\n")
	for at := -10; at <= 30; at++ {
		fmt.Fprintf(&b, "%s,0,%.1f\n", second(at), 1e6+joules(at))
	}
	return b.String()
}
