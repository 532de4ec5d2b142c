package dcgmsource

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestOpenFails(t *testing.T) {
	const unknown = "DCGM_FI_DEV_ENERGY_KILOJOULES{gpu=\"0\",UUID=\"GPU-1\"} 5\n"
	page := func(body string) http.HandlerFunc { return (&exporter{body: body}).ServeHTTP }
	status := func(code int) http.HandlerFunc { return (&exporter{status: code}).ServeHTTP }
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		is      error
		want    string
	}{
		"nobody there":      {nil, nil, "no route"},
		"reloads for ever":  {page(""), ErrPage, "empty"},
		"500":               {status(500), ErrPage, "see its log"},
		"401":               {status(401), fs.ErrPermission, "POWERTEST_HTTP_"},
		"404":               {status(404), ErrPage, "check the path"},
		"400":               {status(400), ErrPage, "https://"},
		"302 without goal":  {status(302), nil, "302"},
		"truncated":         {page(string(fixture(t, "malformed-truncated.prom"))), ErrPage, "middle of a line"},
		"HTML":              {page("<html></html>\n"), ErrPage, "HTML"},
		"other metrics":     {page("go_goroutines 7\n"), energy.ErrNoDevice, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"},
		"Kepler's shares":   {page("kepler_process_gpu_joules_total{pid=\"1\"} 5\n"), energy.ErrNoDevice, "one of Kepler, whose metrics are not read: kepler_process_gpu_joules_total\ngive the address of a dcgm-exporter"},
		"another's power":   {page("acme_watts 5\n"), energy.ErrNoDevice, "an exporter that is not known, whose metrics are not read: acme_watts\n"},
		"unknown energy":    {page(unknown), ErrUnknownMetric, "DCGM_FI_DEV_ENERGY_KILOJOULES"},
		"unknown, power":    {page(unknown + "DCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-1\"} 5\n"), ErrUnknownMetric, "GPU-1"},
		"nobody's energy":   {page("dcgm_power_usage{gpu=\"0\"} 5\n"), ErrPage, "no label UUID"},
		"nobody's, broken":  {page("dcgm_power_usage{gpu=\"0\"\"} 5\n"), ErrPage, "cannot be parsed"},
		"all rows broken":   {page("dcgm_power_usage{UUID=\"GPU-1\",pod=\"\"\"} 5\n"), ErrPage, "cannot be parsed"},
		"blank for ever":    {page("dcgm_power_usage{UUID=\"GPU-1\"} 9223372036854775794\n"), energy.ErrNoDevice, "enable"},
		"too long":          {page(strings.Repeat("x", maxBody) + "\n"), ErrPage, "16 MiB"},
		"hangs":             {(&exporter{delay: time.Hour}).ServeHTTP, nil, "no answer in time"},
		"redirects to host": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://b/", http.StatusFound) }, nil, "another host"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network{"a:9400": page(gpuPage("GPU-0", 1)), "b:9400": c.handler}
				start := time.Now()
				_, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}, {URL: "http://u:hunter2@b:9400/m?k=hunter2"}}, HTTP: n.client()})
				require.ErrorContains(t, err, c.want)
				assert.ErrorContains(t, err, "b:9400")
				assert.NotContains(t, err.Error(), "a:9400", "it is well")
				assert.NotContains(t, err.Error(), secret)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				assert.LessOrEqual(t, time.Since(start), 11*time.Second)
			})
		})
	}
}

func TestOpenNamesAllThatFail(t *testing.T) {
	n := network{"b:9400": (&exporter{status: 404}).ServeHTTP}
	_, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}, {URL: "b"}}, HTTP: n.client()})
	require.ErrorContains(t, err, "http://a:9400/metrics")
	require.ErrorContains(t, err, "http://b:9400/metrics")
}

func TestOpenWaitsForAnExporterThatReloads(t *testing.T) {
	for name, status := range map[string]int{"empty": 0, "500": 500, "503": 503} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &exporter{status: status}
				time.AfterFunc(3*time.Second, func() { e.set(gpuPage("GPU-0", 1)) })
				s := opened(t, e)
				defer s.Close()
				assert.Len(t, s.Devices(), 1)
			})
		})
	}
}

func TestAnEndlessPageEndsAtItsCap(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for line := []byte(strings.Repeat("x", 1<<16) + "\n"); r.Context().Err() == nil; {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	_, err := Open(Config{Endpoints: []Endpoint{{URL: Address(s.URL)}}})
	require.ErrorIs(t, err, ErrPage)
	assert.ErrorContains(t, err, "16 MiB")
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(gpuPage("GPU-0", 1)))
	}))
	defer s.Close()
	_, err := Open(Config{Endpoints: []Endpoint{{URL: Address(s.URL)}}})
	require.ErrorIs(t, err, ErrPage)
	assert.ErrorContains(t, err, "breaks off")
}

func TestNobodyListens(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := Open(Config{Endpoints: []Endpoint{{URL: Address(strings.Replace(s.URL, "http://", "http://u:hunter2@", 1))}}})
	require.ErrorContains(t, err, s.URL)
	assert.NotContains(t, err.Error(), secret)
}

func TestEndpointsThatCannotBeMeant(t *testing.T) {
	for arg, want := range map[string]string{
		"":                    "endpoint 1: an address is empty",
		"a,,b":                "endpoint 2: an address is empty",
		"a,http://A:9400":     "endpoint 2: http://a:9400/metrics is endpoint 1 already",
		"a,http://b:x":        "endpoint 2",
		"ftp://u:hunter2@a,b": "scheme",
	} {
		src, err := energy.Open("dcgm", arg, nil)
		require.ErrorContains(t, err, want, arg)
		assert.True(t, src == nil, "not a nil *Source in an interface")
		assert.NotContains(t, err.Error(), secret)
	}
	_, err := Open(Config{})
	require.ErrorContains(t, err, "no endpoint")
	_, err = Open(Config{Endpoints: []Endpoint{{URL: "a#x", Role: "y"}}})
	require.ErrorContains(t, err, "two roles")
	_, err = Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: HTTP{Password: "x"}})
	require.ErrorContains(t, err, "no user")
}

func TestRegistered(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc((&exporter{body: gpuPage("GPU-00", 1, "GPU-11", 2)}).ServeHTTP))
	defer s.Close()
	src, err := energy.Open("dcgm", s.URL+"#decode", []string{"1"})
	require.NoError(t, err)
	defer src.Close()
	require.Len(t, src.Devices(), 1)
	assert.Equal(t, "GPU-11", src.Devices()[0].UUID)
	assert.Equal(t, "decode", src.Devices()[0].Role)
	assert.Equal(t, s.URL+"/metrics", src.Devices()[0].Endpoint)
	_, err = energy.Open("dcgm", s.URL, []string{"7"})
	require.ErrorIs(t, err, energy.ErrNoDevice)
}

// A collector of OpenTelemetry appends _total to the names of counters.
func TestOpenTelemetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page, err := os.ReadFile("../testdata/dcgm/otel-total.prom")
		require.NoError(t, err)
		e := &exporter{body: string(page)}
		s := opened(t, e)
		defer s.Close()
		require.Len(t, s.Devices(), 2)
		for i, joules := range []float64{718757806800, 539193355100} {
			d, r := s.Devices()[i], readAll(s)[i]
			assert.Equal(t, energy.Counter, d.Method)
			assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total", d.Metric)
			assert.Equal(t, joules, r.Joules)
			assert.True(t, r.HasWatts)
		}
	})
}
