package dcgmsource

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Whatever stands in the labels of a metric that is known, each device has one identity,
// none is merged with another, and a page of nonsense is an error.
func TestHostileLabels(t *testing.T) {
	nasty := []string{`\"`, `\\`, `\n`, "\x1b[31m", "\u202e", `}{`, `,uuid=\"GPU-1\"`, "a/b", "..", strings.Repeat("x", 5000), "GPU-", "=", " "}
	for i := range metricname.Table {
		m := &metricname.Table[i]
		if m.Kind == metricname.About || m.Name == "" {
			continue
		}
		t.Run(fmt.Sprint(i, " ", m.Name), func(t *testing.T) {
			var body strings.Builder
			for k, value := range nasty {
				fmt.Fprintf(&body, "%s{", m.Name)
				for _, label := range m.From.KeyLabels() {
					fmt.Fprintf(&body, "%s=\"%s%d\",", label, value, k)
				}
				fmt.Fprintf(&body, "hw_sensor_location=\"card\",scope=\"gpu\",zone_=\"%s\"} %d\n", value, 1000+k)
			}
			synctest.Test(t, func(t *testing.T) {
				s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, Kinds: metricname.AllKinds, HTTP: network{"a:9400": (&exporter{body: body.String()}).ServeHTTP}.client()})
				if err != nil {
					return // rows that no metric wants, or labels that are there twice
				}
				defer s.Close()
				seen := map[string]bool{}
				for i, d := range s.Devices() {
					assert.False(t, seen[d.UUID], d.UUID)
					seen[d.UUID] = true
					r := readAll(s)[i]
					assert.True(t, r.Err != nil || r.Joules+r.Watts > 0)
				}
			})
		})
	}
}

// A page that is full of devices is an error, whichever they are.
func TestHostileNumberOfDevices(t *testing.T) {
	for _, form := range []string{
		"node_rapl_package_joules_total{path=\"intel-rapl:%d\"} 5\n",
		"amd_gpu_energy_consumed{gpu_id=\"%d\",serial_number=\"1\",card_model=\"x\"} 5\n",
		"nvidia_smi_gpu_info{uuid=\"%d\"} 1\n",
	} {
		var body strings.Builder
		for i := range maxGPUs + 1 {
			fmt.Fprintf(&body, form, i)
		}
		synctest.Test(t, func(t *testing.T) {
			_, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: network{"a:9400": (&exporter{body: body.String()}).ServeHTTP}.client()})
			require.ErrorIs(t, err, ErrPage)
			assert.ErrorContains(t, err, "more than 1024 GPUs")
			assert.NotErrorIs(t, err, energy.ErrNoDevice)
		})
	}
}
