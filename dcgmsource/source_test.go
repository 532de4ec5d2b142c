package dcgmsource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

func joules(t *testing.T, r energy.Reading) float64 {
	t.Helper()
	require.NoError(t, r.Err)
	require.True(t, r.HasJoules)
	return r.Joules
}

func TestReadTakesTheTimesOfEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := &exporter{body: gpuPage("GPU-0", 1000)}, &exporter{body: gpuPage("GPU-1", 2000)}
		s := opened(t, fast, slow)
		defer s.Close()
		slow.slow(200 * time.Millisecond)
		start := time.Now()
		r := readAll(s)
		assert.Equal(t, 200*time.Millisecond, time.Since(start))
		assert.Equal(t, []float64{1, 2}, []float64{joules(t, r[0]), joules(t, r[1])})
		assert.Equal(t, start, r[0].Before)
		assert.Equal(t, start, r[0].After)
		assert.Equal(t, start, r[1].Before)
		assert.Equal(t, start.Add(200*time.Millisecond), r[1].After)
	})
}

func TestReadAsksOnlyWhomItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &exporter{body: gpuPage("GPU-0", 1000, "GPU-2", 3000)}, &exporter{body: gpuPage("GPU-1", 2000)}
		s := opened(t, a, b)
		defer s.Close()
		r := []energy.Reading{{Device: 1}, {Device: 0}}
		start := time.Now()
		s.Read(r)
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 3.0, joules(t, r[0]))
		assert.Equal(t, 1.0, joules(t, r[1]))
		assert.Equal(t, surveyed+1, a.asked(), "at Open and by Read, once for both devices")
		assert.Equal(t, surveyed, b.asked())
		s.Read(nil)
		assert.Equal(t, surveyed+1, a.asked())
	})
}

func TestASlowEndpointDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := &exporter{body: gpuPage("GPU-0", 1000)}, &exporter{body: gpuPage("GPU-1", 2000)}
		s := opened(t, fast, slow)
		defer s.Close()
		assert.Equal(t, 2.0, joules(t, readAll(s)[1]))
		slow.slow(2 * time.Second)
		start := time.Now()
		for i := range 5 {
			began := time.Now()
			r := readAll(s)
			assert.Equal(t, maxWait, time.Since(began), i)
			assert.Equal(t, 1.0, joules(t, r[0]), i)
			require.ErrorIs(t, r[1].Err, os.ErrDeadlineExceeded)
			require.NotErrorIs(t, r[1].Err, energy.ErrStalled, "it costs one reading")
			assert.ErrorContains(t, r[1].Err, "http://b:9400/metrics: no answer yet")
			assert.False(t, r[1].HasJoules)
		}
		assert.Equal(t, surveyed+2, slow.asked(), "at Open, and one that is under way")
		time.Sleep(time.Second)
		slow.set(gpuPage("GPU-1", 9000))
		r := readAll(s)
		assert.Equal(t, 2.0, joules(t, r[1]), "the answer that came meanwhile")
		assert.Equal(t, start, r[1].Before)
		assert.Equal(t, start.Add(2*time.Second), r[1].After)
		assert.Equal(t, surveyed+2, slow.asked())
		slow.slow(0)
		r = readAll(s)
		assert.Equal(t, 9.0, joules(t, r[1]))
		assert.Equal(t, time.Now(), r[1].After)
		assert.Equal(t, 1, slow.most)
	})
}

func TestAHungEndpointIsGivenUpAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exporter{body: gpuPage("GPU-1", 2000)}
		s := opened(t, e)
		defer s.Close()
		e.slow(time.Hour)
		start := time.Now()
		readAll(s)
		e.slow(0)
		time.Sleep(11 * time.Second)
		r := readAll(s)
		require.ErrorIs(t, r[0].Err, context.DeadlineExceeded)
		assert.ErrorContains(t, r[0].Err, "http://a:9400/metrics")
		assert.Equal(t, start, r[0].Before)
		assert.Equal(t, 2.0, joules(t, readAll(s)[0]), "and then it is asked again")
	})
}

