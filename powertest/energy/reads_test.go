package energy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wandering is a source of counters behind a driver that serves one read after the other.
// The devices draw 300 W each.
type wandering struct {
	devices []energy.Device
	call    time.Duration
	// walk is the jitter of the time from tick to tick, which adds up, and about that of
	// the distance from regular times, in periods.
	walk, about float64
	rng         *rand.Rand
	start       time.Time
	regular     []time.Duration // time of the next tick of each device, but for about
	next, shown []time.Duration
	reads       []time.Duration // when devices were read
}

func newWandering(n int, period, call time.Duration, walk, about float64) *wandering {
	w := &wandering{call: call, walk: walk, about: about, rng: rand.New(rand.NewPCG(uint64(n), uint64(period))), start: time.Now()}
	for i := range n {
		w.devices = append(w.devices, energy.Device{UUID: fmt.Sprintf("W-%d", i), Index: i, Method: energy.Counter, Period: period, PowerLimit: 700})
		w.regular = append(w.regular, time.Duration(w.rng.Float64()*float64(period)))
	}
	w.shown, w.next = make([]time.Duration, n), append([]time.Duration(nil), w.regular...)
	return w
}

func (w *wandering) Info() energy.Info        { return energy.Info{Name: "wandering", Simulated: true} }
func (w *wandering) Devices() []energy.Device { return w.devices }
func (w *wandering) Close() error             { return nil }

func (w *wandering) Read(dst []energy.Reading) {
	for i := range dst {
		r := &dst[i]
		k := r.Device
		before := time.Now()
		time.Sleep(w.call)
		now, period := time.Since(w.start), float64(w.devices[k].Period)
		for w.next[k] <= now {
			w.shown[k] = w.next[k]
			w.regular[k] += time.Duration(period * max(1+w.walk*w.rng.NormFloat64(), 0.2))
			w.next[k] = max(w.regular[k]+time.Duration(period*w.about*w.rng.NormFloat64()), w.shown[k]+time.Millisecond)
		}
		w.reads = append(w.reads, now)
		*r = energy.Reading{Device: k, Before: before, After: time.Now(), Joules: 300 * w.shown[k].Seconds(), HasJoules: true}
	}
}

// between returns how often devices were read from one time to another since the start.
func (w *wandering) between(from, to time.Duration) (n float64) {
	for _, at := range w.reads {
		if from <= at && at < to {
			n++
		}
	}
	return n
}

// TestReads: how often devices are read at the edges of a window and between, and for how
// much of the time that occupies the driver, whether the counters keep to a clock or not.
func TestReads(t *testing.T) {
	const quick, slow = 50 * time.Microsecond, time.Millisecond
	for _, c := range []struct {
		devices      int
		period, call time.Duration
		walk, about  float64
		every        bool
	}{
		{8, 100e6, quick, 0.02, 0, false},
		{8, 100e6, quick, 0, 0.02, false},
		{8, 100e6, quick, 0.02, 0, true},
		{8, 100e6, slow, 0.02, 0, false},
		{8, 100e6, slow, 0, 0.02, true},
		{8, 100e6, slow, 0.02, 0, true},
		{8, 20e6, slow, 0.02, 0, false},
		{8, 20e6, slow, 0.02, 0, true},
		{8, 100e6, quick, 0, 0, false},
		{8, 100e6, quick, 0.04, 0, false},
		{8, 100e6, quick, 0.08, 0, false},
		{8, 100e6, quick, 0, 0.08, false},
		{8, 10e6, quick, 0.04, 0, false},
		{8, 100e6, slow, 0.08, 0, true},
		{1, 100e6, quick, 0.01, 0, false},
		{1, 100e6, quick, 0, 0.01, true},
		{1, 20e6, slow, 0.02, 0, true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				testReads(t, newWandering(c.devices, c.period, c.call, c.walk, c.about), c.every)
			})
		})
	}
}

func testReads(t *testing.T, w *wandering, every bool) {
	const length = 10 * time.Second
	n, period := float64(len(w.devices)), w.devices[0].Period
	rec := energy.NewRecorder(w)
	window := rec.Open()
	_ = window.WaitTicks(t.Context(), 3)
	if every {
		window.EveryTick()
	}
	time.Sleep(10 * period)
	begin := time.Since(w.start)
	window.Resume()
	time.Sleep(length)
	end := time.Since(w.start)
	stride := rec.CallStats()[0].Stride
	m := window.Measure(t.Context())
	over := time.Since(w.start)
	time.Sleep(time.Minute) // until the last read has come back

	// An edge is over when its ticks have come, or are not waited for any more.
	edge := 4*period + 20*w.call*time.Duration(n)
	between := w.between(begin+edge, end) / (length - edge).Seconds()
	first, last := w.between(begin, begin+edge)/n, w.between(end, over+time.Hour)/n
	driver := w.between(begin, end) * w.call.Seconds() / length.Seconds() * 100
	second := w.between(begin, begin+time.Second) * w.call.Seconds() * 100
	perTick := between / n * period.Seconds()
	t.Logf("%.1f reads at the start, %.1f a second between (%.2f a tick), %.1f at the end; driver %.2f %%, in the first second %.2f %%; stride %d, ±%.2f %%",
		first, between, perTick, last, driver, second, stride, m.Energy.ErrPercent())
	assert.True(t, m.Valid, "%v", m.Reasons)
	assert.LessOrEqual(t, m.Energy.Low, 300*n*length.Seconds())
	assert.GreaterOrEqual(t, m.Energy.High, 300*n*length.Seconds())
	assert.LessOrEqual(t, driver, 3.0)
	assert.LessOrEqual(t, second, 3.0)
	if every {
		assert.LessOrEqual(t, perTick, 2.0)
		assert.Equal(t, perTick < 1.5, stride > 1, "it says where ticks are passed over")
	} else {
		assert.LessOrEqual(t, first, 12.0)
		assert.LessOrEqual(t, last, 12.0)
		assert.LessOrEqual(t, between, 20.0)
	}
}
