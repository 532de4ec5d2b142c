package energy_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// count is one count of a benchmark of 1 s. It returns what WaitIdle did, too.
func count(t *testing.T, r *energy.Recorder, sim *simsource.Source) (energy.Measurement, error) {
	t.Helper()
	w := r.Open()
	err := w.WaitIdle(t.Context(), "Some")
	w.Resume()
	done := sim.Busy()
	time.Sleep(time.Second)
	done()
	w.Pause()
	return w.Measure(t.Context()), err
}

// requireIdle requires idle power to be known, with an interval that holds it.
func requireIdle(t *testing.T, want float64, m energy.Measurement) {
	t.Helper()
	require.True(t, m.HasIdle)
	assert.InEpsilon(t, want, m.Idle.Watts, 0.02)
	assert.LessOrEqual(t, m.Idle.Low, want)
	assert.GreaterOrEqual(t, m.Idle.High, want)
}

// TestIdleOfEachCount: later counts follow the load of the one before, and its tail.
func TestIdleOfEachCount(t *testing.T) {
	for _, gauge := range []simsource.Gauge{simsource.WithGauge, simsource.OnlyGauge} {
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700, Tail: 60 * time.Millisecond, Noise: -1, Gauge: gauge})
			r := energy.NewRecorder(sim)
			for range 3 {
				m, err := count(t, r, sim)
				require.NoError(t, err)
				requireIdle(t, 200, m)
				assert.False(t, m.Has(energy.IdleUnsettled))
				net, ok := m.Net()
				require.True(t, ok)
				assert.InEpsilon(t, 1200, net.Joules, 0.05)
				assert.Greater(t, net.HalfWidth(), m.Energy.HalfWidth())
			}
		})
	}
}

// TestIdleUnsettled: a device that holds its clocks for long after the load is waited for,
// but not forever, and then the later count is marked.
func TestIdleUnsettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		r := energy.NewRecorder(sim)
		m, err := count(t, r, sim)
		require.NoError(t, err)
		assert.False(t, m.Has(energy.IdleUnsettled))

		held := sim.BusyLoad(0.1)
		time.AfterFunc(1200*time.Millisecond, held)
		m, err = count(t, r, sim)
		require.NoError(t, err)
		requireIdle(t, 100, m)
		assert.False(t, m.Has(energy.IdleUnsettled), "it was waited for")

		held = sim.BusyLoad(0.1)
		began := time.Now()
		m, err = count(t, r, sim)
		held()
		require.ErrorIs(t, err, energy.ErrNotIdle)
		assert.Less(t, time.Since(began), 5*time.Second, "with the window")
		requireIdle(t, 160, m)
		assert.True(t, m.Valid)
		assert.True(t, m.Has(energy.IdleUnsettled))

		m, err = count(t, r, sim)
		require.NoError(t, err)
		assert.False(t, m.Has(energy.IdleUnsettled), "it is as before")
	})
}

// TestIdleStillChanging: power that goes up and down all the time is no idling.
func TestIdleStillChanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for ctx.Err() == nil {
				done := sim.BusyLoad(0.5)
				time.Sleep(330 * time.Millisecond)
				done()
				time.Sleep(310 * time.Millisecond)
			}
		}()
		m, err := count(t, energy.NewRecorder(sim), sim)
		cancel()
		require.ErrorIs(t, err, energy.ErrNotIdle)
		assert.True(t, m.Has(energy.IdleUnsettled))
		time.Sleep(time.Second)
	})
}

// TestIdleUnknown: where another window is open, and where nobody asked.
func TestIdleUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		r := energy.NewRecorder(sim)
		other := r.Open()
		_ = other.WaitTicks(t.Context(), 2)
		other.Resume()
		m, err := count(t, r, sim)
		require.ErrorIs(t, err, energy.ErrNotIdle)
		assert.False(t, m.HasIdle)
		_, ok := m.Net()
		assert.False(t, ok)
		other.Cancel()

		m, err = count(t, r, sim)
		require.NoError(t, err, "a window that was cancelled has ended")
		requireIdle(t, 100, m)
		assert.False(t, measure(t, sim, func() { time.Sleep(time.Second) }).HasIdle, "nobody asked")
	})
}

// TestIdleOfThePast: a source that knows the past is not waited for, and what it says of
// set-up that was cut off is no idle power.
func TestIdleOfThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory(2)
		r := energy.NewRecorder(src)
		for range 2 {
			time.Sleep(8*time.Second + 300*time.Millisecond)
			w := r.Open()
			opened := time.Now()
			require.NoError(t, w.WaitIdle(t.Context(), "Some"))
			assert.Zero(t, time.Since(opened))
			w.Resume()
			done := src.Busy()
			time.Sleep(6 * time.Second)
			start := time.Now()
			time.Sleep(20 * time.Second)
			done()
			w.Pause()
			w.Cut(energy.Span{Start: start, End: time.Now()})
			time.Sleep(4 * time.Second)
			requireIdle(t, 200, w.Measure(t.Context()))
		}
	})
}
