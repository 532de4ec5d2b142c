package promsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A window that began before the server's clock was set hears of it, however many
// others were measured meanwhile.
func TestStepIsRemembered(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		s := w.open(t)
		began := time.Now()
		w.work(10 * time.Second)
		w.mu.Lock()
		w.skew = 3 * time.Second
		w.mu.Unlock()
		for range 2 * maxClockSamples {
			_, _, err := s.checkClock(t.Context(), time.Now())
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		assert.LessOrEqual(t, len(s.clock.samples), maxClockSamples)
		_, found, err := s.checkClock(t.Context(), began)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Equal(t, energy.ClockStep, found[0].Reason)
		_, found, err = s.checkClock(t.Context(), time.Now())
		require.NoError(t, err)
		assert.Empty(t, found, "a window that began after it")
	})
}

// A server's time is known here no better than the round trip allows.
func TestClockWithin(t *testing.T) {
	now := time.Now()
	c := clockSample{server: 5000, local: now, err: 7 * time.Millisecond}
	from, to := c.within(6500)
	assert.Equal(t, 1493*time.Millisecond, from.Sub(now))
	assert.Equal(t, 1507*time.Millisecond, to.Sub(now))
}

// What the server is asked for anyway can be told.
func TestServerFacts(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		s := w.open(t)
		before := s.ServerFacts()
		assert.Equal(t, s.tempo.scrape, before.Scrape)
		w.mu.Lock()
		w.skew += 3 * time.Second
		w.mu.Unlock()
		_, _, err := s.checkClock(t.Context(), time.Now())
		require.NoError(t, err)
		after := s.ServerFacts()
		assert.InDelta(t, 3*time.Second, after.Offset-before.Offset, float64(2*time.Millisecond+before.Uncertainty+after.Uncertainty))
	})
}
