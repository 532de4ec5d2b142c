package promsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestImpossible: what a GPU cannot have used is not published, and of two GPUs the other
// keeps its number.
func TestImpossible(t *testing.T) {
	for name, c := range map[string]struct {
		// change changes the millijoules that are scraped, so long after the load began
		change func(mj float64, since time.Duration) float64
		length time.Duration
		reason energy.Reason
		says   string
	}{
		"true":      {func(mj float64, _ time.Duration) float64 { return mj }, 20 * time.Second, "", ""},
		"1 MJ more": {jumpedAfter(7 * time.Second), 20 * time.Second, energy.CounterJump, "the counter went up by"},
		// Between the edges of a long window no samples are fetched: the jump is in a mean.
		"1 MJ more within minutes": {jumpedAfter(90 * time.Second), 3 * time.Minute, energy.CounterJump, "the counter went up by"},
		"1 MJ more within hours":   {jumpedAfter(time.Hour), 90 * time.Minute, energy.CounterDisagrees, "times the gauge"},
		"joules as millijoules":    {func(mj float64, _ time.Duration) float64 { return mj / 1000 }, 20 * time.Second, energy.CounterDisagrees, "joules under a name of millijoules"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, w *world) {
				w.addPower(0, 1)
				w.addPower(1, 1)
				counter, began := w.series[1].value, time.Now().Add(10*time.Second+130*time.Millisecond)
				w.series[1].value = func(at time.Time) (float64, bool) {
					mj, ok := counter(at)
					return c.change(mj, at.Sub(began)), ok
				}
				m := measured(t, w.open(t), w.work(c.length))
				require.Len(t, m.Devices, 2)
				require.True(t, m.Devices[0].Valid, "%v", m.Reasons)
				assert.InEpsilon(t, 700, m.Devices[0].Watts, 0.05)
				assert.Equal(t, c.reason == "", m.Valid, "%v", m.Reasons)
				if c.reason != "" {
					assert.Zero(t, m.Watts)
					assert.True(t, m.Has(energy.PartialCohort))
					require.True(t, m.Devices[1].Has(c.reason), "%v", m.Reasons)
					assert.Contains(t, m.Devices[1].Reasons[0].Detail, c.says)
				}
			})
		})
	}
}

func jumpedAfter(d time.Duration) func(mj float64, since time.Duration) float64 {
	return func(mj float64, since time.Duration) float64 {
		if since > d {
			mj += 1e9
		}
		return mj
	}
}
