package energy_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A log that stamps its readings with whole seconds has all of them early by the
// same, up to a second. Nothing at the edges of a window shows that, if the power
// is steady there: the width of the readings does.
func TestGaugeOfWholeSeconds(t *testing.T) {
	base := time.Unix(1_700_000_000, 0)
	watts := func(at time.Duration) float64 { // from idle to busy in a second
		return 100 + 600*min(max((at-10*time.Second).Seconds(), 0), 1)
	}
	const truth = 100*10.5 + 700*19.5
	for _, late := range []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond, 900 * time.Millisecond} {
		log := stampedLog{func(wide, narrow *energy.History) {
			for at := range 40 {
				stamp := base.Add(time.Duration(at) * time.Second)
				w := watts(time.Duration(at)*time.Second + late)
				wide.Add(energy.Reading{Before: stamp.Add(-time.Second), After: stamp.Add(time.Second), Watts: w, HasWatts: true})
				narrow.Add(energy.Reading{Before: stamp, After: stamp, Watts: w, HasWatts: true})
			}
		}}
		m := energy.MeasurePast(t.Context(), log, energy.Span{Start: base, End: base.Add(30 * time.Second)})
		require.True(t, m.Valid, "%v", m.Reasons)
		w, n := m.Devices[0].Energy, m.Devices[1].Energy
		assert.Equal(t, n.Joules, w.Joules, "the width has no say in the estimate")
		assert.LessOrEqual(t, w.Low, truth, "%v late", late)
		assert.GreaterOrEqual(t, w.High, truth)
		assert.Greater(t, w.HalfWidth(), 600.0, "the change of the power times a second")
		assert.Less(t, w.ErrPercent(), 10.0)
		assert.Less(t, n.HalfWidth(), w.HalfWidth()-300)
	}
}

// stampedLog is a log of two gauges.
type stampedLog struct {
	fill func(wide, narrow *energy.History)
}

func (stampedLog) Info() energy.Info     { return energy.Info{Name: "log", Period: time.Second} }
func (stampedLog) Read([]energy.Reading) {}
func (stampedLog) Close() error          { return nil }

func (stampedLog) Devices() []energy.Device {
	return []energy.Device{{UUID: "GPU-0", Method: energy.Gauge}, {UUID: "GPU-1", Method: energy.Gauge}}
}

func (l stampedLog) ReadRange(_ context.Context, _ []energy.Span, to []*energy.History) ([]energy.Finding, error) {
	l.fill(to[0], to[1])
	return nil, nil
}
