package energy_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

func TestCallStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("no answer")
		src := energytest.Late(energytest.Error(exact(2), 1, 5, 3, failure), 4*time.Millisecond)
		r := energy.NewRecorder(src)
		assert.Equal(t, make([]energy.CallStats, 2), r.CallStats())
		w := r.Open()
		w.Resume()
		time.Sleep(2 * time.Second)
		w.Cancel()
		synctest.Wait()
		s := r.CallStats()
		assert.Greater(t, s[0].Reads, 15)
		assert.LessOrEqual(t, int64(s[0].Reads), r.Calls())
		assert.Zero(t, s[0].Failures)
		assert.NoError(t, s[0].LastError)
		assert.Equal(t, 3, s[1].Failures)
		assert.ErrorIs(t, s[1].LastError, failure)
		assert.True(t, s[1].At.Before(s[1].LastGood))
		for _, s := range s {
			assert.Equal(t, 4*time.Millisecond, s.P50)
			assert.GreaterOrEqual(t, s.P99, s.P50)
			assert.WithinDuration(t, time.Now(), s.LastGood, time.Second)
		}
	})
}

// A call that hangs counts as one failure of the devices that it reads.
func TestCallStatsOfAHungCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, release := energytest.Hang(exact(1), 20)
		r := energy.NewRecorder(src)
		w := r.Open()
		defer w.Cancel()
		w.Resume()
		time.Sleep(5 * time.Second)
		for range 2 {
			s := r.CallStats()[0]
			assert.Equal(t, 20, s.Reads)
			assert.Equal(t, 1, s.Failures)
			assert.ErrorIs(t, s.LastError, energy.ErrStalled)
			assert.True(t, s.At.After(s.LastGood))
		}
		release()
		time.Sleep(time.Second)
		s := r.CallStats()[0]
		assert.Equal(t, 1, s.Failures)
		assert.True(t, s.LastGood.After(s.At))
	})
}

// inspected is a source that says the state of its devices, in its own time.
type inspected struct {
	energy.Source
	asked   atomic.Int64
	release chan struct{} // nil if it answers at once
}

func (s *inspected) Inspect(dst []energy.State) {
	s.asked.Add(1)
	if s.release != nil {
		<-s.release
	}
	for i := range dst {
		dst[i].At = time.Now()
		dst[i].Celsius, dst[i].HasCelsius = float64(40+dst[i].Device), true
	}
}

func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(3)
		r, err := energy.NewRecorderOf(&inspected{Source: sim}, energy.Selection{Devices: []string{"2", "0"}})
		require.NoError(t, err)
		states := r.Inspect(t.Context())
		require.Len(t, states, 2)
		for i, s := range states {
			assert.Equal(t, r.Devices()[i].Index, s.Device)
			assert.Equal(t, float64(40+s.Device), s.Celsius)
		}
		fake := &energytest.Fake{}
		assert.Nil(t, energy.NewRecorder(fake).Inspect(t.Context()), "it is no Inspector")
	})
}

// While Inspect hangs nothing else is asked of the source, and nobody waits for it
// longer than a second.
func TestInspectHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &inspected{Source: exact(1), release: make(chan struct{})}
		r := energy.NewRecorder(src)
		for range 2 {
			start := time.Now()
			assert.Nil(t, r.Inspect(t.Context()))
			assert.Equal(t, time.Second, time.Since(start))
		}
		brief, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		assert.Nil(t, r.Inspect(brief))
		assert.Equal(t, 10*time.Millisecond, time.Since(start))
		assert.EqualValues(t, 1, src.asked.Load())
		w := r.Open()
		w.Resume()
		time.Sleep(5 * time.Second)
		start = time.Now()
		m := w.Measure(t.Context())
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.LessOrEqual(t, time.Since(start), time.Second)

		close(src.release)
		synctest.Wait()
		assert.EqualValues(t, 1, src.asked.Load(), "what nobody waits for is not asked any more")
		assert.Len(t, r.Inspect(t.Context()), 1)
		time.Sleep(time.Second)
		w = r.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		time.Sleep(time.Second)
		m = w.Measure(t.Context())
		assert.True(t, m.Valid, "%v", m.Reasons)
	})
}

// A read that goes on when the time to wait is over is waited for, but not the next.
func TestMeasureWaitsForOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := energytest.LateBy(energytest.Freeze(exact(1), 60), func(call int) time.Duration {
			if call < 60 {
				return 0
			}
			return 700 * time.Millisecond
		})
		w := energy.NewRecorder(src).Open()
		w.Resume()
		time.Sleep(20 * time.Second)
		start := time.Now()
		_ = w.Measure(t.Context())
		assert.LessOrEqual(t, time.Since(start), 1800*time.Millisecond)
	})
}
