package dcgmsource

import (
	"strings"
	"testing"
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
			assert.Equal(t, want.method == energy.Gauge, len(d.Sensor.Kernels) > 0)
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
	assert.Equal(t, 185198010.589, readAll(s)[1].Joules, "the greatest of its instances' rows, which is the second")
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

func TestOneGPUBehindSeveralEndpoints(t *testing.T) {
	n := network{
		"a:9400": (&exporter{body: gpuPage("GPU-0", 5000)}).ServeHTTP,
		"b:9400": (&exporter{body: strings.ReplaceAll(gpuPage("GPU-0", 7000, "GPU-1", 1000), "n1", "localhost")}).ServeHTTP,
	}
	s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}, {URL: "b"}}, Roles: []energy.Role{{Name: "decode", Devices: []string{"all"}}}, HTTP: n.client()})
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
	assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", s.Devices()[0].Metric)
	assert.Equal(t, 1, s.Devices()[0].Rows)
	assert.Equal(t, 4.999, readAll(s)[0].Joules, "not the greater of the two")

	lines := strings.SplitAfter(both, "\n")
	for _, pages := range [][]string{{lines[1] + lines[0]}, {lines[0], lines[1]}, {lines[1], lines[0]}} {
		var exporters []*exporter
		for _, p := range pages {
			exporters = append(exporters, &exporter{body: p})
		}
		s := opened(t, exporters...)
		defer s.Close()
		assert.Equal(t, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", s.Devices()[0].Metric)
		assert.Equal(t, 1e-3, s.Devices()[0].Resolution)
	}
}

func TestTheOtherEndOfALinkIsNoGPU(t *testing.T) {
	s := opened(t, &exporter{body: gpuPage("GPU-0", 1) + "DCGM_FI_DEV_NVLINK_TX{gpu_uuid=\"GPU-9\"} 1\nDCGM_FI_DEV_NVLINK_TX{gpu=\"0\",gpu_uuid=\"GPU-8\"} 1\n"})
	defer s.Close()
	assert.Len(t, s.Devices(), 1)
}

func TestGPUsAreInTheOrderOfTheirIndices(t *testing.T) {
	s := opened(t, &exporter{body: "dcgm_power_usage{gpu=\"1\",uuid=\"GPU-1\"} 1\ndcgm_power_usage{gpu=\"0\",uuid=\"GPU-0\"} 1\n"})
	defer s.Close()
	require.Len(t, s.Devices(), 2)
	assert.Equal(t, "GPU-0", s.Devices()[0].UUID)
}
