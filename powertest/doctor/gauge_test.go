package doctor

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	"github.com/joulebench/joulebench/simsource"
)

// meanOver makes a source of a gauge that is refreshed every 100 ms, and shows the mean power
// of a time before that, which ended some time earlier.
func meanOver(mean, late time.Duration) func() *testSource {
	return func() *testSource {
		cfg := exact
		cfg.GPUs, cfg.Gauge = 1, simsource.OnlyGauge
		p := healthy(cfg)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			refresh := began.Add(dst[0].After.Sub(began).Truncate(100 * time.Millisecond))
			to := refresh.Add(-late)
			dst[0].Watts = 100
			if from := to.Add(-mean); from.After(began) {
				dst[0].Watts = p.TrueJoules(from, to) / mean.Seconds()
			}
			dst[0].Watts += 0.1 * float64(refresh.UnixMilli()/100%7) // else it is static
		}
		return p
	}
}

// TestGaugeDelay: pauses of a load show how old the power in the readings of a gauge is.
func TestGaugeDelay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ mean, late time.Duration }{{25 * time.Millisecond, 5 * time.Millisecond}, {time.Second, 30 * time.Millisecond}} {
		x := examineLoad(t, &testLoad{after: time.Second}, meanOver(tt.mean, tt.late))
		require.True(t, x.Measurable, x.Verdict)
		age := tt.mean/2 + tt.late
		g := x.Load.GPUs[0]
		require.NotNil(t, g.Rise, x.text)
		assert.InDelta(t, age+50*time.Millisecond, *g.Rise, float64(25*time.Millisecond), "half of the hold is in it")
		assert.InDelta(t, age+50*time.Millisecond, *g.Fall, float64(25*time.Millisecond))
		d := x.Report.Profile().Devices[0]
		require.NotNil(t, d.Delay, "%v", d.NotMeasured)
		assert.InDelta(t, age, *d.Delay, 2*float64(*d.DelaySD)+float64(leastDelay))
		assert.Contains(t, d.NotMeasured, "coverage or share: a gauge of power does not integrate")
	}
}

// TestGaugeDelayIsUsed: with a profile that says how old the readings of a gauge are, energy
// by a gauge of which nothing else is known is known better, and it is the true one.
func TestGaugeDelayIsUsed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gpu.json")
	synctest.Test(t, func(t *testing.T) {
		src := meanOver(time.Second, 10*time.Millisecond)()
		src.device = func(d *energy.Device) { d.Sensor = energy.Sensor{} }
		load := &testLoad{source: src.Source}
		x := &examined{}
		x.run(t, t.Context(), src, Options{Load: "load", start: load.start, Profile: profile.Off})
		require.NoError(t, x.Report.Profile().WriteFile(path))
		halves := map[string]float64{}
		for _, value := range []string{profile.Off, path} {
			rec := energy.NewRecorder(src)
			_, err := profile.Apply(value, rec)
			require.NoError(t, err)
			w := rec.Open()
			time.Sleep(4 * time.Second)
			w.Resume()
			start, done := time.Now(), src.Busy()
			time.Sleep(8 * time.Second)
			done()
			m := w.Measure(t.Context())
			require.True(t, m.Valid, "%v", m.Reasons)
			truth := src.TrueJoules(start, start.Add(8*time.Second))
			assert.LessOrEqual(t, m.Energy.Low, truth, value)
			assert.GreaterOrEqual(t, m.Energy.High, truth)
			halves[value] = m.Energy.ErrPercent()
		}
		assert.Less(t, halves[path], 0.9*halves[profile.Off])
		time.Sleep(time.Minute)
	})
}
