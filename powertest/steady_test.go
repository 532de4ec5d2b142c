package powertest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// TestSteadyState: 4 users with 10 requests each. While the first tokens are waited
// for and while the last answers are written the GPU does other things than
// in between, and that is left out: energy and tokens alike.
func TestSteadyState(t *testing.T) {
	metered(t, simsource.Config{Idle: 100, Peak: 1100}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("serve", SteadyState(4))
		time.Sleep(3 * time.Second) // until then nothing is served
		var wg sync.WaitGroup
		for user := range 4 {
			wg.Go(func() {
				time.Sleep(time.Duration(user) * 100 * time.Millisecond)
				for range 10 {
					done := sim.BusyLoad(0.1)
					w.FirstToken()
					for range 40 {
						w.AddTokens(0, 1)
						time.Sleep(10 * time.Millisecond)
					}
					w.AddRequests(1)
					done()
				}
			})
		}
		wg.Wait()
		time.Sleep(2 * time.Second) // drains
		r := stop(t, w)
		requireTrue(t, sim, r, 0.01)
		require.NotNil(t, r.Steady)
		assert.Equal(t, 40, r.Steady.FirstTokens)
		assert.EqualValues(t, 1600, r.Steady.Whole.OutputTokens)
		// From the 4th first token at 3.3 s to the 36th, which came at 6.5 s: the
		// 9th of the users' tenths.
		assert.Equal(t, 3200*time.Millisecond, r.Measurement.Duration)
		assert.Equal(t, 3200*time.Millisecond, r.Work.Elapsed)
		assert.InDelta(t, 1280, r.Work.OutputTokens, 4, "4 users, a token every 10 ms")
		watts, _ := r.Value("W")
		assert.InEpsilon(t, 500, watts, 0.01, "the steady power")
		perToken, _ := r.Value("J/token")
		assert.InEpsilon(t, 1.25, perToken, 0.02)
		assert.Equal(t, 3200*time.Millisecond, r.Measurement.Duration)
	})
}

// TestSteadyPhases: of a phase, what lies in the steady state counts: it is a part of
// the whole, whatever was before and after.
func TestSteadyPhases(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("serve", SteadyState(2))
		defer sim.Busy()()
		end := w.Phase("decode")
		for range 10 {
			time.Sleep(time.Second)
			w.FirstToken()
			w.AddTokens(0, 10)
			w.AddOps(1)
		}
		end()
		time.Sleep(time.Second)
		r := stop(t, w)
		require.Len(t, r.Phases, 1)
		assert.Equal(t, r.Measurement.Duration, r.Phases[0].Measurement.Duration)
		assert.InEpsilon(t, r.Measurement.Energy.Joules, r.Phases[0].Measurement.Energy.Joules, 1e-6)
		whole, _ := r.Value("J/token")
		part, ok := r.Value("decode-J/token")
		require.True(t, ok)
		assert.InEpsilon(t, whole, part, 1e-6)
	})
}

// TestSteadyStateTooShort: who makes too few requests has no steady state, and is
// told how many would do.
func TestSteadyStateTooShort(t *testing.T) {
	for n := range 5 {
		metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
			w := m.Start("serve", SteadyState(2))
			for range n {
				time.Sleep(time.Second)
				w.FirstToken()
				w.AddTokens(1, 10)
			}
			r := stop(t, w)
			assert.False(t, r.Valid())
			assert.Empty(t, r.Metrics)
			assert.True(t, r.Measurement.Has(energy.WindowTooShort))
			assert.Contains(t, r.String(), "make more than 4 requests")
			assert.EqualValues(t, 10*n, r.Steady.Whole.OutputTokens)
		})
	}
}

// TestSteadyEdges: of n first tokens, a second apart, from the batch-th to the last
// but batch-th.
func TestSteadyEdges(t *testing.T) {
	for _, c := range []struct{ batch, n int }{{1, 3}, {1, 100}, {3, 7}, {3, 8}, {16, 33}, {16, 1000}} {
		begin := time.Unix(0, 0)
		s := &steady{batch: c.batch}
		for i := 1; i <= c.n; i++ {
			s.add(func() mark {
				return mark{begin.Add(time.Duration(i) * time.Second), Work{OutputTokens: int64(i * i)}}
			})
		}
		work, spans, _, found := s.cut(Work{})
		require.Empty(t, found, "%v", c)
		from, to := c.batch, c.n-c.batch
		assert.Equal(t, []energy.Span{{Start: begin.Add(time.Duration(from) * time.Second), End: begin.Add(time.Duration(to) * time.Second)}}, spans, "%v", c)
		assert.EqualValues(t, to*to-from*from, work.OutputTokens, "%v", c)
		assert.LessOrEqual(t, len(s.last), c.batch+1, "memory")
	}
}
