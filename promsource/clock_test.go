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

// What the server is asked for anyway can be reported.
func TestScraping(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		s := w.open(t)
		interval, before, within := s.Scraping()
		assert.Equal(t, s.tempo.scrape, interval)
		w.mu.Lock()
		w.skew += 3 * time.Second
		w.mu.Unlock()
		_, _, err := s.checkClock(t.Context(), time.Now())
		require.NoError(t, err)
		_, after, within2 := s.Scraping()
		assert.InDelta(t, 3*time.Second, after-before, float64(2*time.Millisecond+within+within2))
		assert.Zero(t, s.Collapsed(), "one series a GPU")
	})
}
