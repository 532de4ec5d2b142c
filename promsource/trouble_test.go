package promsource

import (
	"math"
	"net/http"
	"net/url"
	"strings"
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

// A counter that is young when it is reset, into a series with other labels, is
// not taken for a replica that is a little behind.
func TestResetIntoNewSeries(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		loaded := time.Now().Add(2 * time.Minute)
		reset := loaded.Add(280 * time.Second)
		since := func(from, at time.Time) float64 { return 1000 * (w.joules(at) - w.joules(from)) }
		old, young := w.series[0], w.add(0, energyName, map[string]string{"pod": "next"})
		old.every, young.every = 15*time.Second, 15*time.Second
		old.value = func(at time.Time) (float64, bool) {
			return since(loaded, at), !at.Before(loaded) && !at.After(reset)
		}
		young.value = func(at time.Time) (float64, bool) { return since(reset, at), at.After(reset) }
		time.Sleep(200 * time.Second)
		s := w.open(t)
		time.Sleep(100 * time.Second)
		start := time.Now()
		time.Sleep(700 * time.Second)
		m := measured(t, s, energy.Span{Start: start, End: time.Now()})
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}

// A host that goes down just inside of the window, and comes back with its
// counter at 0, has been reset also if the counter is higher then than it was at
// the start.
func TestResetInAnOutage(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		start := time.Now().Add(time.Minute)
		loaded, reset := start.Add(-30*time.Second), start.Add(40*time.Second)
		w.series[0].value = func(at time.Time) (float64, bool) {
			down := at.Before(loaded) || at.After(start.Add(8*time.Second)) && at.Before(start.Add(68*time.Second))
			from := loaded
			if !at.Before(reset) {
				from = reset
			}
			return 1000 * (w.joules(at) - w.joules(from)), !down
		}
		time.Sleep(time.Minute)
		s := w.open(t)
		time.Sleep(5 * time.Minute)
		m := measured(t, s, energy.Span{Start: start, End: time.Now()})
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}

// A series without samples, such as a histogram, is nothing to us.
func TestHistogram(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		s := w.open(t)
		w.before = func(_ *http.Request, form url.Values) *http.Response {
			if !strings.HasPrefix(form.Get("query"), "resets(") {
				return nil
			}
			return w.respond(http.StatusOK, []byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"UUID":"`+
				w.uuid(0)+`"},"histogram":[1435781451.781,{"count":"1","sum":"1"}]}]}}`))
		}
		time.Sleep(2 * time.Minute)
		end := time.Now().Add(-10 * time.Second)
		m := measured(t, s, energy.Span{Start: end.Add(-70 * time.Second), End: end})
		assert.True(t, m.Valid, "%v", m.Reasons)
	})
}
