package promsource

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// bubble runs a test on a fake clock, with a world that has been there for long.
func bubble(t *testing.T, gpus int, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(gpus)
		w.shuffled = true
		test(t, w)
	})
}

func TestOpen(t *testing.T) {
	bubble(t, 5, func(t *testing.T, w *world) {
		cfg := w.config()
		cfg.Roles = []energy.Role{{Name: "prefill", Devices: []string{"node-00"}}, {Name: "decode", Devices: []string{"node-01/1", w.uuid(4)}}}
		cfg.Collect = 500 * time.Millisecond
		s, err := Open(cfg)
		require.NoError(t, err)
		defer s.Close()
		assert.Equal(t, energy.Info{Name: "prometheus", Period: time.Second, Version: "prometheus at prometheus.test:9090"}, s.Info())
		require.Len(t, s.Devices(), 5)
		for i, role := range []string{"prefill", "prefill", "", "decode", "decode"} {
			assert.Equal(t, energy.Device{
				UUID: w.uuid(i), Index: i % 2, Name: "NVIDIA H200", Host: fmt.Sprintf("node-%02d", i/2), Endpoint: fmt.Sprintf("10.0.0.%d:9400", i/2),
				Role: role, Rows: 1, Method: energy.Counter, Metric: energyName, Resolution: 1e-3, Fresh: 500 * time.Millisecond,
				Behind: metricname.DCGM.Behind, Hint: s.Devices()[i].Hint,
			}, s.Devices()[i])
		}
	})
}

// What other metrics and more series mean for a device.
func TestOpenDevices(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		joules := w.add(0, "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", nil)
		delete(joules.labels, "modelName")
		w.add(0, "DCGM_FI_DEV_POWER_USAGE", nil)
		w.add(2, energyName, map[string]string{"GPU_I_ID": "1"})
		w.add(2, energyName, map[string]string{"GPU_I_ID": "2"})
		w.add(4, energyName, map[string]string{"pod": "a", "job": "slow"}).every = 15 * time.Second
		w.add(4, energyName, map[string]string{"pod": "b", "job": "slow"}).every = 15 * time.Second
		power := w.add(6, "dcgm_power_usage", nil)
		power.labels["uuid"] = power.labels["UUID"]
		delete(power.labels, "UUID")
		w.add(9, energyName, nil).labels["UUID"] = ""
		s := w.open(t)
		d := s.Devices()
		require.Len(t, d, 4)
		assert.Equal(t, energyName, d[0].Metric)
		assert.Equal(t, 1, d[0].Rows)
		assert.Equal(t, "NVIDIA H200", d[0].Name)
		assert.Equal(t, 2, d[1].Rows)
		assert.Equal(t, energy.MIGParentScope, d[1].Marks[0].Reason)
		assert.Equal(t, energy.SharedGPU, d[2].Marks[0].Reason)
		assert.Equal(t, energy.Gauge, d[3].Method)
		assert.Len(t, d[3].Sensor.Kernels, 2, "a mean over a second, or not")
		assert.Equal(t, "dcgm_power_usage", d[3].Metric)
		assert.Equal(t, 15*time.Second, s.Info().Period)
		assert.Equal(t, time.Second, d[0].Period)
		assert.Zero(t, d[2].Period)
	})
}

func TestOpenErrors(t *testing.T) {
	answer := func(status int, body string) func(w *world, cfg *Config) {
		return func(w *world, _ *Config) {
			w.before = func(*http.Request, url.Values) *http.Response { return w.respond(status, []byte(body)) }
		}
	}
	tests := map[string]struct {
		change func(w *world, cfg *Config)
		is     error
		says   string
	}{
		"no series":      {func(w *world, cfg *Config) { cfg.Selector = `{job="vllm"}` }, energy.ErrNoDevice, `job="vllm"`},
		"no such device": {func(w *world, cfg *Config) { cfg.Devices = []string{"node-77"} }, energy.ErrNoDevice, "node-77"},
		"no such role": {func(w *world, cfg *Config) {
			cfg.Roles = []energy.Role{{Name: "prefill", Devices: []string{"node-77"}}}
		}, energy.ErrNoDevice, "prefill"},
		"no UUIDs": {func(w *world, _ *Config) { w.relabel("UUID", "") }, energy.ErrNoDevice, "no label UUID"},
		"unknown unit": {func(w *world, _ *Config) {
			w.relabel("__name__", "DCGM_FI_DEV_POWER_USAGE")
			w.add(0, "DCGM_FI_DEV_ENERGY_MICROJOULES", nil)
		}, ErrUnknownMetric, "DCGM_FI_DEV_ENERGY_MICROJOULES"},
		"other clock": {func(w *world, cfg *Config) {
			w.lag = 30 * time.Second
			cfg.Params = url.Values{"latency_offset": {"30s"}}
		}, nil, "lags by 30s"},
		"warnings":         {func(w *world, _ *Config) { w.warnings = []string{"store 3 is gone"} }, ErrIncomplete, "store 3"},
		"malformed query":  {answer(400, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected ="}`), ErrBadQuery, "unexpected ="},
		"login":            {answer(401, "Unauthorized"), fs.ErrPermission, "credentials"},
		"forbidden":        {answer(403, "no"), fs.ErrPermission, "credentials"},
		"other path":       {answer(404, "404 page not found"), nil, "base path"},
		"not a Prometheus": {answer(200, "<html>Grafana</html>"), nil, "Grafana"},
		"other JSON":       {answer(200, `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`), nil, "vector"},
		"no time":          {answer(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]},{}]}}`), nil, "what time it is"},
		"overload":         {answer(503, "later"), energy.ErrNoAnswer, "later"},
		"matrix": {func(w *world, _ *Config) {
			w.replace("__name__", `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
		}, nil, "matrix"},
		"garbled later": {func(w *world, _ *Config) {
			w.replace("[", `{"status":"success","data":{"resultType":"matrix","res`)
		}, nil, "Prometheus API"},
		"hangs":    {func(w *world, cfg *Config) { cfg.HTTP.Client = &http.Client{Transport: hanging{}} }, energy.ErrStalled, "in time"},
		"too long": {func(w *world, cfg *Config) { cfg.HTTP.Client = &http.Client{Transport: endless{}} }, web.ErrTooLong, "narrow the selector"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, w *world) {
				cfg := w.config()
				cfg.URL = "http://user:hush-hush@prometheus.test:9090"
				test.change(w, &cfg)
				s, err := Open(cfg)
				require.Error(t, err)
				assert.Nil(t, s)
				if test.is != nil {
					assert.ErrorIs(t, err, test.is)
				}
				assert.ErrorContains(t, err, test.says)
				assert.NotContains(t, err.Error(), "hush")
			})
		})
	}
}

