package energy_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// A gauge shows its last refresh: its lag must not bias the joules.
func TestGaugeThatHolds(t *testing.T) {
	inside, n, bias := 0.0, 0.0, 0.0
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{Gauge: simsource.OnlyGauge, Noise: 0.02, Seed: seed + 1})
			var truth float64
			m := measure(t, sim, func() {
				done := sim.Busy()
				time.Sleep(5*time.Second + time.Duration(seed)*7*time.Millisecond)
				done()
			})
			require.True(t, m.Valid, "%v", m.Reasons)
			truth = sim.TrueJoules(m.Start, m.End)
			n++
			bias += (m.Energy.Joules - truth) / truth
			if m.Energy.Low <= truth && truth <= m.Energy.High {
				inside++
			}
		})
	}
	// Where the window begins just after a refresh, as here, the step up looks
	// like a ramp of one period.
	assert.InDelta(t, 0, bias/n, 0.012, "mean error")
	assert.GreaterOrEqual(t, inside/n, 0.95)
}

func TestLongGaugeWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Gauge: simsource.OnlyGauge})
		m := measure(t, sim, func() {
			done := sim.Busy()
			time.Sleep(40 * time.Minute)
			done()
		})
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 700*2400, m.Energy.Joules, 0.02)
	})
}

// Half an hour of phases of one second each: the ticks under their edges are
// still there, or there is no number.
func TestLongWindowWithPauses(t *testing.T) {
	for _, period := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{Period: period, History: 1 << 16})
			r := energy.NewRecorder(sim)
			w := r.Open()
			require.NoError(t, w.WaitTicks(t.Context(), 2))
			var truth float64
			for range 400 {
				s := time.Now()
				w.Resume()
				done := sim.Busy()
				time.Sleep(time.Second)
				w.Pause()
				truth += sim.TrueJoules(s, time.Now())
				done()
				done = sim.BusyLoad(0.4)
				time.Sleep(1100 * time.Millisecond)
				done()
			}
			m := w.Measure(t.Context())
			if m.Valid {
				assert.LessOrEqual(t, m.Energy.Low, truth)
				assert.GreaterOrEqual(t, m.Energy.High, truth)
			} else {
				assert.True(t, m.Has(energy.SamplingGapExceeded), "%v", m.Reasons)
			}
		})
	}
}

func TestNoDevices(t *testing.T) {
	m := energy.NewRecorder(none{}).Open().Measure(t.Context())
	assert.False(t, m.Valid)
	assert.True(t, m.Has(energy.ExpectedGPUCountMismatch), "%v", m.Reasons)
}

// none is a source without devices.
type none struct{}

func (none) Info() energy.Info        { return energy.Info{Name: "none"} }
func (none) Devices() []energy.Device { return nil }
func (none) Read([]energy.Reading)    {}
func (none) Close() error             { return nil }

// jealous is a source that is used by one goroutine at a time, and says so. Its
// Read hangs until released.
type jealous struct {
	*simsource.Source
	mu   sync.Mutex
	hang chan struct{}
	t    *testing.T
}

func (j *jealous) Read(dst []energy.Reading) {
	if !j.mu.TryLock() {
		j.t.Error("Read while another call is under way")
		return
	}
	defer j.mu.Unlock()
	if j.hang != nil {
		<-j.hang
	}
	j.Source.Read(dst)
}

func (j *jealous) Inspect(dst []energy.State) {
	if !j.mu.TryLock() {
		j.t.Error("Inspect while another call is under way")
		return
	}
	defer j.mu.Unlock()
	time.Sleep(60 * time.Millisecond)
	j.Source.Inspect(dst)
}

func TestOneCallAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := energy.NewRecorder(&jealous{Source: exact(1), t: t})
		outer := r.Open()
		require.NoError(t, outer.WaitTicks(t.Context(), 2))
		outer.Resume()
		for range 3 {
			w := r.Open()
			w.Resume()
			time.Sleep(time.Second)
			assert.True(t, w.Measure(t.Context()).Valid)
		}
		assert.True(t, outer.Measure(t.Context()).Valid)
	})
}

func TestHangWhileInspecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &jealous{Source: exact(1), t: t, hang: make(chan struct{})}
		r := energy.NewRecorder(j)
		w := r.Open()
		w.Resume()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		m := w.Measure(ctx)
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.Less(t, time.Since(start), 5*time.Second)
		close(j.hang)
		time.Sleep(time.Second)
	})
}
