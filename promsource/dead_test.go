package promsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A target that is dead, and counters at 0, are not waited for.
func TestDeadIsNotWaitedFor(t *testing.T) {
	bubble(t, 2, func(t *testing.T, w *world) {
		for _, s := range w.series {
			s.value = func(time.Time) (float64, bool) { return 0, true }
		}
		s := w.open(t)
		for range 2 {
			span := w.work(10 * time.Second)
			m := measured(t, s, span)
			assert.False(t, m.Valid)
			assert.NotEmpty(t, m.Reasons)
			assert.Less(t, time.Since(span.End), 5*time.Second, "at 0")
		}
	})
	bubble(t, 2, func(t *testing.T, w *world) {
		s := w.open(t)
		w.right(t, measured(t, s, w.work(20*time.Second)))
		w.gone(0, 1)
		time.Sleep(time.Minute)
		span := w.work(10 * time.Second)
		m := measured(t, s, span)
		require.False(t, m.Valid)
		assert.Less(t, time.Since(span.End), 2*time.Second, "gone")
	})
}
