//go:build slow

package annotate

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/simsource"

	_ "github.com/joulebench/joulebench/dcgmsource" // opens exporters
	_ "github.com/joulebench/joulebench/promsource" // opens Prometheus servers
)

// TestSlowOtherSources measures one benchmark by an exporter while it runs, and then
// by a Prometheus server that scraped it, which knows it afterwards. How good the
// numbers are is for the tests of the sources; here they must be there, and about
// right.
func TestSlowOtherSources(t *testing.T) {
	sim := simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Seed: 7})
	web := httptest.NewServer(dcgmtest.New(dcgmtest.Config{Source: sim, Collect: 200 * time.Millisecond, Only: true}))
	defer web.Close()
	var prometheus string
	if _, err := exec.LookPath("prometheus"); err == nil || os.Getenv("CI") != "" {
		prometheus = prometheustest.Start(t, web.Listener.Addr().String())
	}

	x := newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	var start, end time.Time
	x.live(func(context.Context, []string, Streams) error {
		time.Sleep(2 * time.Second)
		start = time.Now()
		done := sim.Busy()
		time.Sleep(3 * time.Second)
		done()
		end = time.Now()
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d.%09d, "benchmark_end_time_unix": %d.%09d, "duration": 3.0, "completed": 7, "total_input_tokens": 100, "total_output_tokens": 200}`,
			start.Unix(), start.Nanosecond(), end.Unix(), end.Nanosecond()), 0o644)
	}, "-source", "dcgm="+web.URL+"/metrics", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json")
	truth := sim.TrueJoules(start, end)
	x.about(truth)

	if prometheus == "" {
		t.Skip("there is no prometheus in PATH")
	}
	x.window(unixSeconds(start)-base, unixSeconds(end)-base)
	x.run("-source", "prometheus="+prometheus+"?collect=200ms", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-gpus", "2")
	x.about(truth)
}

// about requires that the power is valid, and near the truth.
func (x *trial) about(truth float64) {
	x.Helper()
	x.valid(nil)
	assert.InEpsilon(x, truth, x.measured().Energy.Joules, 0.05)
	assert.Equal(x, counter, x.file("side.json")["integration_method"])
	assert.Equal(x, 2.0, x.file("side.json")["observed_gpu_count"])
}
