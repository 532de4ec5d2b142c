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
	binary, err := exec.LookPath("prometheus")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no prometheus in PATH")
	}
	require.NoError(t, err, "there is no prometheus: install Debian's package of that name")
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
