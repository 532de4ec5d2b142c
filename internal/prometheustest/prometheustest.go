// Package prometheustest starts a Prometheus server for tests.
package prometheustest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Start starts a server that scrapes an exporter at host:port every 200 ms, waits
// until it has samples, and returns its URL. The test is skipped if there is no
// server to start, and fails in CI.
func Start(t *testing.T, target string) string {
	t.Helper()
	url, _ := launch(t, t.TempDir(), fmt.Sprintf("global: {scrape_interval: 200ms}\nscrape_configs: [{job_name: dcgm, static_configs: [{targets: ['%s']}]}]\n", target))
	// Some seconds pass from its start to its first scrape.
	awaitValue(t, url, "sum_over_time(up[1m])%3E2")
	return url
}

// Backfill starts a server that scrapes nothing and has the samples of a text in the format of
// OpenMetrics, and returns its URL and its process. It is skipped as [Start] is.
func Backfill(t *testing.T, samples io.Reader) (url string, p *os.Process) {
	t.Helper()
	promtool := find(t, "promtool")
	dir := t.TempDir()
	text := filepath.Join(dir, "samples")
	file, err := os.Create(text)
	require.NoError(t, err)
	_, err = io.Copy(file, samples)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", text, filepath.Join(dir, "data")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Remove(text))
	return Serve(t, dir)
}

// Serve starts a server that scrapes nothing on the data in a directory of that name.
func Serve(t *testing.T, dir string) (url string, p *os.Process) {
	t.Helper()
	url, p = launch(t, dir, "global: {}\n", "--storage.tsdb.retention.time=10y")
	awaitValue(t, url, "vector(1)")
	return url, p
}

// find returns the path of a program of Debian's package prometheus.
func find(t *testing.T, name string) string {
	t.Helper()
	binary, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("there is no %s in PATH", name)
	}
	require.NoError(t, err, "there is no %s: install Debian's package prometheus", name)
	return binary
}

// launch starts a server with its data in a directory.
func launch(t *testing.T, dir, config string, args ...string) (url string, p *os.Process) {
	t.Helper()
	binary := find(t, "prometheus")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	c := exec.Command(binary, append(args, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")...)
	c.Stderr = os.Stderr
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return "http://" + addr, c.Process
}

// awaitValue waits until a query has a value.
func awaitValue(t *testing.T, url, query string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get(url + "/api/v1/query?query=" + query)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && bytes.Contains(text, []byte(`"value"`))
	}, time.Minute, 50*time.Millisecond, "prometheus has no value of %s", query)
}