// relabel sets a label of all series.
func (w *world) relabel(label, value string) {
	for _, s := range w.series {
		s.labels[label] = value
	}
}

// replace answers queries that contain a text by another.
func (w *world) replace(text, body string) {
	w.before = func(_ *http.Request, form url.Values) *http.Response {
		if strings.Contains(form.Get("query"), text) {
			return w.respond(http.StatusOK, []byte(body))
		}
		return nil
	}
}

type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%w: it has more than 256 MiB", web.ErrTooLong)
}

// A malformed selector is refused by the server, and the error says what is
// wrong with it.
func TestSelector(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.before = func(_ *http.Request, form url.Values) *http.Response {
			if strings.Contains(form.Get("query"), "job==") {
				return w.respond(400, []byte(`{"status":"error","errorType":"bad_data","error":"parse error: unexpected ="}`))
			}
			return nil
		}
		cfg := w.config()
		cfg.Selector = `{job=="dcgm"}`
		_, err := Open(cfg)
		assert.ErrorIs(t, err, ErrBadQuery)
		assert.ErrorContains(t, err, `the selector {job=="dcgm"} is not understood`)
	})
	for selector, want := range map[string]string{"": "", "{}": "", ` { a="b", } `: `a="b"`, `{a="}"}`: `a="}"`} {
		got, err := parseSelector(selector)
		assert.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}

// Targets that are too new to tell are taken for what is common.
func TestPace(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.series[0].pause(0)
		was, now := w.series[0].value, time.Now()
		w.series[0].value = func(t time.Time) (float64, bool) {
			v, ok := was(t)
			return v, ok && t.After(now.Add(-2*time.Second))
		}
		s := w.open(t)
		assert.Equal(t, 30*time.Second, s.Info().Period)
		assert.Equal(t, 15*time.Second, s.tempo.scrape)
	})
	bubble(t, 2, func(t *testing.T, w *world) {
		// Collected every 30 s, and scraped every second.
		was := w.series[0].value
		for _, one := range w.series {
			one.value = func(t time.Time) (float64, bool) { return was(t.Truncate(30 * time.Second)) }
		}
		s := w.open(t)
		assert.Equal(t, 30*time.Second, s.Info().Period)
		assert.Equal(t, time.Second, s.tempo.scrape)
	})
}

func TestRead(t *testing.T) {
	bubble(t, 3, func(t *testing.T, w *world) {
		w.add(4, "DCGM_FI_DEV_POWER_USAGE", nil).value = func(time.Time) (float64, bool) { return 99.5, true }
		s := w.open(t)
		w.series[1].end()
		time.Sleep(time.Minute)
		dst := []energy.Reading{{Device: 3}, {Device: 1}, {Device: 0}, {Device: 7}}
		s.Read(dst)
		assert.Equal(t, 99.5, dst[0].Watts)
		assert.True(t, dst[0].HasWatts && !dst[0].HasJoules)
		assert.ErrorIs(t, dst[1].Err, energy.ErrNoDevice)
		assert.NoError(t, dst[2].Err)
		assert.InDelta(t, 1e6+w.joules(time.Now()), dst[2].Joules, 200)
		assert.Less(t, time.Since(dst[2].Before), 1100*time.Millisecond)
		assert.Equal(t, dst[2].Before, dst[2].After)
		assert.ErrorIs(t, dst[3].Err, energy.ErrNoDevice)

		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		s.Read(dst[:1])
		assert.ErrorIs(t, dst[0].Err, fs.ErrClosed)
		_, _, err := recalled(t.Context(), s, energy.Span{Start: time.Now(), End: time.Now()})
		assert.ErrorIs(t, err, fs.ErrClosed)
	})
}
