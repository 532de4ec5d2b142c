package trtllmsource

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// trtllm is a trtllm-serve with eight GPUs of 500 W each, whose counters change each 100 ms,
// one after the other.
type trtllm struct {
	start time.Time
	mu    sync.Mutex
	delay time.Duration
	fails http.HandlerFunc
}

const gpus, watts = 8, 500.0

func (s *trtllm) set(fails http.HandlerFunc, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails, s.delay = fails, delay
}

// ServeHTTP answers as a trtllm-serve does.
func (s *trtllm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fails, delay := s.fails, s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	if fails != nil {
		fails(w, r)
		return
	}
	sum := 1000.0
	for i := range gpus {
		phase := time.Duration(i) * 13 * time.Millisecond
		sum += watts * (time.Since(s.start) + phase).Truncate(100*time.Millisecond).Seconds()
	}
	fmt.Fprintf(w, `{"total_energy_j":%.4f,"query_time":%f}`, sum, time.Since(s.start).Seconds()+5000)
}

type network map[string]http.Handler

// RoundTrip calls the handler of the host.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := n[r.URL.Host]
	if handler == nil {
		return nil, fmt.Errorf("no route to %s", r.URL.Host)
	}
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		handler.ServeHTTP(recorder, r)
	}()
	select {
	case <-done:
		response := recorder.Result()
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (n network) client() HTTP { return HTTP{Client: &http.Client{Transport: n}} }

func read(s *Source, device int) energy.Reading {
	r := []energy.Reading{{Device: device}}
	s.Read(r)
	return r[0]
}

func opened(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &trtllm{start: time.Now()}
		s := opened(t, Config{Servers: []Address{"a#prefill", "https://b/llm/energy_metrics#decode"}, HTTP: network{"a:8000": x, "b": x}.client()})
		assert.Equal(t, energy.Device{
			UUID: "a:8000/energy_metrics", Name: "all GPUs of a trtllm-serve", Host: "a", Endpoint: "http://a:8000/energy_metrics", Role: "prefill",
			Method: energy.Counter, Metric: "total_energy_j", Resolution: 1e-4, Behind: 100 * time.Millisecond,
		}, s.Devices()[0])
		assert.Equal(t, "decode", s.Devices()[1].Role)
		assert.Equal(t, "b/llm/energy_metrics", s.Devices()[1].UUID)
		assert.Equal(t, 1000.0, read(s, 0).Joules)
		secret := opened(t, Config{Servers: []Address{"http://a:8000/llm;token=hunter2/energy_metrics?key=hunter2"}, HTTP: network{"a:8000": x}.client()})
		assert.NotContains(t, fmt.Sprint(secret.Devices(), secret.Info()), "hunter2")
		one := opened(t, Config{Servers: []Address{"a", "b:80"}, Devices: []string{"a"}, HTTP: network{"a:8000": x, "b:80": x}.client()})
		assert.Len(t, one.Devices(), 1)
	})
}

func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network{"a:8000": &trtllm{start: time.Now()}, "b:8000": &trtllm{start: time.Now()}}
		open := func(devices []string) (energy.Source, error) {
			s, err := Open(Config{Servers: []Address{"a", "b"}, Devices: devices, HTTP: n.client()})
			if err != nil {
				return nil, err
			}
			return s, nil
		}
		err := energytest.TestSource(func() (energy.Source, error) { return open(nil) }, energytest.Allocs(500), energytest.Opens(open), energytest.ExpectWatts(3900, 4100))
		require.NoError(t, err)
	})
}

// The whole way: a recorder measures the sum.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, Config{Servers: []Address{"a"}, HTTP: network{"a:8000": &trtllm{start: time.Now()}}.client()})
		w := energy.NewRecorder(s).Open()
		time.Sleep(2 * time.Second)
		w.Resume()
		time.Sleep(10 * time.Second)
		w.Pause()
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InDelta(t, gpus*watts*10, m.Energy.Joules, m.Energy.HalfWidth())
		assert.InEpsilon(t, gpus*watts*10, m.Energy.Joules, 0.01)
	})
}

