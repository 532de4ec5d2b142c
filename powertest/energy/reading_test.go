package energy_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wrapping is a source of counters of 400 W that start over at 2000 J, every 5 s, and
// are unwrapped by what was read before.
type wrapping struct {
	devices []energy.Device
	start   time.Time
	last    []float64
	sum     []float64
	read    []time.Time
	longest time.Duration // between two reads of a device
	reads   int           // of devices
}

const (
	wrapWatts  = 400.0
	wrapJoules = 2000.0
)

func newWrapping(n int, period, within time.Duration) *wrapping {
	w := &wrapping{start: time.Now(), last: make([]float64, n), sum: make([]float64, n), read: make([]time.Time, n)}
	for i := range n {
		w.devices = append(w.devices, energy.Device{
			UUID: fmt.Sprintf("WRAP-%d", i), Index: i, Method: energy.Counter, Period: period, ReadWithin: within,
		})
	}
	return w
}

func (w *wrapping) Info() energy.Info        { return energy.Info{Name: "wrapping", Simulated: true} }
func (w *wrapping) Devices() []energy.Device { return w.devices }
func (w *wrapping) Close() error             { return nil }

func (w *wrapping) Read(dst []energy.Reading) {
	for i := range dst {
		r := &dst[i]
		k := r.Device
		now := time.Now()
		if !w.read[k].IsZero() {
			w.longest = max(w.longest, now.Sub(w.read[k]))
		}
		w.read[k] = now
		w.reads++
		phase := w.devices[k].Period * time.Duration(k) / time.Duration(len(w.devices))
		tick := (now.Sub(w.start) + phase).Truncate(w.devices[k].Period)
		raw := math.Mod(wrapWatts*tick.Seconds(), wrapJoules)
		w.sum[k] += math.Mod(raw-w.last[k]+wrapJoules, wrapJoules)
		w.last[k] = raw
		*r = energy.Reading{Device: k, Before: now, After: now, Joules: w.sum[k], HasJoules: true}
	}
}

// TestReadWithin: counters that wrap are read in time, also where ticks are passed
// over for there are many devices, and no more often than that needs.
func TestReadWithin(t *testing.T) {
	const length, within = 3 * time.Minute, 3 * time.Second
	for _, n := range []int{1, 300} {
		if testing.Short() {
			n = min(n, 30)
		}
		synctest.Test(t, func(t *testing.T) {
			freely := newWrapping(n, time.Second, 0)
			_ = measureWrapping(t, freely, length)

			w := newWrapping(n, time.Second, within)
			m := measureWrapping(t, w, length)
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.InEpsilon(t, wrapWatts*length.Seconds()*float64(n), m.Energy.Joules, 0.01)
			assert.LessOrEqual(t, w.longest, within)
			needed := float64(n) * length.Seconds() / within.Seconds()
			assert.LessOrEqual(t, float64(w.reads-freely.reads), 1.2*needed, "%d devices", n)
		})
	}
}

func measureWrapping(t *testing.T, w *wrapping, length time.Duration) energy.Measurement {
	window := energy.NewRecorder(w).Open()
	require.NoError(t, window.WaitTicks(t.Context(), 2))
	window.Resume()
	time.Sleep(length)
	return window.Measure(t.Context())
}

// TestReadWithinKeepWarm: the same while nothing is measured yet.
func TestReadWithinKeepWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWrapping(300, time.Second, 3*time.Second)
		r := energy.NewRecorder(w)
		warm := r.KeepWarm()
		time.Sleep(2 * time.Minute)
		warm.Cancel()
		assert.LessOrEqual(t, w.longest, 3*time.Second)
		assert.InDelta(t, wrapWatts*119.5, w.sum[0], wrapWatts*4)
	})
}

// TestReadWithinAPeriod: ticks that are further apart than the reads may be.
func TestReadWithinAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWrapping(1, 4*time.Second, 1500*time.Millisecond)
		m := measureWrapping(t, w, 2*time.Minute)
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, wrapWatts*120, m.Energy.Joules, 0.02)
		assert.LessOrEqual(t, w.longest, 1500*time.Millisecond)
	})
}
