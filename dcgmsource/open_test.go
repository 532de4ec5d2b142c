package dcgmsource

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// openFixture opens an exporter that answers with the fixture.
func openFixture(t *testing.T, name string, selectors ...string) (*Source, error) {
	t.Helper()
	e := &exporter{body: string(fixture(t, name))}
	return Open(Config{Endpoints: []Endpoint{{URL: "a"}}, Devices: selectors, HTTP: network{"a:9400": e.ServeHTTP}.client()})
}

func TestFixturesAsSources(t *testing.T) {
	for name, want := range map[string]struct {
		devices, collapsed int
		method             energy.Method
		resolution         float64
		joules, watts      float64 // of the first device
	}{
		"h100-1gpu.prom":                    {1, 0, energy.Counter, 1e-3, 184467000, 612},
		"h100-1gpu-lowercase-hostname.prom": {1, 0, energy.Counter, 1e-3, 184467000, 612},
		"h100-1gpu-openmetrics-eof.prom":    {1, 0, energy.Counter, 1e-3, 184467000, 612},
		"exporter-4.9-joules.prom":          {1, 0, energy.Counter, 1, 184467000, 612},
		"h200-8gpu-t0.prom":                 {8, 0, energy.Counter, 1e-3, 184467612, 612},
		"a100-mig.prom":                     {3, 3, energy.Counter, 1e-3, 184467005.293, 612},
		"t4-timesliced-pods.prom":           {2, 2, energy.Counter, 1e-3, 184467000, 0},
		"h100-hpcjob-duplicates.prom":       {2, 1, energy.Counter, 1e-3, 184467000, 612},
		"no-energy.prom":                    {2, 0, energy.Gauge, 0, 0, 612},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openFixture(t, name)
			require.NoError(t, err)
			defer s.Close()
			assert.Len(t, s.Devices(), want.devices)
			assert.Equal(t, want.collapsed, s.Collapsed())
			assert.Equal(t, energy.Info{Name: "dcgm", Period: 30 * time.Second, Poll: 100 * time.Millisecond, Version: "driver 570.124.06"}, s.Info())
			d := s.Devices()[0]
			assert.Equal(t, gpu0, d.UUID)
			assert.Equal(t, "gpu-node-01", d.Host)
			assert.Equal(t, "00000000:18:00.0", d.PCI)
			assert.Equal(t, "http://a:9400/metrics", d.Endpoint)
			assert.Equal(t, want.method, d.Method)
			assert.Equal(t, want.resolution, d.Resolution)
			assert.True(t, d.Held)
			for i, r := range readAll(s) {
				require.NoError(t, r.Err)
				assert.Equal(t, i, s.Devices()[i].Index)
			}
			r := readAll(s)[0]
			assert.Equal(t, want.method == energy.Counter, r.HasJoules)
			assert.Equal(t, want.joules, r.Joules)
			if want.watts != 0 {
				assert.Equal(t, want.watts, r.Watts)
			}
		})
	}
}

func reasons(d energy.Device) (r []energy.Reason) {
	for _, m := range d.Marks {
		r = append(r, m.Reason)
	}
	return r
}

func TestMarks(t *testing.T) {
	s, err := openFixture(t, "a100-mig.prom")
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, []energy.Reason{energy.MIGParentScope}, reasons(s.Devices()[1]))
	assert.Equal(t, 3, s.Devices()[1].Rows)
	assert.Empty(t, s.Devices()[2].Marks)
	s, err = openFixture(t, "t4-timesliced-pods.prom")
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, []energy.Reason{energy.SharedGPU}, reasons(s.Devices()[0]))
	assert.Contains(t, s.Devices()[0].Marks[0].Detail, "pod bench/vllm-b-0")
	assert.Empty(t, s.Devices()[1].Marks)
}

func TestAGPUWithoutAValueIsNotLeftOut(t *testing.T) {
	s, err := openFixture(t, "h100-gpu2-lost.prom")
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Devices(), 4)
	assert.Equal(t, gpu2, s.Devices()[2].UUID)
	for i, r := range readAll(s) {
		if i != 2 {
			require.NoError(t, r.Err)
			continue
		}
		require.ErrorIs(t, r.Err, energy.ErrNoDevice)
		require.NotErrorIs(t, r.Err, energy.ErrDeviceLost)
		assert.ErrorContains(t, r.Err, gpu2)
		assert.ErrorContains(t, r.Err, "select")
		assert.False(t, r.HasJoules || r.HasWatts)
	}
	s, err = openFixture(t, "h100-gpu2-lost.prom", "0", "1", "3")
	require.NoError(t, err)
	defer s.Close()
	for _, r := range readAll(s) {
		require.NoError(t, r.Err)
	}
	_, err = openFixture(t, "h100-gpu2-lost.prom", "2")
	require.ErrorIs(t, err, energy.ErrNoDevice)
}

