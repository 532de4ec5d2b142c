package doctor

import (
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A testLoad is a load on a simulation, which begins a while after it was started.
type testLoad struct {
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

// start is the starter.
func (l *testLoad) start(string, io.Writer) (running, error) {
	l.done = make(chan struct{})
	time.AfterFunc(l.after, func() { _ = l.Resume() })
	if l.for_ > 0 {
		time.AfterFunc(l.for_, l.End)
	}
	return l, nil
}

func (l *testLoad) Pause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off != nil && !l.deaf && l.broken == nil {
		l.off()
		l.off = nil
	}
	return l.broken
}

func (l *testLoad) Resume() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off == nil && !l.gone {
		l.off = l.source.Busy()
	}
	return nil
}

func (l *testLoad) Done() <-chan struct{} { return l.done }

func (l *testLoad) End() {
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

// examineLoad examines what open makes, with a load.
func examineLoad(t *testing.T, l *testLoad, open func() *testSource) *examined {
	t.Helper()
	return examine(t, func() *testSource {
		s := open()
		l.source = s.Source
		return s
	}, Options{Load: "load", start: l.start})
}

// TestLoad: of a counter that integrates, and of power that follows at once.
func TestLoad(t *testing.T) {
	t.Parallel()
	v := examineLoad(t, &testLoad{after: 3 * time.Second}, healthy(exact))
	require.True(t, v.Measurable, v.Verdict)
	require.Empty(t, v.Load.Notes)
	assert.Less(t, v.took, time.Minute)
	for _, g := range v.Load.GPUs {
		assert.InEpsilon(t, 700, *g.Watts, 0.001, "two ticks are seen to a millisecond, a second apart")
		assert.InEpsilon(t, 100, *g.PausedWatts, 0.001)
		assert.InDelta(t, 3*time.Second, *g.Started, float64(150*time.Millisecond))
		assert.InDelta(t, 0, *g.Rise, float64(2*time.Millisecond), "ticks are seen to a millisecond")
		assert.InDelta(t, 0, *g.Fall, float64(2*time.Millisecond))
		assert.Nil(t, g.Tail)
		assert.InDelta(t, 1, *g.Coverage, 0.05, "as well as the lags are known")
		assert.Less(t, *g.Modulation, 0.2)
		assert.Equal(t, ptr(true), g.Integrates)
	}
	assert.InDelta(t, 100, *v.GPUs[0].Watts, 0.1, "the idle power is that before the load")
	assert.Contains(t, v.text, "all of the time")
}

// TestLoadSlowCalls: calls that take as long as on an H100, and now and then far longer, let
// some ticks be seen late. What the counter does is not told by those.
func TestLoadSlowCalls(t *testing.T) {
	t.Parallel()
	v := examineLoad(t, &testLoad{}, func() *testSource {
		r, one := rand.New(rand.NewPCG(1, 1)), exact
		one.GPUs, one.Latency = 1, -1
		s := healthy(one)()
		s.read = func(dst []energy.Reading) {
			began, took := time.Now(), 3.1e6*(0.85+0.4*r.Float64())
			if r.Float64() < 0.08 {
				took *= 2 + 3*r.Float64()
			}
			until := r.Float64() // it has the value
			time.Sleep(time.Duration(until * took))
			s.Source.Read(dst)
			time.Sleep(time.Duration((1 - until) * took))
			for i := range dst {
				dst[i].Before, dst[i].After = began, time.Now()
			}
		}
		return s
	})
	for _, g := range v.Load.GPUs {
		assert.InDelta(t, 0, *g.Rise, float64(6*time.Millisecond))
		assert.InDelta(t, 0, *g.Fall, float64(6*time.Millisecond))
		require.NotNil(t, g.Modulation)
		assert.Less(t, *g.Modulation, 0.4)
		assert.Equal(t, ptr(true), g.Integrates)
	}
}

// TestLoadTail: a ramp and a tail are found as what the counter lags behind by.
func TestLoadTail(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Ramp, cfg.Tail = 20*time.Millisecond, 150*time.Millisecond
	v := examineLoad(t, &testLoad{}, healthy(cfg))
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

// sampling makes a source whose counters add up the power of a quarter of each
// refresh period, as if it were that of all of it. What they show is late by as much.
func sampling(delay time.Duration) func() *testSource {
	return func() *testSource {
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

// TestLoadSampled: a counter that samples is found out by the square wave, and
// one that is late by its lag on both sides.
func TestLoadSampled(t *testing.T) {
	t.Parallel()
	v := examineLoad(t, &testLoad{}, sampling(30*time.Millisecond))
	g := v.Load.GPUs[0]
	require.NotNil(t, g.Modulation, v.text)
	assert.Nil(t, g.Coverage, "its lag is as long as a pulse")
	assert.Greater(t, *g.Modulation, 2.0)
	assert.Equal(t, ptr(false), g.Integrates)
	assert.Contains(t, v.text, "a part of the time")
}

// TestLoadDeaf: what can't be measured has no number, and a note.
func TestLoadDeaf(t *testing.T) {
	slow := exact
	slow.Period = time.Second
	gauge := exact
	gauge.Gauge, gauge.Noise = simsource.OnlyGauge, 0.01
	for name, c := range map[string]struct {
		load  *testLoad
		open  func() *testSource
		note  string
		watts bool
	}{
		"goes on":        {&testLoad{deaf: true}, healthy(exact), "its work goes on without it", true},
		"no such signal": {&testLoad{broken: errors.ErrUnsupported}, healthy(exact), "the load can't be stopped and continued here: unsupported operation", true},
		"ends":           {&testLoad{for_: 7 * time.Second}, healthy(exact), "the command ended by itself after ", true},
		"never begins":   {&testLoad{after: 10 * time.Minute}, healthy(exact), "does the command use these GPUs?", false},
		"slow counter":   {&testLoad{}, healthy(slow), "that needs a counter that is refreshed every 300ms", true},
		"gauge":          {&testLoad{}, healthy(gauge), "a gauge of power does not integrate", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := examineLoad(t, c.load, c.open)
			assert.True(t, v.Measurable, "a load that does not work says nothing against the source")
			require.NotEmpty(t, v.Load.Notes)
			assert.Contains(t, v.Load.Notes[0], c.note)
			for _, g := range v.Load.GPUs {
				assert.Equal(t, c.watts, g.Watts != nil)
				assert.Nil(t, g.Coverage)
				assert.Nil(t, g.Integrates)
			}
			assert.True(t, c.load.gone, "the load is ended whatever happens")
		})
	}
	v := examine(t, healthy(exact), Options{Load: "load", start: func(string, io.Writer) (running, error) { return nil, errors.New("no shell") }})
	assert.Equal(t, []string{"-load: the command could not be started: no shell"}, v.Load.Notes)
}
