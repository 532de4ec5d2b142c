package main

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A lamp is a load on a simulation, which begins a while after it was started.
type lamp struct {
	source *simsource.Source
	after  time.Duration // until it begins
	for_   time.Duration // until it ends by itself; 0 means never
	deaf   bool          // goes on while it is paused
	broken error         // of pausing

	mu   sync.Mutex
	off  func()
	done chan struct{}
	gone bool
}

// light returns a starter that starts the lamp.
func (l *lamp) light(string, io.Writer) (running, error) {
	l.done = make(chan struct{})
	time.AfterFunc(l.after, func() { _ = l.Resume() })
	if l.for_ > 0 {
		time.AfterFunc(l.for_, l.End)
	}
	return l, nil
}

func (l *lamp) Pause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off != nil && !l.deaf && l.broken == nil {
		l.off()
		l.off = nil
	}
	return l.broken
}

func (l *lamp) Resume() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off == nil && !l.gone {
		l.off = l.source.Busy()
	}
	return nil
}

func (l *lamp) Done() <-chan struct{} { return l.done }

func (l *lamp) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return
	}
	l.gone = true
	if l.off != nil {
		l.off()
		l.off = nil
	}
	close(l.done)
}

// seeLoad runs doctor with a lamp on what admit makes.
func seeLoad(t *testing.T, l *lamp, admit func() *patient) *visit {
	t.Helper()
	return seeWith(t, l.light, func() (energy.Source, error) {
		p := admit()
		l.source = p.Source
		return p, nil
	}, "-load", "lamp")
}

// TestDoctorLoad: of a counter that integrates, and of power that follows at once.
func TestDoctorLoad(t *testing.T) {
	v := seeLoad(t, &lamp{after: 3 * time.Second}, healthy(exact))
	require.Equal(t, exitOK, v.code, v.Verdict)
	require.Empty(t, v.Load.Notes)
	assert.Less(t, v.took, time.Minute)
	for _, g := range v.Load.GPUs {
		assert.InDelta(t, 700, float64(*g.Watts), 1e-3)
		assert.InDelta(t, 100, float64(*g.PausedWatts), 1e-3)
		assert.InDelta(t, 3*time.Second, *g.Started, float64(150*time.Millisecond))
		assert.InDelta(t, 0, *g.Rise, float64(2*time.Millisecond), "ticks are seen to a millisecond")
		assert.InDelta(t, 0, *g.Fall, float64(2*time.Millisecond))
		assert.Nil(t, g.Tail)
		assert.InDelta(t, 1, float64(*g.Coverage), 0.03)
		assert.Less(t, float64(*g.Modulation), 0.2)
		assert.Equal(t, ptr(true), g.Integrates)
	}
	assert.InDelta(t, 100, float64(*v.GPUs[0].Watts), 1e-3, "the idle power is that before the load")
	assert.Contains(t, v.text, "all of the time")
}

// TestDoctorLoadTail: a ramp and a tail are found as what the counter lags behind by.
func TestDoctorLoadTail(t *testing.T) {
	cfg := exact
	cfg.Ramp, cfg.Tail = 20*time.Millisecond, 150*time.Millisecond
	v := seeLoad(t, &lamp{}, healthy(cfg))
	for _, g := range v.Load.GPUs {
		assert.InDelta(t, 20*time.Millisecond, *g.Rise, float64(3*time.Millisecond))
		assert.InDelta(t, 150*time.Millisecond, *g.Fall, float64(5*time.Millisecond))
		require.NotNil(t, g.Tail)
		assert.InDelta(t, 150*time.Millisecond, *g.Tail, float64(10*time.Millisecond))
		assert.Nil(t, g.Coverage)
		assert.Nil(t, g.Modulation)
		assert.Nil(t, g.Integrates)
	}
}

// sampling makes a patient whose counters add up the power of a quarter of each
// refresh period, as if it were that of all of it. What they show is late by as much.
func sampling(delay time.Duration) func() *patient {
	return func() *patient {
		const period = 100 * time.Millisecond
		p := healthy(exact)()
		began, shown, next := time.Now(), make([]float64, 2), make([]int, 2)
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				d := dst[i].Device
				for k := next[d]; ; k++ {
					end := began.Add(time.Duration(k+1) * period)
					if time.Now().Before(end.Add(delay)) {
						next[d] = k
						break
					}
					shown[d] += 4 * p.TrueJoules(end.Add(-period/4), end, d)
				}
				dst[i].Joules = shown[d]
			}
		}
		return p
	}
}

// TestDoctorLoadSampled: a counter that samples is found out by the square wave, and
// one that is late by its lag on both sides.
func TestDoctorLoadSampled(t *testing.T) {
	v := seeLoad(t, &lamp{}, sampling(30*time.Millisecond))
	g := v.Load.GPUs[0]
	require.NotNil(t, g.Modulation, v.text)
	assert.Nil(t, g.Coverage, "its lag is as long as a pulse")
	assert.Greater(t, float64(*g.Modulation), 2.0)
	assert.Equal(t, ptr(false), g.Integrates)
	assert.Contains(t, v.text, "a part of the time")
}

// TestDoctorLoadDeaf: what can't be measured has no number, and a note.
func TestDoctorLoadDeaf(t *testing.T) {
	slow := exact
	slow.Period = time.Second
	gauge := exact
	gauge.Gauge, gauge.Noise = simsource.OnlyGauge, 0.01
	for name, c := range map[string]struct {
		lamp  *lamp
		admit func() *patient
		note  string
		watts bool
	}{
		"goes on":        {&lamp{deaf: true}, healthy(exact), "its work goes on without it", true},
		"no such signal": {&lamp{broken: errors.ErrUnsupported}, healthy(exact), "the load can't be stopped and continued here: unsupported operation", true},
		"ends":           {&lamp{for_: 7 * time.Second}, healthy(exact), "the command ended by itself after ", true},
		"never begins":   {&lamp{after: 10 * time.Minute}, healthy(exact), "does the command use these GPUs?", false},
		"slow counter":   {&lamp{}, healthy(slow), "that needs a counter that is refreshed every 300ms", true},
		"gauge":          {&lamp{}, healthy(gauge), "a gauge of power does not integrate", true},
	} {
		t.Run(name, func(t *testing.T) {
			v := seeLoad(t, c.lamp, c.admit)
			assert.Equal(t, exitOK, v.code, "a load that does not work says nothing against the source")
			require.NotEmpty(t, v.Load.Notes)
			assert.Contains(t, v.Load.Notes[0], c.note)
			for _, g := range v.Load.GPUs {
				assert.Equal(t, c.watts, g.Watts != nil)
				assert.Nil(t, g.Coverage)
				assert.Nil(t, g.Integrates)
			}
			assert.True(t, c.lamp.gone, "the load is ended whatever happens")
		})
	}
	v := seeWith(t, func(string, io.Writer) (running, error) { return nil, errors.New("no shell") },
		func() (energy.Source, error) { return healthy(exact)(), nil }, "-load", "lamp")
	assert.Equal(t, []string{"-load: the command could not be started: no shell"}, v.Load.Notes)
}
