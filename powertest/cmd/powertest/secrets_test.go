package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const secret = "hunter2"

// addresses are forms of addresses of a host that hold the secret.
func addresses(host string) []string {
	return []string{
		"http://u:" + secret + "@" + host, "u:" + secret + "@" + host, secret + "@" + host,
		"http://" + host + "/good?token=" + secret, "http://" + host + "?" + secret, "http://" + host + "?a=b&" + secret + "=c",
		"http://" + host + "?apikey=" + secret + "&selector={job=\"a\"}&collect=x",
		"http://u:" + secret, "u:" + secret, "http://u:" + secret + "/x@" + host, "http://u:1," + secret + "@" + host,
		"http://u:" + secret + "%zz@" + host, "http://u:1?" + secret + "@" + host, "http://u:1#" + secret + "@" + host,
		"http://" + host + "?t=" + secret + ",http://" + host + "?t=" + secret, // twice
		"http://" + host + "/redirect?t=" + secret, "http://" + host + "/echo?t=" + secret,
		"ftp://u:" + secret + "@" + host, "http://[" + secret, "http://u:" + secret + "@" + host + " x",
	}
}

// TestSecretsOfAddresses: no command shows what can be a secret of an address, in
// anything that it writes.
func TestSecretsOfAddresses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/redirect"):
			http.Redirect(w, r, "http://127.0.0.1:1"+r.URL.String(), http.StatusFound)
		default:
			http.Error(w, "no: "+r.URL.String(), http.StatusBadRequest) // repeats what it was sent
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	result := filepath.Join(dir, "result.json")
	require.NoError(t, os.WriteFile(result, []byte(`{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": 1700000010, "duration": 10}`), 0o600))
	tried := 0
	for _, host := range []string{"127.0.0.1:1", strings.TrimPrefix(server.URL, "http://")} {
		for _, address := range addresses(host) {
			for _, name := range []string{"dcgm=", "prometheus=", "own=", "=", ""} {
				value := name + address
				for _, args := range [][]string{
					{"doctor", "-source", value},
					{"doctor", "-json", "-source", value, "-devices", "7"},
					{"doctor"},
					{"annotate", "-source", value, "-bench", result, "-agg", filepath.Join(dir, "agg.json")},
					{"annotate", "-prometheus", address, "-bench", result, "-agg", filepath.Join(dir, "agg.json")},
					{"annotate", "-dcgm", address, "-bench", result, "-agg", filepath.Join(dir, "agg.json"), "--", "true"},
				} {
					t.Setenv("POWERTEST_SOURCE", value)
					var out, errs bytes.Buffer
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					run(ctx, args, stdio{nil, &out, &errs})
					cancel()
					tried++
					assert.NotContains(t, out.String()+errs.String(), secret, "%q of %s", args, value)
				}
			}
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		assert.NotContains(t, string(data), secret, f.Name())
	}
	t.Logf("%d commands", tried)
}
