package powertest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// TestMeterPartialCohort: one GPU of two has no number, so there is none of the
// whole: every metric that rests on energy is withheld.
func TestMeterPartialCohort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2})
		m := newMeter(t, From(energytest.Lose(sim, 1, 40)))
		w := m.Start("a")
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			w.AddTokens(5, 10)
			w.AddRequests(1)
			w.Accept(10)
		}
		r := stop(t, w)
		assert.False(t, r.Valid())
		assert.Equal(t, [2]int{1, 2}, [2]int{r.GPUs, r.ExpectedGPUs})
		assert.Equal(t, []Metric{{"tokens/s", 100}}, r.Metrics)
		assert.True(t, r.Measurement.Has(energy.PartialCohort))
		assert.Equal(t, 1, strings.Count(r.String(), "to measure the others alone, select them with POWERTEST_DEVICES or -devices"), r.String())
		assert.True(t, r.Measurement.Has(energy.DeviceLost))
		assert.True(t, r.Measurement.Devices[0].Valid, "the other keeps its own")
		assert.Contains(t, r.String(), "no energy measurement: 1 of 2 GPUs have a number; device_lost")
	})
}

// TestMeterExpectsGPUs: a fleet of which a part is not seen is no smaller fleet.
func TestMeterExpectsGPUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2})
		for want, valid := range map[int]bool{2: true, 8: false} {
			m, err := NewMeter(t.Context(), From(sim), ExpectGPUs(want))
			require.NoError(t, err)
			w := m.Start("a")
			time.Sleep(time.Second)
			r := stop(t, w)
			assert.Equal(t, valid, r.Valid())
			assert.Equal(t, want, r.ExpectedGPUs)
			assert.Equal(t, !valid, r.Measurement.Has(energy.ExpectedGPUCountMismatch))
			require.NoError(t, m.Close())
		}
	})
}

// TestMeterCover: the load generator knows afterwards what was to be measured.
func TestMeterCover(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("a")
		time.Sleep(time.Second)
		start := time.Now()
		done := sim.Busy()
		time.Sleep(2 * time.Second)
		done()
		end := time.Now()
		time.Sleep(time.Second)
		w.AddTokens(0, 100)
		w.SetSpans(energy.Span{Start: start, End: end})
		r := stop(t, w)
		requireTrue(t, sim, r, 0.01)
		assert.Equal(t, 2*time.Second, r.Measurement.Duration)
		requireValue(t, 50, r, "tokens/s")
	})
}

// TestMeterPhaseNames: a phase that can't be reported is complained of, once the
// window is over.
func TestMeterPhaseNames(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, _ *simsource.Source) {
		w := m.Start("a")
		w.Phase("with space")()
		time.Sleep(time.Second)
		r, err := w.Stop(t.Context())
		assert.ErrorContains(t, err, `phase "with space" is not measured`)
		assert.True(t, r.Valid())
	})
}

// TestMeterRoles: of a server whose prefill and decode run on GPUs of their own, the
// energy of each, over the whole window.
func TestMeterRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 3})
		m := newMeter(t, From(sim), Role("prefill", "0"), Role("decode", "1", sim.Devices()[2].UUID))
		w := m.Start("a")
		defer sim.Busy(0)()
		time.Sleep(10 * time.Second)
		w.AddTokens(2000, 500)
		w.AddRequests(10)
		r := stop(t, w)
		requireTrue(t, sim, r, 0.01)
		roles := r.Measurement.Roles
		require.Len(t, roles, 2)
		assert.Equal(t, [2]string{"decode", "prefill"}, [2]string{roles[0].Role, roles[1].Role})
		assert.InEpsilon(t, r.Measurement.Energy.Joules, roles[0].Energy.Joules+roles[1].Energy.Joules, 1e-9, "roles add up")
		requireValue(t, roles[1].Energy.Joules/2000, r, "prefill-J/prompt-token")
		requireValue(t, roles[0].Energy.Joules/500, r, "decode-J/token")
		requireValue(t, roles[0].Energy.Joules/10, r, "decode-W")
		assert.InEpsilon(t, 2000, roles[0].Energy.Joules, 0.01, "idle, all the time")
	})
	_, err := NewMeter(t.Context(), From(simsource.New(simsource.Config{})), Role("a", "0"), Role("b", "0"))
	assert.ErrorContains(t, err, "has two roles")
	_, err = NewMeter(t.Context(), From(simsource.New(simsource.Config{})), Role("a", "7"))
	assert.ErrorIs(t, err, energy.ErrNoDevice)
}

// TestMeterPhasesOfAGauge: uses of a phase that begin and end with the load err in
// the same direction each time, and the interval knows.
func TestMeterPhasesOfAGauge(t *testing.T) {
	metered(t, simsource.Config{Gauge: simsource.OnlyGauge}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("a")
		const uses = 180
		for range uses {
			end, done := w.Phase("decode"), sim.Busy()
			time.Sleep(2 * time.Second)
			done()
			end()
			time.Sleep(2 * time.Second)
		}
		e := stop(t, w).Phases[0].Measurement.Energy
		assert.LessOrEqual(t, e.Low, 1400.0*uses)
		assert.GreaterOrEqual(t, e.High, 1400.0*uses)
	})
}
