package promsource

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// work makes a window of the given length under load, after an idle time.
func (w *world) work(d time.Duration) energy.Span {
	time.Sleep(10*time.Second + 130*time.Millisecond)
	w.load(700)
	s := energy.Span{Start: time.Now()}
	time.Sleep(d)
	s.End = time.Now()
	w.load(100)
	return s
}

// right checks that the truth lies in the interval.
func (w *world) right(t *testing.T, m energy.Measurement) {
	t.Helper()
	truth := w.truth(energy.Span{Start: m.Start, End: m.End}) * float64(len(m.Devices))
	if assert.True(t, m.Valid, "%v", m.Reasons) {
		assert.LessOrEqual(t, m.Energy.Low, truth)
		assert.GreaterOrEqual(t, m.Energy.High, truth)
		assert.InEpsilon(t, truth, m.Energy.Joules, 0.05)
	}
}

// The measurement is right whatever the server is like, and waits no longer than
// it needs to.
func TestPast(t *testing.T) {
	servers := map[string]func(*world, *Config){
		"plain":                  func(*world, *Config) {},
		"clock 5 s ahead":        func(w *world, _ *Config) { w.skew = 5 * time.Second },
		"clock 5 s behind":       func(w *world, _ *Config) { w.skew = -5 * time.Second },
		"no date":                func(w *world, _ *Config) { w.noDate = true },
		"answers in a jumble":    func(w *world, _ *Config) { w.shuffled = true },
		"answers as of 30 s ago": func(w *world, _ *Config) { w.lag = 30 * time.Second },
		"POST is refused": func(w *world, _ *Config) {
			w.before = func(req *http.Request, _ url.Values) *http.Response {
				if req.Method == http.MethodPost {
					return w.respond(http.StatusMethodNotAllowed, nil)
				}
				return nil
			}
		},
		"base path, header and parameters": func(w *world, cfg *Config) {
			cfg.URL = "http://user:pass@mimir.test/prometheus"
			cfg.HTTP.Headers = map[string]Secret{"X-Scope-OrgID": "team"}
			cfg.Params = url.Values{"dedup": {"true"}}
			w.before = func(req *http.Request, form url.Values) *http.Response {
				_, password, _ := req.BasicAuth()
				if req.URL.Path != "/prometheus/api/v1/query" || req.Header.Get("X-Scope-OrgID") != "team" || form.Get("dedup") != "true" || password != "pass" {
					return w.respond(http.StatusNotFound, []byte("404 page not found"))
				}
				return nil
			}
		},
		"replicas":                  func(w *world, _ *Config) { w.replicate() },
		"collect interval is known": func(_ *world, cfg *Config) { cfg.Collect = time.Second },
	}
	for name, change := range servers {
		t.Run(name, func(t *testing.T) {
			for _, length := range []time.Duration{12 * time.Second, 60 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(4)
					cfg := w.config()
					change(w, &cfg)
					s, err := Open(cfg)
					require.NoError(t, err)
					defer s.Close()
					span := w.work(length)
					m := measured(t, s, span)
					assert.Less(t, time.Since(span.End), 5*time.Second)
					w.right(t, m)
				})
			}
		})
	}
}

// replicate makes a second replica of the server keep what it scraped: at other
// times, and a little older than its time says.
func (w *world) replicate() {
	for _, s := range slices.Clone(w.series) {
		s.labels["replica"] = "a"
		twin := *s
		twin.labels = map[string]string{}
		for k, v := range s.labels {
			twin.labels[k] = v
		}
		twin.labels["replica"] = "b"
		twin.phase += 3 * time.Millisecond
		twin.value = func(t time.Time) (float64, bool) { return s.value(t.Add(-40 * time.Millisecond)) }
		w.series = append(w.series, &twin)
	}
}

