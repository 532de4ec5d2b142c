package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOtherSources measures one benchmark by an exporter while it runs, and then
// by a Prometheus server that scraped it and by a trace, which know it afterwards.
// How good the numbers are is for the tests of the sources; here they must be there,
// and about right.
func TestOtherSources(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds of real time")
	}
	sim := simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Seed: 7})
	web := httptest.NewServer(dcgmtest.New(dcgmtest.Config{Source: sim, Collect: 200 * time.Millisecond, Only: true}))
	defer web.Close()
	prometheus := startPrometheus(t, web.Listener.Addr().String())

	x := newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	var start, end time.Time
	x.live(func(context.Context, []string, stdio) error {
		time.Sleep(2 * time.Second)
		start = time.Now()
		done := sim.Busy()
		time.Sleep(3 * time.Second)
		done()
		end = time.Now()
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d.%09d, "benchmark_end_time_unix": %d.%09d, "duration": 3.0, "completed": 7, "total_input_tokens": 100, "total_output_tokens": 200}`,
			start.Unix(), start.Nanosecond(), end.Unix(), end.Nanosecond()), 0o644)
	}, "-dcgm", web.URL+"/metrics")
	truth := sim.TrueJoules(start, end)
	x.about(truth, counter)

	t.Run("trace", func(t *testing.T) {
		x := x.in(t)
		rec := energy.NewRecorder(rig{sim})
		w := rec.Open()
		w.Record()
		w.Resume()
		time.Sleep(time.Second)
		traced := energy.Span{Start: time.Now()}
		time.Sleep(time.Second)
		w.Pause()
		traced.End = time.Now()
		w.Measure(t.Context())
		recording := w.Recording()
		require.NoError(t, powertest.Report{SchemaVersion: powertest.SchemaVersion, Recording: &recording}.WriteFile("trace.json"))
		x.window(unixSeconds(traced.Start)-base, unixSeconds(traced.End)-base)
		x.run("-trace", "trace.json", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json")
		x.about(sim.TrueJoules(traced.Start, traced.End), counter)
	})
	t.Run("prometheus", func(t *testing.T) {
		if prometheus == "" {
			t.Skip("there is no prometheus in PATH")
		}
		x := x.in(t)
		x.window(unixSeconds(start)-base, unixSeconds(end)-base)
		x.run("-prometheus", prometheus+"?collect=200ms", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-gpus", "2")
		x.about(truth, counter)
	})
}

// about requires that the power is valid, and near the truth.
func (x *trial) about(truth float64, method string) {
	x.Helper()
	require.Equal(x, exitOK, x.code, x.errs)
	require.Empty(x, x.reasons(), x.out)
	assert.InEpsilon(x, truth, x.powertest("energy").(map[string]any)["joules"], 0.05)
	assert.Equal(x, method, x.file("side.json")["integration_method"])
	assert.Equal(x, 2.0, x.file("side.json")["observed_gpu_count"])
}

// startPrometheus starts a server that scrapes an exporter, and returns its
// address; empty if there is none to start.
func startPrometheus(t *testing.T, target string) string {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		require.Empty(t, os.Getenv("CI"), "there is no prometheus: install Debian's package of that name")
		return ""
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr, dir := l.Addr().String(), t.TempDir()
	require.NoError(t, l.Close())
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "global: {scrape_interval: 200ms}\nscrape_configs: [{job_name: dcgm, static_configs: [{targets: ['%s']}]}]\n", target), 0o600))
	c := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")
	c.Stderr = os.Stderr
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	// Some seconds pass from its start to its first scrape.
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/api/v1/query?query=sum_over_time(up[1m])%3E2")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && bytes.Contains(text, []byte(`"value"`))
	}, time.Minute, 50*time.Millisecond, "prometheus did not scrape")
	return "http://" + addr
}
