package promsource

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/exportertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// scraped returns a world that scrapes a page every second.
func scraped(t *testing.T, page string) *world {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(strings.TrimRight(page, "\n") + "\n"))
	require.NoError(t, err)
	w := &world{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			s := &series{labels: map[string]string{"__name__": name, "instance": exportertest.Place, "job": "exporters"}, every: time.Second, value: func(time.Time) (float64, bool) { return v, true }}
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" { // which is as if it were not there
					s.labels[l.GetName()] = l.GetValue()
				}
			}
			w.series = append(w.series, s)
		}
	}
	return w
}

// TestExporters: what a server has scraped is read as the pages are.
func TestExporters(t *testing.T) {
	for _, c := range exportertest.Cases(t) {
		t.Run(c.Page+"?"+c.Query(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := scraped(t, c.Text(t))
				w.shuffled = true
				cfg, err := parseArg("http://prometheus.test:9090?" + c.Query())
				require.NoError(t, err)
				cfg.HTTP = w.config().HTTP
				s, err := Open(cfg)
				require.NoError(t, err)
				defer s.Close()
				c.Check(t, s)
				for _, form := range w.forms {
					for _, key := range []string{"kind", "metric", "unit", "id", "model"} {
						assert.Empty(t, form[key], "our own parameters are not sent")
					}
				}
			})
		})
	}
}

// TestAWindowOverAnyDevices: processors that are told apart by several labels, and GPUs of
// AMD's whose pod changes, are measured as GPUs of dcgm-exporter are.
func TestAWindowOverAnyDevices(t *testing.T) {
	for name, c := range map[string]struct {
		kind    string
		devices int
		add     func(w *world, add func(labels map[string]string, per float64) *series)
	}{
		"node_exporter": {"", 3, func(_ *world, add func(map[string]string, float64) *series) {
			for i := range 2 {
				path := fmt.Sprintf("/sys/class/powercap/intel-rapl:%d", i)
				add(map[string]string{"__name__": "node_rapl_package_joules_total", "path": path, "instance": "n1:9100"}, 1)
				add(map[string]string{"__name__": "node_rapl_core_joules_total", "path": path + ":0", "instance": "n1:9100"}, 1)
			}
			add(map[string]string{"__name__": "node_rapl_package_joules_total", "path": "/sys/class/powercap/intel-rapl:0", "instance": "n2:9100"}, 1)
		}},
		"Kepler's memory": {"dram", 1, func(_ *world, add func(map[string]string, float64) *series) {
			for _, zone := range []string{"package", "core", "dram"} {
				add(map[string]string{"__name__": "kepler_node_cpu_joules_total", "node_name": "n1", "zone": zone, "path": "aggregated-" + zone, "instance": "n1:28282"}, 1)
			}
			add(map[string]string{"__name__": "kepler_node_gpu_joules_total", "node_name": "n1", "gpu_uuid": "GPU-1", "instance": "n1:28282"}, 1)
		}},
		"chips": {"", 2, func(w *world, add func(map[string]string, float64) *series) {
			for chip, name := range map[string]string{"0000:00:01_1_0000:03:00_0": "amdgpu", "0000:00:01_1_0000:04:00_0": "amdgpu", "power_supply_bat0": "BAT0"} {
				labels := map[string]string{"chip": chip, "instance": "n1:9100"}
				about, power := maps.Clone(labels), maps.Clone(labels)
				about["__name__"], about["chip_name"] = "node_hwmon_chip_names", name
				power["__name__"], power["sensor"] = "node_hwmon_power_average_watt", "power1"
				add(about, 1).value = func(time.Time) (float64, bool) { return 1, true }
				add(power, 1).value = func(at time.Time) (float64, bool) { return w.joules(at) - w.joules(at.Add(-time.Second)), true }
			}
		}},
		"AMD": {"", 1, func(w *world, add func(map[string]string, float64) *series) {
			change := time.Now().Add(90 * time.Second)
			labels := func(pod string) map[string]string {
				return map[string]string{"__name__": "gpu_energy_consumed", "gpu_id": "0", "card_model": "0x0c34", "serial_number": "69", "gpu_partition_id": "0", "pod": pod, "instance": "n1:5000"}
			}
			for pod, before := range map[string]bool{"a": true, "b": false} {
				s := add(labels(pod), 1e6)
				value := s.value
				s.value = func(at time.Time) (float64, bool) { v, _ := value(at); return v, at.Before(change) == before }
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0)
				w.load(150)
				c.add(w, func(labels map[string]string, per float64) *series {
					labels["job"] = "any"
					s := &series{labels: labels, every: time.Second, value: func(at time.Time) (float64, bool) { return (5e4 + w.joules(at)) * per, true }}
					w.series = append(w.series, s)
					return s
				})
				cfg, err := parseArg("http://prometheus.test:9090?kind=" + c.kind)
				if c.kind == "" {
					cfg, err = parseArg("http://prometheus.test:9090")
				}
				require.NoError(t, err)
				cfg.HTTP = w.config().HTTP
				s, err := Open(cfg)
				require.NoError(t, err)
				defer s.Close()
				require.Len(t, s.Devices(), c.devices)
				interval, _, _ := s.Scraping()
				assert.Equal(t, time.Second, interval, "it has found the series of the devices")
				time.Sleep(time.Minute)
				span := energy.Span{Start: time.Now()}
				w.load(400)
				time.Sleep(time.Minute)
				w.load(150)
				span.End = time.Now()
				m := measured(t, s, span)
				require.True(t, m.Valid, "%v", m.Reasons)
				assert.InDelta(t, float64(c.devices)*w.truth(span), m.Energy.Joules, m.Energy.High-m.Energy.Low)
				assert.InEpsilon(t, float64(c.devices)*w.truth(span), m.Energy.Joules, 0.02)
				assert.NotContains(t, m.Reasons, energy.ExpectedGPUCountMismatch)
			})
		})
	}
}

// A server that has only shares and sums of devices has none to measure.
func TestPartsAreNoDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := scraped(t, "node_rapl_package_joules_total{index=\"0\",path=\"/sys/class/powercap/intel-rapl-mmio:0\"} 5\n")
		_, err := Open(w.config())
		require.ErrorIs(t, err, energy.ErrNoDevice)
		assert.ErrorContains(t, err, "parts of devices")
	})
	for query, want := range map[string]string{
		"kind=gpus":               "kind=\"gpus\" is none",
		"metric=x&unit=kWh&id=y":  "unit=\"kWh\" is none",
		"metric=x":                "a metric of one's own needs",
		"metrics=x&unit=J&id=y":   "like one",
		"Kind=cpu":                "like one",
		"units=J&metric=x&id=abc": "like one",
	} {
		_, err := energy.Open("prometheus", "http://127.0.0.1:1?"+query, nil)
		require.ErrorIs(t, err, energy.ErrMalformed, query)
		assert.ErrorContains(t, err, want)
	}
}
