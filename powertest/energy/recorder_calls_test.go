package energy_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

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
		assert.Greater(t, s[0].Reads, 20)
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
