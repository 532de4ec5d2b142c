package promsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// What a user does: windows on a recorder, one in the other and one after the
// other.
func TestWindows(t *testing.T) {
	bubble(t, 3, func(t *testing.T, w *world) {
		r := energy.NewRecorder(w.open(t))
		time.Sleep(10 * time.Second)
		for range 2 {
			outer := r.Open()
			require.NoError(t, outer.WaitTicks(t.Context(), 2))
			outer.Resume()
			w.load(700)
			time.Sleep(10 * time.Second)
			inner := outer.Sub()
			inner.Resume()
			time.Sleep(10 * time.Second)
			inner.Pause()
			time.Sleep(10*time.Second + 400*time.Millisecond)
			w.load(100)
			m := outer.Measure(t.Context())
			w.right(t, m)
			assert.Equal(t, 30*time.Second+400*time.Millisecond, m.Duration)
			assert.Less(t, m.Waited, 6*time.Second)
			assert.Equal(t, "prometheus", m.Source.Name)
			w.right(t, inner.Measure(t.Context()))
		}
	})
}
