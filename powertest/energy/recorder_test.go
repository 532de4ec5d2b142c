package energy_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exact is a simulation without ramps, tails and noise.
func exact(gpus int) *simsource.Source {
	return simsource.New(simsource.Config{GPUs: gpus, Idle: 100, Peak: 700, Ramp: -1, Tail: -1, Noise: -1, Jitter: -1})
}

// measure runs a load of d on the recorder of src, and measures it.
func measure(t *testing.T, src energy.Source, load func()) energy.Measurement {
	t.Helper()
	r := energy.NewRecorder(src)
	w := r.Open()
	_ = w.WaitTicks(t.Context(), 2)
	w.Resume()
	load()
	return w.Measure(t.Context())
}

func TestJoulesOfALoad(t *testing.T) {
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			sim := exact(1)
			m := measure(t, sim, func() {
				done := sim.Busy()
				time.Sleep(d)
				done()
			})
			require.True(t, m.Valid, "%v", m.Reasons)
			want := 700 * d.Seconds()
			assert.InEpsilon(t, want, m.Energy.Joules, 0.03)
			assert.LessOrEqual(t, m.Energy.Low, want)
			assert.GreaterOrEqual(t, m.Energy.High, want)
			assert.Equal(t, d, m.Duration)
			assert.InEpsilon(t, 700, m.Watts, 0.03)
			require.True(t, m.HasBefore)
			assert.InEpsilon(t, 100, m.BeforeWatts, 0.1)
			assert.InDelta(t, 100*time.Millisecond, m.Devices[0].Period, float64(5*time.Millisecond))
		})
	}
}

func TestWindowsOverlapAndNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		r := energy.NewRecorder(sim)
		outer, inner, late := r.Open(), r.Open(), r.Open()
		require.NoError(t, outer.WaitTicks(t.Context(), 2))
		outer.Resume()
		time.Sleep(time.Second)
		done := sim.Busy()
		inner.Resume()
		time.Sleep(time.Second)
		late.Resume()
		time.Sleep(time.Second)
		done()
		in := inner.Measure(t.Context())
		time.Sleep(time.Second)
		out, l := outer.Measure(t.Context()), late.Measure(t.Context())
		require.True(t, in.Valid && out.Valid && l.Valid)
		for _, m := range []energy.Measurement{in, out, l} {
			truth := sim.TrueJoules(m.Start, m.End)
			assert.InEpsilon(t, truth, m.Energy.Joules, 0.02)
			assert.LessOrEqual(t, m.Energy.Low, truth)
			assert.GreaterOrEqual(t, m.Energy.High, truth)
		}
		assert.Equal(t, 2*time.Second, in.Duration)
		assert.True(t, out.Start.Before(in.Start) && in.End.Before(out.End))
	})
}

func TestPausesAreNotBilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		r := energy.NewRecorder(sim)
		w := r.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		for range 3 {
			w.Resume()
			done := sim.Busy()
			time.Sleep(time.Second)
			done()
			w.Pause()
			time.Sleep(700 * time.Millisecond)
		}
		assert.Equal(t, 3*time.Second, w.Duration())
		m := w.Measure(t.Context())
		require.True(t, m.Valid)
		assert.InEpsilon(t, 2100, m.Energy.Joules, 0.01)
		assert.Equal(t, 3*time.Second, m.Duration)
	})
}

func TestRestartForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		m := func() energy.Measurement {
			r := energy.NewRecorder(sim)
			w := r.Open()
			w.Resume()
			defer sim.Busy()()
			time.Sleep(time.Second)
			w.Restart()
			time.Sleep(2 * time.Second)
			return w.Measure(t.Context())
		}()
		require.True(t, m.Valid)
		assert.InEpsilon(t, 1400, m.Energy.Joules, 0.01)
	})
}

// What goes wrong in a source is said, and the number is withheld.
func TestFaults(t *testing.T) {
	lost := func(s energy.Source) energy.Source { return energytest.Lose(s, 0, 40) }
	tests := []struct {
		name   string
		break_ func(energy.Source) energy.Source
		reason energy.Reason
	}{
		{"lost", lost, energy.DeviceLost},
		{"reset", func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 40) }, energy.CounterReset},
		{"jump", func(s energy.Source) energy.Source { return energytest.Jump(s, 0, 40, 1e6) }, energy.CounterJump},
		{"backwards", func(s energy.Source) energy.Source { return energytest.Backwards(s, 0, 40) }, energy.CounterReset},
		{"freeze", func(s energy.Source) energy.Source { return energytest.Freeze(s, 40) }, energy.CounterStale},
		{"frozen from the start", func(s energy.Source) energy.Source { return energytest.Freeze(s, 1) }, energy.CounterStale},
		{"errors", func(s energy.Source) energy.Source { return energytest.Error(s, 0, 1, 1<<30, errors.New("no answer")) }, energy.InsufficientPowerSamples},
		{"stall", func(s energy.Source) energy.Source { return energytest.Stall(s, 40, 1500*time.Millisecond) }, energy.SourceStalled},
		{"never a number", func(s energy.Source) energy.Source {
			return energytest.Replace(s, 0, 1, 1<<30, math.NaN())
		}, energy.InvalidPowerSample},
		{"not a number", func(s energy.Source) energy.Source { return energytest.Replace(s, 0, 40, 1, math.NaN()) }, energy.InvalidPowerSample},
		{"negative", func(s energy.Source) energy.Source { return energytest.Replace(s, 0, 40, 1, -1) }, energy.InvalidPowerSample},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := exact(2)
				m := measure(t, tt.break_(sim), func() {
					defer sim.Busy()()
					time.Sleep(3 * time.Second)
				})
				assert.False(t, m.Valid)
				assert.Zero(t, m.Energy)
				assert.True(t, m.Has(tt.reason), "%v", m.Reasons)
				assert.False(t, m.Devices[0].Valid)
			})
		})
	}
	t.Run("others keep theirs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sim := exact(2)
			m := measure(t, lost(sim), func() {
				defer sim.Busy()()
				time.Sleep(time.Second)
			})
			assert.True(t, m.Has(energy.PartialCohort))
			require.True(t, m.Devices[1].Valid, "%v", m.Devices[1].Reasons)
			assert.InEpsilon(t, 700, m.Devices[1].Energy.Joules, 0.02)
		})
	})
}

