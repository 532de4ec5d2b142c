package energy_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// TestPartsOfAWindow: parts are measured with the whole, and add up to it.
func TestPartsOfAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(2)
		w := energy.NewRecorder(sim).Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		parts := []*energy.Window{w.Sub(), w.Sub(), w.Sub()}
		var truth [3]float64
		w.Resume()
		for i := range 12 {
			begin, p := time.Now(), parts[i%3]
			p.Resume()
			done := sim.BusyLoad([]float64{1, 0.6, 0}[i%3])
			time.Sleep(time.Duration(150+20*i) * time.Millisecond)
			done()
			p.Pause()
			truth[i%3] += sim.TrueJoules(begin, time.Now())
		}
		whole := w.Measure(t.Context())
		require.True(t, whole.Valid, "%v", whole.Reasons)
		began, sum := time.Now(), 0.0
		for i, p := range parts {
			m := p.Measure(t.Context())
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.InEpsilon(t, truth[i], m.Energy.Joules, 0.03)
			assert.LessOrEqual(t, m.Energy.Low, truth[i])
			assert.GreaterOrEqual(t, m.Energy.High, truth[i])
			assert.Equal(t, p.Duration(), m.Duration)
			sum += m.Energy.Joules
		}
		assert.InEpsilon(t, whole.Energy.Joules, sum, 1e-6)
		assert.Zero(t, time.Since(began), "they wait for nothing more")
	})
}

// TestPartsByThemselves: a part that is measured before the whole, or reaches beyond it, is
// a window like any other.
func TestPartsByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		w := energy.NewRecorder(sim).Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		done := sim.Busy()
		defer done()
		first, late := w.Sub(), w.Sub()
		first.Resume()
		time.Sleep(time.Second)
		a := first.Measure(t.Context())
		require.True(t, a.Valid, "%v", a.Reasons)
		assert.InEpsilon(t, 700, a.Energy.Joules, 0.02)
		late.Resume()
		time.Sleep(time.Second)
		assert.True(t, w.Measure(t.Context()).Valid)
		time.Sleep(time.Second)
		b := late.Measure(t.Context())
		require.True(t, b.Valid, "%v", b.Reasons)
		assert.Greater(t, b.Duration, 2*time.Second)
		assert.InEpsilon(t, 700*b.Duration.Seconds(), b.Energy.Joules, 0.02)
	})
}

// TestPartsOfThePast: what a source remembers is asked for once.
func TestPartsOfThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory(1)
		src.waits = 4 * time.Second
		time.Sleep(10 * time.Second)
		r := energy.NewRecorder(src)
		w := r.Open()
		w.Resume()
		p := w.Sub()
		done := src.Busy()
		time.Sleep(20 * time.Second)
		p.Resume()
		time.Sleep(20 * time.Second)
		p.Pause()
		done()
		require.True(t, w.Measure(t.Context()).Valid)
		m := p.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 14000, m.Energy.Joules, 0.02)
		assert.EqualValues(t, 1, r.Calls())
	})
}

// TestWindowsInARow: windows of one load soon after each other know each other's edges.
func TestWindowsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Noise: 0.02, Seed: 3})
		r := energy.NewRecorder(sim)
		keep := r.KeepWarm()
		defer keep.Cancel()
		require.NoError(t, keep.WaitTicks(t.Context(), 3))
		var windows []*energy.Window
		for range 6 {
			w := r.Open()
			w.Resume()
			done := sim.Busy()
			time.Sleep(250 * time.Millisecond)
			done()
			w.Pause()
			windows = append(windows, w)
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(time.Second)
		for _, w := range windows {
			m := w.Measure(t.Context())
			require.True(t, m.Valid, "%v", m.Reasons)
			truth := sim.TrueJoules(m.Start, m.End)
			assert.LessOrEqual(t, m.Energy.Low, truth)
			assert.GreaterOrEqual(t, m.Energy.High, truth)
			assert.Less(t, m.Energy.ErrPercent(), 9.0)
		}
	})
}