func TestAGPUWhoseRowsAreBrokenIsNotLeftOut(t *testing.T) {
	s, err := openFixture(t, "malformed-unescaped-quote.prom")
	require.NoError(t, err)
	defer s.Close()
	r := readAll(s)
	require.Len(t, r, 2)
	broken, good := 0, 1
	if s.Devices()[0].UUID == gpu1 {
		broken, good = 1, 0
	}
	require.ErrorIs(t, r[broken].Err, ErrPage)
	assert.ErrorContains(t, r[broken].Err, gpu0)
	assert.ErrorContains(t, r[broken].Err, "quote")
	require.NoError(t, r[good].Err)
	assert.Equal(t, 185198000.003, r[good].Joules)
}

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
		"unknown energy":    {page(unknown), ErrUnknownMetric, "DCGM_FI_DEV_ENERGY_KILOJOULES"},
		"unknown, power":    {page(unknown + "DCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-1\"} 5\n"), ErrUnknownMetric, "GPU-1"},
		"nobody's energy":   {page("dcgm_power_usage{gpu=\"0\"} 5\n"), ErrPage, "no label UUID"},
		"nobody's, broken":  {page("dcgm_power_usage{gpu=\"0\"\"} 5\n"), ErrPage, "cannot be parsed"},
		"all rows broken":   {page("dcgm_power_usage{UUID=\"GPU-1\",pod=\"\"\"} 5\n"), ErrPage, "cannot be parsed"},
		"blank for ever":    {page("dcgm_power_usage{UUID=\"GPU-1\"} 9223372036854775794\n"), energy.ErrNoDevice, "enable"},
		"too long":          {page(strings.Repeat("x", maxBody) + "\n"), ErrPage, "16 MiB"},
		"hangs":             {(&exporter{delay: time.Hour}).ServeHTTP, nil, "no answer in time"},
		"redirects to host": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://b/", 302) }, nil, "another host"},
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
		assert.Nil(t, src, "not a nil *Source in an interface")
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

func TestOneGPUBehindSeveralEndpoints(t *testing.T) {
	n := network{
		"a:9400": (&exporter{body: gpuPage("GPU-0", 5000)}).ServeHTTP,
		"b:9400": (&exporter{body: strings.ReplaceAll(gpuPage("GPU-0", 7000, "GPU-1", 1000), "n1", "localhost")}).ServeHTTP,
	}
	s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}, {URL: "b"}}, Roles: map[string][]string{"decode": {"all"}}, HTTP: n.client()})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Devices(), 2, "the name of the host does not tell them apart")
	assert.Equal(t, 2, s.Devices()[0].Rows)
	assert.Equal(t, 1, s.Collapsed())
	assert.Equal(t, "http://a:9400/metrics, http://b:9400/metrics", s.Devices()[0].Endpoint)
	assert.Equal(t, "decode", s.Devices()[1].Role)
	assert.Equal(t, 7.0, readAll(s)[0].Joules)

	_, err = Open(Config{Endpoints: []Endpoint{{URL: "a#prefill"}, {URL: "b#decode"}}, HTTP: n.client()})
	require.ErrorContains(t, err, "GPU-0 has two roles")
	s, err = Open(Config{Endpoints: []Endpoint{{URL: "a#prefill"}, {URL: "b#decode"}}, Devices: []string{"GPU-1"}, HTTP: n.client()})
	require.NoError(t, err, "what is not selected has no role")
	defer s.Close()
}

func TestBothEnergyNames(t *testing.T) {
	const both = "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{UUID=\"GPU-0\"} 5\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID=\"GPU-0\"} 4999\n"
	s := opened(t, &exporter{body: both})
	defer s.Close()
	assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", s.Devices()[0].Via)
	assert.Equal(t, 1, s.Devices()[0].Rows)
	assert.Equal(t, 4.999, readAll(s)[0].Joules, "not the greater of the two")
}
