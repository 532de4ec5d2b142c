package energy

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// TestRefutedDelay: where windows refute the calibration's delay, the one that is usual for the
// kind counts again, and what edges show is what comes on top of it.
func TestRefutedDelay(t *testing.T) {
	const by = 60.0 // ms
	c := newCurve(Device{
		UUID: "GPU-1", Method: Counter, Delay: 10 * time.Millisecond, DelaySD: time.Millisecond,
		Calibration: &Calibration{Delay: 150 * time.Millisecond, DelaySD: 2 * time.Millisecond},
	}, epoch, 0)
	assert.InDelta(t, 150e6, c.late(), 1)
	load := func(ms float64) float64 { // for two seconds of each six
		whole, part := math.Floor(ms/6000), math.Mod(ms, 6000)
		return 0.06*ms + 0.64*(2000*whole+min(max(part-2000, 0), 2000))
	}
	for ms := 500.0; ms <= 12000; ms += 2 {
		c.add(joules(ms, load(100*math.Floor(ms/100)-by)))
	}
	for _, start := range []float64{2000, 8000} {
		m := measureCurves([]*curve{c}, window(start, start+2000))
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 1400, m.Energy.Joules, 0.003)
		assert.InDelta(t, by*1e6, c.late(), 3e6, "in all")
		assert.Contains(t, fmt.Sprint(m.Reasons), "falls 59 ms ±")
		assert.InDelta(t, (by-10)/1000, c.lag.by, 0.003, "beside the usual")
		assert.InDelta(t, 0.15, c.lag.refuted, 1e-9)
	}
}