// A call that never comes back costs the number, not the benchmark.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		src, release := energytest.Hang(sim, 20)
		r := energy.NewRecorder(src)
		w := r.Open()
		start := time.Now()
		_ = w.WaitTicks(t.Context(), 2)
		w.Resume()
		time.Sleep(time.Second)
		m := w.Measure(t.Context())
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.Less(t, time.Since(start), 4*time.Second)

		// While it hangs, the next window says so at once.
		w = r.Open()
		w.Resume()
		start = time.Now()
		m = w.Measure(t.Context())
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.Less(t, time.Since(start), 1500*time.Millisecond)

		// Once it has come back, the source is used again.
		release()
		time.Sleep(time.Second)
		w = r.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		time.Sleep(time.Second)
		m = w.Measure(t.Context())
		assert.True(t, m.Valid, "%v", m.Reasons)
	})
}

func TestFaultsThatDoNoHarm(t *testing.T) {
	tests := []struct {
		name   string
		break_ func(energy.Source) energy.Source
	}{
		{"one error", func(s energy.Source) energy.Source { return energytest.Error(s, 0, 40, 1, errors.New("try again")) }},
		{"skipped ticks", func(s energy.Source) energy.Source { return energytest.SkipTicks(s, 7) }},
		{"late", func(s energy.Source) energy.Source { return energytest.Late(s, 4*time.Millisecond) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := exact(1)
				var truth float64
				m := measure(t, tt.break_(sim), func() {
					defer sim.Busy()()
					s := time.Now()
					time.Sleep(3 * time.Second)
					truth = sim.TrueJoules(s, time.Now())
				})
				require.True(t, m.Valid, "%v", m.Reasons)
				assert.LessOrEqual(t, m.Energy.Low, truth)
				assert.GreaterOrEqual(t, m.Energy.High, truth)
			})
		})
	}
}

func TestEmptyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := energy.NewRecorder(exact(1)).Open().Measure(t.Context())
		assert.False(t, m.Valid)
		assert.True(t, m.Has(energy.InvalidBenchmarkWindow), "%v", m.Reasons)
	})
}

func TestCancelAndMeasureTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := energy.NewRecorder(exact(1))
		w := r.Open()
		w.Resume()
		w.Cancel()
		w.Cancel()
		assert.Equal(t, energy.Measurement{}, w.Measure(t.Context()))
		w = r.Open()
		w.Resume()
		time.Sleep(time.Second)
		m := w.Measure(t.Context())
		assert.Equal(t, m, w.Measure(t.Context()))
	})
}

// The context bounds the waiting; what is known then is said.
func TestMeasureGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := energy.NewRecorder(exact(1))
		w := r.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m := w.Measure(ctx)
		assert.False(t, m.Valid)
		assert.True(t, m.Has(energy.BenchmarkWindowNotBracketed), "%v", m.Reasons)
	})
}

// How often the source is read: at most 30 times per edge, and 20 times a
// second between.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, period := range []time.Duration{10, 20, 50, 100, 200} {
			sim := simsource.New(simsource.Config{Period: period * time.Millisecond})
			r := energy.NewRecorder(sim)
			w := r.Open()
			require.NoError(t, w.WaitTicks(t.Context(), 2))
			w.Resume()
			time.Sleep(time.Second)
			start := r.Calls()
			assert.LessOrEqual(t, start, int64(30+20*(1+0.3)+10), "first edge at %v ms", period.Nanoseconds())
			time.Sleep(10 * time.Second)
			between := r.Calls() - start
			assert.LessOrEqual(t, between, int64(10*20+10), "between at %v ms", period.Nanoseconds())
			m := w.Measure(t.Context())
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.LessOrEqual(t, r.Calls()-start-between, int64(30), "last edge at %v ms", period.Nanoseconds())
		}
	})
}