func TestFailuresCostOneReading(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(e *exporter)
		is   error
	}{
		"500":         {func(e *exporter) { e.fail(500) }, ErrPage},
		"401":         {func(e *exporter) { e.fail(401) }, fs.ErrPermission},
		"empty":       {func(e *exporter) { e.set("") }, ErrPage},
		"truncated":   {func(e *exporter) { e.set("dcgm_power_u") }, ErrPage},
		"row missing": {func(e *exporter) { e.set(gpuPage("GPU-1", 1)) }, energy.ErrNoDevice},
		"broken row":  {func(e *exporter) { e.set(gpuPage("GPU-0", "many")) }, ErrPage},
		"blank":       {func(e *exporter) { e.set(gpuPage("GPU-0", "9223372036854775794")) }, energy.ErrNoDevice},
		"other name": {func(e *exporter) {
			e.set("DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{UUID=\"GPU-0\"} 5\n")
		}, energy.ErrNoDevice},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &exporter{body: gpuPage("GPU-0", 1000)}
				n := network{"a:9400": e.ServeHTTP}
				s, err := Open(Config{Endpoints: []Endpoint{{URL: "http://u:hunter2@a:9400/?k=hunter2"}}, HTTP: n.client()})
				require.NoError(t, err)
				defer s.Close()
				c.fail(e)
				r := readAll(s)[0]
				require.ErrorIs(t, r.Err, c.is)
				assert.ErrorContains(t, r.Err, "http://a:9400/metrics")
				assert.NotContains(t, r.Err.Error(), secret)
				assert.False(t, r.HasJoules || r.HasWatts, "absent is not zero")
				assert.False(t, errors.Is(r.Err, energy.ErrDeviceLost) || errors.Is(r.Err, energy.ErrStalled), "it is not final")
				assert.False(t, r.Before.IsZero() || r.After.IsZero())
				e.set(gpuPage("GPU-0", 2000))
				assert.Equal(t, 2.0, joules(t, readAll(s)[0]))
			})
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exporter{body: gpuPage("GPU-0", 1000)}
		s := opened(t, e)
		e.slow(5 * time.Second)
		readAll(s) // leaves a request under way
		start := time.Now()
		require.NoError(t, s.Close())
		assert.Zero(t, time.Since(start), "it is cancelled")
		require.NoError(t, s.Close())
		asked := e.asked()
		r := readAll(s)[0]
		require.ErrorIs(t, r.Err, fs.ErrClosed)
		assert.False(t, r.HasJoules)
		assert.Equal(t, time.Now(), r.After)
		assert.Equal(t, asked, e.asked())
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCloseWaitsForRequestsToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exporter{body: gpuPage("GPU-0", 1000)}
		n := network{"a:9400": e.ServeHTTP}
		lingering := roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := n.RoundTrip(r)
			if err != nil {
				time.Sleep(time.Second)
			}
			return response, err
		})
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: HTTP{Client: &http.Client{Transport: lingering}}})
		require.NoError(t, err)
		e.slow(5 * time.Second)
		readAll(s)
		start := time.Now()
		require.NoError(t, s.Close())
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestCloseDuringRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exporter{body: gpuPage("GPU-0", 1000)}
		s := opened(t, e)
		e.slow(time.Hour)
		time.AfterFunc(100*time.Millisecond, func() { s.Close() })
		start := time.Now()
		r := readAll(s)[0]
		require.ErrorIs(t, r.Err, fs.ErrClosed)
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

func TestManyReadsWhileInfoAndCloseAreCalled(t *testing.T) {
	e := &exporter{body: string(fixture(t, "h200-8gpu-t0.prom"))}
	s := opened(t, e)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			readAll(s)
		}
	}()
	for range 50 {
		s.Info()
		time.Sleep(100 * time.Microsecond)
	}
	require.NoError(t, s.Close())
	<-done
}

// living answers with the page of an exporter that asks DCGM every 30 s, of two
// GPUs in MIG instances, at 700 W each since its start. The answer takes 3 ms.
func living(start time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3 * time.Millisecond)
		mj := int64(time.Since(start)/(30*time.Second)) * 30 * 700_000
		for gpu := range 2 {
			for instance := range 2 {
				labels := fmt.Sprintf("{gpu=\"%d\",UUID=\"GPU-%d\",GPU_I_ID=\"%d\",Hostname=\"n1\"}", gpu, gpu, instance)
				fmt.Fprintf(w, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION%s %d\n", labels, 5_000_000+mj+int64(instance))
				fmt.Fprintf(w, "DCGM_FI_DEV_POWER_USAGE%s 700.000000\n", labels)
			}
		}
	}
}

func TestConformance(t *testing.T) {
	for name, endpoints := range map[string][]Endpoint{
		"one endpoint":          {{URL: "a"}},
		"the same GPUs, thrice": {{URL: "a"}, {URL: "b"}, {URL: "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page := living(time.Now())
				c := Config{Endpoints: endpoints, HTTP: network{"a:9400": page, "b:9400": page, "c:9400": page}.client()}
				err := energytest.TestSource(func() (energy.Source, error) {
					s, err := Open(c)
					if err != nil {
						return nil, err
					}
					return s, nil
				}, energytest.Allocs(100*len(endpoints)))
				require.NoError(t, err)
			})
		})
	}
}

// The whole way: a recorder measures what the GPUs used while the exporter's
// pages change every 30 s.
func TestRecorderMeasuresAnExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: network{"a:9400": living(time.Now())}.client()})
		require.NoError(t, err)
		defer s.Close()
		rec := energy.NewRecorder(s)
		w := rec.Open()
		time.Sleep(2 * time.Minute)
		w.Resume()
		time.Sleep(10 * time.Minute)
		w.Pause()
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		require.InEpsilon(t, 2*700*600, m.Energy.Joules, 0.01)
		require.Len(t, m.Devices, 2)
	})
}

// BenchmarkRead reads eight GPUs of one exporter, by a real connection.
func BenchmarkRead(b *testing.B) {
	e := &exporter{body: string(fixture(b, "h200-8gpu-t0.prom"))}
	server := httptest.NewServer(http.HandlerFunc(e.ServeHTTP))
	defer server.Close()
	s, err := Open(Config{Endpoints: []Endpoint{{URL: Address(server.URL)}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := make([]energy.Reading, 8)
	for i := range r {
		r[i].Device = i
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Read(r); r[7].Err != nil {
			b.Fatal(r[7].Err)
		}
	}
}