// A server that does not answer properly after the window makes an error that
// says so, and never a number.
func TestPastErrors(t *testing.T) {
	tests := map[string]struct {
		answer func(w *world) *http.Response
		is     error
		says   string
	}{
		"warnings": {func(w *world) *http.Response { w.warnings = []string{"store 3 is unavailable"}; return nil }, ErrIncomplete, "store 3"},
		"partial": {func(w *world) *http.Response {
			return w.respond(200, []byte(`{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}`))
		}, ErrIncomplete, "partially"},
		"HTML": {func(w *world) *http.Response { return w.respond(200, []byte("<html><title>Sign in</title>")) }, nil, "Sign in"},
		"truncated": {func(w *world) *http.Response {
			return w.respond(200, []byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[17000`))
		}, nil, "ends after"},
		"no status": {func(w *world) *http.Response { return w.respond(200, []byte(`{}`)) }, nil, ""},
		"error": {func(w *world) *http.Response {
			return w.respond(422, []byte(`{"status":"error","errorType":"execution","error":"too many samples"}`))
		}, nil, "too many samples"},
		"login":    {func(w *world) *http.Response { return w.respond(401, nil) }, nil, "credentials"},
		"overload": {func(w *world) *http.Response { return w.respond(503, []byte("later")) }, energy.ErrNoAnswer, "later"},
		"redirect": {func(w *world) *http.Response {
			r := w.respond(302, nil)
			r.Header.Set("Location", "http://evil.test/")
			return r
		}, nil, "another host"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(2)
				s := w.open(t)
				span := w.work(20 * time.Second)
				w.before = func(_ *http.Request, form url.Values) *http.Response {
					if strings.Contains(form.Get("query"), "time()") && name != "overload" {
						return nil
					}
					return test.answer(w)
				}
				m, _, err := recalled(t.Context(), s, span)
				require.Error(t, err)
				if test.is != nil {
					assert.ErrorIs(t, err, test.is)
				}
				assert.ErrorContains(t, err, test.says)
				assert.False(t, m.Valid)
				assert.Less(t, time.Since(span.End), 15*time.Second)
			})
		})
	}
}

// ReadRange does not wait beyond its context, and adds what there is by then.
func TestPastEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		s := w.open(t)
		span := w.work(20 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		to := energy.NewHistory(s.Devices()[0], span.Start, time.Second)
		_, err := s.ReadRange(ctx, []energy.Span{span}, []*energy.History{to, nil})
		require.NoError(t, err)
		assert.Less(t, time.Since(span.End), time.Second)
		assert.False(t, to.Settled([]energy.Span{span}))
		assert.True(t, to.Settled([]energy.Span{{Start: span.Start, End: span.End.Add(-10 * time.Second)}}), "what was there is not in the history")
		time.Sleep(time.Minute) // for what is left to end
	})
}

// A long window is not fetched as a whole.
func TestFetchesEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		s := w.open(t)
		span := w.work(time.Hour)
		w.queries = nil
		w.right(t, measured(t, s, span))
		for _, q := range w.asked("[") {
			if !strings.HasPrefix(q, "resets(") {
				var ms int
				_, err := fmt.Sscanf(q[strings.Index(q, "["):], "[%dms]", &ms)
				require.NoError(t, err)
				assert.Less(t, ms, 30_000, q)
			}
		}
	})
}

// Windows with pauses are fetched whole, unless that is too much.
func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		s := w.open(t)
		a := w.work(30 * time.Second)
		b := w.work(30 * time.Second)
		m := measured(t, s, a, b)
		truth := 2 * (w.truth(a) + w.truth(b))
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, truth, m.Energy.Joules, 0.05)

		s.fleet.rows = 100_000
		_, _, err := recalled(t.Context(), s, a, b)
		assert.ErrorContains(t, err, "million samples")
	})
}

// watts returns the power at a time.
func (w *world) watts(t time.Time) float64 {
	p := 0.0
	for _, s := range w.steps {
		if !s.at.After(t) {
			p = s.watts
		}
	}
	return p
}

// addPower adds the power gauge of a GPU.
func (w *world) addPower(i int, factor float64) *series {
	s := w.add(i, "DCGM_FI_DEV_POWER_USAGE", nil)
	// As of a real gauge, no value is like the one before.
	s.value = func(t time.Time) (float64, bool) { return factor*w.watts(t) + float64(t.Unix()%7)/100, true }
	return s
}

// GPUs that have only their power are measured by it, over the whole window.
func TestGauges(t *testing.T) {
	bubble(t, 0, func(t *testing.T, w *world) {
		w.addPower(0, 1)
		w.addPower(1, 1)
		s := w.open(t)
		span := w.work(2 * time.Minute)
		m := measured(t, s, span)
		assert.Equal(t, energy.Gauge, m.Devices[0].Device.Method)
		w.right(t, m)
		assert.Less(t, time.Since(span.End), 10*time.Second)
	})
}

// The mean of the power gauge is the cross-check of a counter, and no more: the
// number stands without it.
func TestCrossCheck(t *testing.T) {
	for factor, disagrees := range map[float64]bool{1: false, 0.8: true} {
		bubble(t, 2, func(t *testing.T, w *world) {
			w.addPower(0, factor)
			w.addPower(1, factor)
			s := w.open(t)
			m := measured(t, s, w.work(2*time.Minute))
			w.right(t, m)
			assert.True(t, m.Devices[0].HasGauge)
			assert.Equal(t, disagrees, m.Has(energy.CounterDisagrees), "%v", m.Reasons)
			assert.Len(t, w.asked("avg"), 0)
			assert.Len(t, w.asked("sum_over_time"), 1)

			w.before = func(_ *http.Request, form url.Values) *http.Response {
				if strings.Contains(form.Get("query"), "sum_over_time") {
					return w.respond(422, []byte(`{"status":"error","errorType":"execution","error":"too many samples"}`))
				}
				return nil
			}
			m = measured(t, s, w.work(time.Minute))
			w.right(t, m)
			assert.False(t, m.Devices[0].HasGauge)
		})
	}
}

// The source does what every source must, but for not allocating.
func TestConformance(t *testing.T) {
	bubble(t, 3, func(t *testing.T, w *world) {
		err := energytest.TestSource(func() (energy.Source, error) { return Open(w.config()) }, energytest.Allocs(1<<20), energytest.Patience(5*time.Second))
		require.NoError(t, err)
	})
}

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