// Faults of a source are seen in what is measured of it.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		inject func(energy.Source) energy.Source
		want   energy.Reason
	}{
		"reset":  {func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 200) }, energy.CounterReset},
		"freeze": {func(s energy.Source) energy.Source { return energytest.Freeze(s, 60) }, energy.CounterStale},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := opened(t, Config{Servers: []Address{"a"}, HTTP: network{"a:8000": &trtllm{start: time.Now()}}.client()})
				w := energy.NewRecorder(c.inject(s)).Open()
				time.Sleep(2 * time.Second)
				w.Resume()
				time.Sleep(time.Minute)
				w.Pause()
				m := w.Measure(t.Context())
				assert.False(t, m.Valid)
				assert.True(t, m.Has(c.want), "%v", m.Reasons)
			})
		})
	}
}

func TestASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &trtllm{start: time.Now()}
		s := opened(t, Config{Servers: []Address{"a"}, HTTP: network{"a:8000": slow}.client()})
		slow.set(nil, time.Second)
		start := time.Now()
		r := read(s, 0)
		assert.Equal(t, maxWait, time.Since(start))
		require.ErrorIs(t, r.Err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, r.Err, energy.ErrNoAnswer)
		time.Sleep(2 * time.Second)
		r = read(s, 0)
		require.NoError(t, r.Err, "the answer that came meanwhile")
		assert.Equal(t, start.Add(time.Second), r.After)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		require.ErrorIs(t, read(s, 0).Err, fs.ErrClosed)
	})
}

func TestFailures(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		fails http.HandlerFunc
		is    error
		want  string
	}{
		"off":        {answer(503, `{"error":"Energy monitoring is not available"}`), energy.ErrNoDevice, "Energy monitoring is not available"},
		"unread":     {answer(503, `{"error":"Failed to read GPU energy"}`), energy.ErrNoDevice, "Failed to read GPU energy"},
		"401":        {answer(401, ""), fs.ErrPermission, "POWERTEST_HTTP_BEARER_TOKEN_FILE"},
		"older":      {answer(404, `{"detail":"Not Found"}`), nil, "has /energy_metrics"},
		"500":        {answer(500, "hush hunter2"), energy.ErrNoAnswer, "500"},
		"another's":  {answer(200, "<html>"), web.ErrNotJSON, "<html>"},
		"of nothing": {answer(200, "{}"), web.ErrNotJSON, "no total_energy_j"},
		"null":       {answer(200, `{"total_energy_j":null}`), web.ErrNotJSON, "no total_energy_j"},
		"negative":   {answer(200, `{"total_energy_j":-1}`), web.ErrNotJSON, "no total_energy_j"},
		"NaN":        {answer(200, `{"total_energy_j":NaN}`), web.ErrNotJSON, ""},
		"endless":    {answer(200, strings.Repeat(" ", maxAnswer+1)), web.ErrNotJSON, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := &trtllm{start: time.Now()}
				cfg := Config{Servers: []Address{"http://u:hunter2@a:8000"}, HTTP: network{"a:8000": x}.client()}
				s := opened(t, cfg)
				x.set(c.fails, 0)
				r := read(s, 0)
				_, err := Open(cfg)
				for _, err := range []error{r.Err, err} {
					require.ErrorContains(t, err, c.want)
					if c.is != nil {
						require.ErrorIs(t, err, c.is)
					}
					assert.NotContains(t, err.Error(), "hunter2")
				}
				assert.False(t, r.HasJoules || r.HasWatts, "absent is not zero")
				x.set(nil, 0)
				require.NoError(t, read(s, 0).Err)
			})
		})
	}
}

func TestServersThatCannotBeMeant(t *testing.T) {
	for arg, want := range map[string]string{
		"":             "an address is empty",
		"a,http://A":   "",
		"a,A:8000":     "is named twice",
		"ftp://u:S@h/": "scheme",
	} {
		src, err := energy.Open("trtllm", arg, nil)
		require.ErrorContains(t, err, want, arg)
		assert.True(t, src == nil)
		assert.NotContains(t, err.Error(), "S@")
	}
	_, err := Open(Config{})
	require.ErrorIs(t, err, energy.ErrMalformed)
}

// FuzzAnswer: whatever a server answers, no value is made of what is none.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"total_energy_j":5.5,"query_time":1}`))
	f.Add([]byte(`{"error":"Failed to read GPU energy"}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		n := network{"a:8000": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(answer) })}
		s, err := Open(Config{Servers: []Address{"a"}, HTTP: n.client()})
		if err != nil {
			return
		}
		defer s.Close()
		r := read(s, 0)
		require.True(t, r.HasJoules && r.Err == nil && r.Joules >= 0)
	})
}
