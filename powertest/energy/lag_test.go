package energy

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

func late(rise, fall float64) estimate.Timing {
	return estimate.Timing{
		Rise: estimate.Late{By: rise, SD: 0.001, Clear: true},
		Fall: estimate.Late{By: fall, SD: 0.001, Clear: true},
	}
}

// TestLagIsLearnt: what one window shows serves those that show nothing, until another
// shows the contrary.
func TestLagIsLearnt(t *testing.T) {
	learnt := lag{}.after(late(0.05, 0.051))
	assert.InDelta(t, 0.0505, learnt.by, 1e-6)
	assert.Equal(t, learnt, learnt.after(estimate.Timing{}))
	assert.InDelta(t, 0.0515, learnt.after(late(0.052, 0.053)).by, 1e-3)
	assert.InDelta(t, 0.1, learnt.after(late(0.1, 0.1)).by, 1e-6, "another lag")
	assert.Zero(t, learnt.after(late(0, 0.05)), "a load that drained")
	assert.Zero(t, lag{}.after(late(0.05, 0.09)), "a load that began late and drained")

	averages := lag{}.after(estimate.Timing{Mean: 1})
	assert.Equal(t, lag{mean: 1}, averages)
	assert.Equal(t, averages, averages.after(estimate.Timing{}))
	assert.Zero(t, averages.after(late(0, 0)))
}

func TestLagIsJudged(t *testing.T) {
	spans := []span{{0, second, second}}
	e := Estimate{Joules: 400, Low: 398, High: 402}

	var d DeviceMeasurement
	assert.Equal(t, e, lag{}.judge(&d, e, spans))
	assert.Empty(t, d.Reasons)

	got := lag{by: 0.05, sd: 0.002}.judge(&d, e, spans)
	assert.InDelta(t, 400, got.Joules, 1e-9)
	assert.InDelta(t, 402.56, got.High, 0.01)
	assert.InDelta(t, 400-2.56-0.05*400, got.Low, 0.01, "it may be the load that is late")
	assert.True(t, d.Has(CounterLags))
	measured := lag{by: 0.05, sd: 0.002, measured: true}.judge(&d, e, spans)
	assert.InDelta(t, 400-2.56, measured.Low, 0.01, "but not where it was measured")
	warm := DeviceMeasurement{BeforeWatts: 400, HasBefore: true}
	assert.Equal(t, e, lag{by: 0.05, sd: 0.002}.judge(&warm, e, spans), "nor where the load went on before")
	assert.False(t, withheld(d.Reasons))

	_ = lag{mean: 1}.judge(&d, e, spans)
	assert.True(t, d.Has(CounterAverages))
	assert.True(t, withheld(d.Reasons))
}
