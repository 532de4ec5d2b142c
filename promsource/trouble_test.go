package promsource

import (
	"math"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// What goes wrong during a window of a minute withholds the number, with a reason
// that says what it was.
func TestWithholds(t *testing.T) {
	tests := map[string]struct {
		// wrong happens some seconds into the window.
		wrong  func(w *world)
		after  time.Duration
		reason energy.Reason
	}{
		"reset between the edges": {func(w *world) { w.series[1].shift(-1e9) }, 30 * time.Second, energy.CounterReset},
		"reset at the start":      {func(w *world) { w.series[1].shift(-1e9) }, 300 * time.Millisecond, energy.CounterReset},
		"reset at the end":        {func(w *world) { w.series[1].shift(-1e9) }, 59 * time.Second, energy.CounterReset},
		"reset with a new series": {func(w *world) { w.series[1].move("pod", "b", -1e9, w) }, 30 * time.Second, energy.CounterReset},
		"GPU is gone":             {func(w *world) { w.series[1].end() }, 30 * time.Second, energy.BenchmarkWindowNotBracketed},
		"GPU is gone at once":     {func(w *world) { w.series[1].end() }, 0, energy.BenchmarkWindowNotBracketed},
		"GPU is new":              {func(w *world) { w.add(4, energyName, nil) }, 30 * time.Second, energy.ExpectedGPUCountMismatch},
		"server's clock is set":   {func(w *world) { w.skew = 3 * time.Second }, 30 * time.Second, energy.ClockStep},
		"exporter is frozen":      {func(w *world) { w.series[1].freeze() }, 30 * time.Second, energy.CounterStale},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(4)
				s := w.open(t)
				go func() {
					time.Sleep(10*time.Second + 130*time.Millisecond + test.after)
					w.mu.Lock()
					defer w.mu.Unlock()
					test.wrong(w)
				}()
				m := recorded(t, s, w, time.Minute)
				assert.False(t, m.Valid)
				assert.True(t, m.Has(test.reason), "%v", m.Reasons)
				assert.Zero(t, m.Energy)
			})
		})
	}
}

// recorded measures a window of a recorder, which takes in findings and errors.
func recorded(t *testing.T, s *Source, w *world, d time.Duration) energy.Measurement {
	t.Helper()
	time.Sleep(10*time.Second + 130*time.Millisecond)
	w.load(700)
	window := energy.NewRecorder(s).Open()
	window.Resume()
	time.Sleep(d)
	window.Pause()
	w.load(100)
	return window.Measure(t.Context())
}

// shift adds to the counter from now on, in mJ.
func (s *series) shift(by float64) {
	was, now := s.value, time.Now()
	s.value = func(t time.Time) (float64, bool) {
		v, ok := was(t)
		if t.After(now) {
			v += by
		}
		return v, ok
	}
}

// end makes the series have no samples from now on.
func (s *series) end() {
	was, now := s.value, time.Now()
	s.value = func(t time.Time) (float64, bool) {
		v, ok := was(t)
		return v, ok && !t.After(now)
	}
}

// freeze makes the counter stand still from now on.
func (s *series) freeze() {
	was, now := s.value, time.Now()
	s.value = func(t time.Time) (float64, bool) {
		if t.After(now) {
			t = now
		}
		return was(t)
	}
}

// move makes the series go on as another one, with another label, and as much
// more or less.
func (s *series) move(label, value string, by float64, w *world) {
	was, now := s.value, time.Now()
	next := *s
	next.labels = map[string]string{label: value}
	for k, v := range s.labels {
		if k != label {
			next.labels[k] = v
		}
	}
	next.value = func(t time.Time) (float64, bool) {
		v, ok := was(t)
		return v + by, ok && t.After(now)
	}
	w.series = append(w.series, &next)
	s.end()
}

// What looks like trouble and is none leaves the number.
func TestKeeps(t *testing.T) {
	tests := map[string]func(w *world){
		"a pod ends":            func(w *world) { w.series[1].move("pod", "b", 0, w) },
		"target is down":        func(w *world) { w.series[1].pause(6 * time.Second) },
		"another GPU":           func(w *world) { w.add(9, energyName, nil).labels["job"] = "other" },
		"server's clock drifts": func(w *world) { w.skew = 20 * time.Millisecond },
		"values that are none":  func(w *world) { w.series[1].spoil() },
		"server fails for a moment": func(w *world) {
			until := time.Now().Add(31 * time.Second)
			w.before = func(*http.Request, url.Values) *http.Response {
				if time.Now().Before(until) {
					return w.respond(http.StatusServiceUnavailable, []byte("no"))
				}
				return nil
			}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(4)
				cfg := w.config()
				cfg.Selector = `{job="dcgm"}`
				s, err := Open(cfg)
				require.NoError(t, err)
				defer s.Close()
				go func() {
					time.Sleep(40 * time.Second)
					w.mu.Lock()
					defer w.mu.Unlock()
					change(w)
				}()
				w.right(t, recorded(t, s, w, time.Minute))
			})
		})
	}
}

// pause makes the target be down for a while.
func (s *series) pause(d time.Duration) {
	was, now := s.value, time.Now()
	s.value = func(t time.Time) (float64, bool) {
		v, ok := was(t)
		return v, ok && (t.Before(now) || t.After(now.Add(d)))
	}
}

// spoil puts values between the others that are none.
func (s *series) spoil() {
	was := s.value
	s.value = func(t time.Time) (float64, bool) {
		v, ok := was(t)
		if n := t.Unix(); n%5 == 2 {
			v = []float64{math.NaN(), math.Inf(1), 9223372036854775794}[n%3]
		}
		return v, ok
	}
}
