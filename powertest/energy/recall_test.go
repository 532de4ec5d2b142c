package energy_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// memory is a source that knows the past of a simulation, in samples of every
// second. Its Read must not be called.
type memory struct {
	*simsource.Source
	began time.Time
	asked []energy.Span
	waits time.Duration
	found []energy.Finding
	err   error
}

func newMemory(gpus int) *memory { return &memory{Source: exact(gpus), began: time.Now()} }

func (m *memory) Info() energy.Info {
	return energy.Info{Name: "memory", Period: time.Second}
}

func (m *memory) Read([]energy.Reading) { panic("a source that knows the past is not read") }

func (m *memory) ReadRange(_ context.Context, spans []energy.Span, curves []*energy.History) ([]energy.Finding, error) {
	m.asked = spans
	time.Sleep(m.waits)
	for i, c := range curves {
		for t := m.began; t.Before(time.Now()); t = t.Add(time.Second) {
			c.Add(energy.Reading{Before: t, After: t, HasJoules: true, Joules: 1e6 + m.TrueJoules(m.began, t, i)})
		}
	}
	return m.found, m.err
}

func TestRecall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory(2)
		src.waits = 3 * time.Second
		time.Sleep(10*time.Second + 300*time.Millisecond)
		r := energy.NewRecorder(src)
		w := r.Open()
		opened := time.Now()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		assert.Zero(t, time.Since(opened), "the past needs no waiting for")
		w.Resume()
		done := src.Busy()
		time.Sleep(20 * time.Second)
		done()
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.Equal(t, []energy.Span{{Start: m.Start, End: m.End}}, src.asked)
		assert.Equal(t, 20*time.Second, m.Duration)
		assert.Equal(t, 3*time.Second, m.Waited)
		assert.EqualValues(t, 1, r.Calls())
		truth := src.TrueJoules(m.Start, m.End)
		assert.InEpsilon(t, truth, m.Energy.Joules, 0.02)
		assert.LessOrEqual(t, m.Energy.Low, truth)
		assert.GreaterOrEqual(t, m.Energy.High, truth)
		assert.InDelta(t, time.Second, m.Devices[0].Period, 1e6)
		require.True(t, m.HasBefore)
		assert.InEpsilon(t, 200, m.BeforeWatts, 0.01)
	})
}

func TestRecallOfPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory(1)
		src.waits = 4 * time.Second
		time.Sleep(10 * time.Second)
		w := energy.NewRecorder(src).Open()
		for range 3 {
			w.Resume()
			done := src.Busy()
			time.Sleep(10 * time.Second)
			done()
			w.Pause()
			time.Sleep(10 * time.Second)
		}
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.Len(t, src.asked, 3)
		assert.Equal(t, 30*time.Second, m.Duration)
		assert.LessOrEqual(t, m.Energy.Low, 21000.0)
		assert.GreaterOrEqual(t, m.Energy.High, 21000.0)
		assert.InEpsilon(t, 21000, m.Energy.Joules, 0.05)
	})
}

func TestRecallFails(t *testing.T) {
	window := func(t *testing.T, src *memory) energy.Measurement {
		src.waits = 4 * time.Second
		time.Sleep(10 * time.Second)
		w := energy.NewRecorder(src).Open()
		w.Resume()
		time.Sleep(20 * time.Second)
		return w.Measure(t.Context())
	}
	synctest.Test(t, func(t *testing.T) {
		src := newMemory(2)
		src.err = errors.New("connection refused")
		m := window(t, src)
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
		assert.Contains(t, fmt.Sprint(m.Reasons), "connection refused")

		src = newMemory(2)
		src.found = []energy.Finding{{Reason: energy.ExpectedGPUCountMismatch, Detail: "one more"}}
		m = window(t, src)
		assert.False(t, m.Valid)
		assert.True(t, m.Devices[0].Valid, "each device has its number, but the sum would lack one")

		src = newMemory(2)
		src.found = []energy.Finding{{Reason: energy.CounterReset, Device: src.Devices()[1].UUID}}
		m = window(t, src)
		assert.False(t, m.Valid)
		assert.True(t, m.Devices[0].Valid)
		assert.False(t, m.Devices[1].Valid)

		src = newMemory(2)
		src.found = []energy.Finding{{Reason: energy.SharedGPU, Device: src.Devices()[1].UUID}}
		m = window(t, src)
		assert.True(t, m.Valid, "a mark withholds nothing: %v", m.Reasons)
		assert.True(t, m.Devices[1].Has(energy.SharedGPU))
	})
}
