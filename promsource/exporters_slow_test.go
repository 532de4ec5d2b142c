//go:build slow

package promsource

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/exportertest"
	"github.com/joulebench/joulebench/internal/prometheustest"
)

// TestSlowExporters: a real server that scrapes all pages is asked for each of them. It
// understands the expressions, and its answers are what the fake's are.
func TestSlowExporters(t *testing.T) {
	t.Parallel() // it waits for scrapes
	pages := map[string]string{}
	for _, c := range exportertest.Cases(t) {
		pages[c.Page] = c.Text(t)
	}
	for _, page := range []string{"several.prom", "amd-prefix.prom", "kepler.prom", "node_exporter.prom"} {
		t.Run(page, func(t *testing.T) {
			exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain; version=0.0.4")
				fmt.Fprint(w, pages[page])
			}))
			defer exporter.Close()
			target := exporter.Listener.Addr().String()
			server := prometheustest.Start(t, target)
			for _, c := range exportertest.Cases(t) {
				if c.Page != page {
					continue
				}
				cfg, err := parseArg(server + "?" + c.Query())
				require.NoError(t, err)
				s, err := Open(cfg)
				require.NoError(t, err, c.Query())
				c.At(target).Check(t, s)
				assert.NoError(t, s.Close())
			}
		})
	}
}
