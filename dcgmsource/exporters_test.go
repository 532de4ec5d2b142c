package dcgmsource

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/exportertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// TestExporters: each page is read by its best metrics, each device once, and what is not
// measured is named.
func TestExporters(t *testing.T) {
	for _, c := range exportertest.Cases(t) {
		t.Run(c.Page+"?"+c.Query(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := ""
				n := network{exportertest.Place: func(w http.ResponseWriter, r *http.Request) {
					asked = r.URL.RawQuery
					(&exporter{body: c.Text(t)}).ServeHTTP(w, r)
				}}
				s, err := Open(Config{Endpoints: []Endpoint{{URL: Address("http://" + exportertest.Place + "/metrics?" + c.Query())}}, HTTP: n.client()})
				require.NoError(t, err)
				defer s.Close()
				c.Check(t, s)
				assert.Empty(t, asked, "our own parameters are not sent")
			})
		})
	}
}

// TestEachPageIsTried: no page lies about unused.
func TestEachPageIsTried(t *testing.T) {
	files, err := filepath.Glob("../testdata/exporters/*.prom")
	require.NoError(t, err)
	tried := map[string]bool{}
	for _, c := range exportertest.Cases(t) {
		tried[c.Page] = true
	}
	for _, file := range files {
		assert.True(t, tried[filepath.Base(file)], file)
	}
}

// A machine's own devices are told apart by where the page is, and those that NVIDIA
// numbers are the same on all pages.
func TestDevicesOfSeveralPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := func(name string) http.HandlerFunc {
			text, err := os.ReadFile("../testdata/exporters/" + name)
			require.NoError(t, err)
			return (&exporter{body: string(text)}).ServeHTTP
		}
		n := network{"a:9400": page("node_exporter.prom"), "b:9400": page("node_exporter.prom"), "c:9400": page("triton.prom"), "d:9400": page("kepler.prom")}
		open := func(endpoints ...Endpoint) *Source {
			s, err := Open(Config{Endpoints: endpoints, HTTP: n.client()})
			require.NoError(t, err)
			t.Cleanup(func() { s.Close() })
			return s
		}
		assert.Len(t, open(Endpoint{URL: "a?kind=cpu"}, Endpoint{URL: "b"}).Devices(), 8)
		gpus := open(Endpoint{URL: "c"}, Endpoint{URL: "d"})
		require.Len(t, gpus.Devices(), 2)
		assert.Equal(t, "nv_energy_consumption", gpus.Devices()[0].Metric)
		assert.Equal(t, "http://c:9400/metrics", gpus.Devices()[0].Endpoint, "Kepler's counter has begun at another time")
		assert.InDelta(t, 87.581444, joules(t, readAll(gpus)[0]), 1e-9)
	})
}

// A device of another kind that appears while GPUs are measured is no news; a GPU is.
func TestOnlyWhatIsMeasuredIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exporter{body: gpuPage("GPU-0", 1000)}
		s := opened(t, e)
		defer s.Close()
		findings := func() []energy.Finding {
			readAll(s)
			return s.Findings(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		}
		e.set(gpuPage("GPU-0", 2000) + "node_rapl_package_joules_total{path=\"intel-rapl:0\"} 5\nall_smi_energy_consumed_joules_total{host=\"a\",scope=\"gpu\",gpu_uuid=\"0000:0b\"} 5\n")
		assert.Empty(t, findings())
		e.set(gpuPage("GPU-0", 3000, "GPU-1", 1000))
		assert.Len(t, findings(), 1)
	})
}

func TestKindsAndMetricsThatCannotBeMeant(t *testing.T) {
	n := network{"a:9400": (&exporter{body: gpuPage("GPU-0", 1)}).ServeHTTP}
	for query, want := range map[string]string{
		"kind=gpus":                             "kind=\"gpus\" is none",
		"metric=x":                              "a metric of one's own needs",
		"unit=J&id=x":                           "a metric of one's own needs",
		"metric=x&unit=kWh&id=x":                "unit=\"kWh\" is none",
		"metric=x%7By%3D%221%22%7D&unit=J&id=x": "is no name",
	} {
		_, err := Open(Config{Endpoints: []Endpoint{{URL: Address("a?" + query)}}, HTTP: n.client()})
		require.ErrorIs(t, err, energy.ErrMalformed, query)
		assert.ErrorContains(t, err, want)
	}
	_, err := Open(Config{Endpoints: []Endpoint{{URL: "a?metric=x&unit=J&id=x"}, {URL: "b?metric=y&unit=J&id=x"}}, HTTP: n.client()})
	require.ErrorContains(t, err, "several metrics")
	_, err = Open(Config{Endpoints: []Endpoint{{URL: "a?kind=cpu"}}, HTTP: n.client()})
	require.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, "1 gpu of dcgm-exporter")
	_, err = Open(Config{Endpoints: []Endpoint{{URL: "a?metric=acme&unit=J&id=x"}}, HTTP: n.client()})
	require.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, "no row of acme")
	assert.False(t, strings.Contains(err.Error(), "%!"))
}

// livingHost answers with the page of a node_exporter of a machine with two packages of
// 100 W each, which it reads at each scrape, and of a core in each.
func livingHost(start time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * time.Millisecond)
		joules := 100 * time.Since(start).Truncate(time.Millisecond).Seconds()
		for i := range 2 {
			fmt.Fprintf(w, "node_rapl_package_joules_total{index=\"%d\",path=\"/sys/class/powercap/intel-rapl:%[1]d\"} %f\n", i, 1000+joules)
			fmt.Fprintf(w, "node_rapl_core_joules_total{index=\"%d\",path=\"/sys/class/powercap/intel-rapl:%[1]d:0\"} %f\n", i, 500+joules/2)
		}
	}
}

func TestConformanceOfProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: network{"a:9400": livingHost(time.Now())}.client()}
		require.NoError(t, energytest.TestSource(func() (energy.Source, error) {
			s, err := Open(c)
			if err != nil {
				return nil, err
			}
			return s, nil
		}, energytest.Allocs(200)))
	})
}

// The whole way, for processors: a recorder measures what they used, once.
func TestRecorderMeasuresProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: network{"a:9400": livingHost(time.Now())}.client()})
		require.NoError(t, err)
		defer s.Close()
		w := energy.NewRecorder(s).Open()
		time.Sleep(2 * time.Second)
		w.Resume()
		time.Sleep(30 * time.Second)
		w.Pause()
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		require.InEpsilon(t, 200*30, m.Energy.Joules, 0.005)
	})
}
