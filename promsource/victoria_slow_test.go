//go:build slow

package promsource

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A real VictoriaMetrics. It is skipped where there is none in PATH:
//
//	CGO_ENABLED=0 go install github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@v1.140.0
func TestSlowVictoriaMetrics(t *testing.T) {
	binary, err := exec.LookPath("victoria-metrics")
	if err != nil {
		t.Skip("there is no victoria-metrics in PATH")
	}
	nodes := []*node{startNode(t, 1, 2), startNode(t, 2, 2)}
	dir, addr := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "scrape.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs: [{job_name: dcgm, static_configs: [{targets: [%s]}]}]\n", targets(nodes)), 0o600))
	c := exec.Command(binary, "-promscrape.config="+config, "-storageDataPath="+filepath.Join(dir, "data"), "-httpListenAddr="+addr, "-loggerLevel=ERROR")
	c.Stderr = os.Stderr
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, "it did not start")
	time.Sleep(15 * time.Second)
	for _, params := range []string{"", "?latency_offset=1ms"} {
		src, err := energy.Open(sourceName, "http://"+addr+params, nil)
		require.NoError(t, err)
		s := src.(*Source)
		defer s.Close()
		assert.Equal(t, "1ms", s.client.Params.Get(promapi.LatencyOffset))
		for range 4 {
			span := energy.Span{Start: time.Now()}
			time.Sleep(12 * time.Second)
			span.End = time.Now()
			m := measured(t, s, span)
			t.Logf("waited %v, samples are visible after %v", time.Since(span.End).Round(time.Millisecond), s.delay.get().Round(time.Millisecond))
			check(t, m, nodes...)
			assert.Less(t, time.Since(span.End), 12*time.Second)
		}
	}
	s, err := Open(Config{URL: "http://" + addr})
	require.NoError(t, err)
	defer s.Close()
	span := energy.Span{Start: time.Now().Add(-100 * time.Second), End: time.Now().Add(-10 * time.Second)} // with an interior
	check(t, measured(t, s, span), nodes...)
	nodes[1].exporter.ResetCounter(0)
	time.Sleep(10 * time.Second)
	m := measured(t, s, energy.Span{Start: span.Start, End: time.Now().Add(-time.Second)})
	assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
}
