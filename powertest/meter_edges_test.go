package powertest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// bursts puts random load on the devices, at random times, for as long as d.
func bursts(sim *simsource.Source, rng *rand.Rand, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		done := sim.BusyLoad(rng.Float64())
		time.Sleep(time.Duration(rng.ExpFloat64() * 700e6))
		done()
		time.Sleep(time.Duration(rng.ExpFloat64() * 700e6))
	}
}

// outside reports whether the truth is not in the interval.
func outside(sim *simsource.Source, m energy.Measurement) bool {
	truth := sim.TrueJoules(m.Start, m.End)
	return m.Valid && (truth < m.Energy.Low || truth > m.Energy.High)
}

// TestSpansBetweenTicks: with 8 GPUs most ticks are passed over between edges. A window
// that is moved there afterwards has an interval that covers that, and one that was
// started with EveryTick a narrow one.
func TestSpansBetweenTicks(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates minutes of 8 GPUs")
	}
	testSpansBetweenTicks(t, 12)
}

func testSpansBetweenTicks(t *testing.T, windows int) {
	for name, opts := range map[string][]WindowOption{"moved": nil, "every tick": {EveryTick()}} {
		missed, valid, percent := 0, 0, 0.0
		for seed := range windows {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(seed), 2))
				sim := simsource.New(simsource.Config{GPUs: 8, Seed: uint64(seed)})
				m := newMeter(t, From(sim))
				w := m.Start("a", opts...)
				begin := time.Now()
				bursts(sim, rng, 20*time.Second)
				start := begin.Add(time.Duration((5 + 2*rng.Float64()) * 1e9))
				w.SetSpans(energy.Span{Start: start, End: start.Add(time.Duration((4 + 4*rng.Float64()) * 1e9))})
				r := *stop(t, w).Measurement
				if outside(sim, r) {
					missed++
				}
				if r.Valid {
					valid++
					percent += r.Energy.ErrPercent()
				}
			})
		}
		t.Logf("%s: %d of %d outside, %d withheld, err-%% %.2f", name, missed, windows, windows-valid, percent/float64(valid))
		assert.LessOrEqual(t, missed, max(2, windows/10), name)
		if name == "every tick" {
			assert.Equal(t, windows, valid)
			assert.Less(t, percent/float64(windows), 5.0)
		}
	}
}

// TestSpansOfTheFuture: what is to come is not waited for.
func TestSpansOfTheFuture(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, _ *simsource.Source) {
		w := m.Start("a")
		time.Sleep(time.Second)
		w.SetSpans(energy.Span{Start: time.Now(), End: time.Now().Add(time.Hour)})
		began := time.Now()
		r := stop(t, w)
		assert.Less(t, time.Since(began), time.Second)
		assert.False(t, r.Valid())
		assert.NotEmpty(t, r.Reasons)
	})
}

// TestWorkOfTheWindow: what a server tells only afterwards counts until Stop, and
// first tokens after the end make no steady state longer.
func TestWorkOfTheWindow(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, _ *simsource.Source) {
		w, s := m.Start("a"), m.Start("steady", SteadyState(1))
		for i := range 10 {
			time.Sleep(time.Second)
			s.AddTokens(0, 10)
			s.FirstToken()
			if i == 4 {
				w.End()
				s.End()
			}
		}
		w.AddTokens(0, 50)
		r := stop(t, w)
		requireValue(t, 10, r, "tokens/s")
		r = stop(t, s)
		assert.Equal(t, 5, r.Steady.FirstTokens)
		assert.Equal(t, 3*time.Second, r.Measurement.Duration)
		assert.EqualValues(t, 30, r.Work.OutputTokens)
	})
}

// TestCloseWhileWindowsBegin: nothing goes on reading after that.
func TestCloseWhileWindowsBegin(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{})
			m, err := NewMeter(t.Context(), From(sim))
			require.NoError(t, err)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					w := m.Start("a")
					w.Phase("p")
					time.Sleep(time.Millisecond)
					_, err := w.Stop(context.Background())
					assert.ErrorIs(t, err, ErrClosed)
				})
			}
			wg.Go(func() { assert.NoError(t, m.Close()) })
			wg.Wait()
			calls := m.ins.recorder.Calls()
			time.Sleep(10 * time.Second)
			assert.LessOrEqual(t, m.ins.recorder.Calls(), calls+1)
		})
	}
}

// TestTroubleIsNotForgotten: a window that was spoilt early stays so, whatever goes
// wrong later.
func TestTroubleIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{})
		src := energy.Source(sim)
		for i := range 100 {
			src = energytest.Error(src, 0, 60+300*i, 1, energy.ErrStalled)
		}
		m := newMeter(t, From(src))
		w := m.Start("a")
		time.Sleep(10 * time.Second)
		w.End()
		time.Sleep(40 * time.Minute)
		r := stop(t, w)
		assert.False(t, r.Valid())
		assert.True(t, r.Measurement.Has(energy.SourceStalled), "%v", r)
	})
}

// TestRoleNames become parts of units.
func TestRoleNames(t *testing.T) {
	sim := simsource.New(simsource.Config{})
	for _, name := range []string{"", "net", "pre fill", "a\tb"} {
		_, err := NewMeter(t.Context(), From(sim), Role(name, "0"))
		assert.ErrorIs(t, err, energy.ErrMalformed, "%q", name)
	}
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t, From(simsource.New(simsource.Config{})), Role("prefill", "0"))
		w := m.Start("a")
		w.AddOps(1)
		end := w.Phase("prefill")
		time.Sleep(time.Second)
		end()
		time.Sleep(time.Second)
		seen := map[string]bool{}
		for _, x := range stop(t, w).Metrics {
			assert.False(t, seen[x.Unit], "%s twice", x.Unit)
			seen[x.Unit] = true
		}
	})
}

// TestNewMeterTriesAgain: a source that could not be opened may be there now, and one
// that does not open is not waited for beyond the context.
func TestNewMeterTriesAgain(t *testing.T) {
	tries := 0
	hang := make(chan bool)
	energy.Register("unready", func(arg string, _ []string) (energy.Source, error) {
		if arg == "hang" {
			<-hang
		}
		if tries++; tries < 3 {
			return nil, energy.ErrNoDevice
		}
		return simsource.New(simsource.Config{}), nil
	})
	t.Setenv("POWERTEST_SOURCE", "unready")
	for range 2 {
		_, err := NewMeter(t.Context())
		require.ErrorIs(t, err, energy.ErrNoDevice)
	}
	m, err := NewMeter(t.Context())
	require.NoError(t, err)
	require.NoError(t, m.Close())

	t.Setenv("POWERTEST_SOURCE", "unready=hang")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = NewMeter(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(hang)
}
