package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/internal/command"
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
		"HTTP://u:" + secret + "@" + host, "http://:" + secret + "@" + host, "http://u:" + secret + "@", "u:" + secret + "@[::1]:1",
		"http://[::1]:1/?k=" + secret, "http://" + host + "/#" + secret, "http://u:" + percent(secret) + "@" + host,
		"http://" + host + "/?" + percent(secret), "//u:" + secret + "@" + host, host + "?x=1;pw=" + secret, "http:/u:" + secret + "@" + host,
		"http:u:" + secret + "@" + host, "http://h:" + secret + "/", "http://" + host + "/a?x=%zz&t=" + secret,
		"http://" + host + ",u:" + secret + "@" + host, "http://" + host + "/m?a=b?c=" + secret, "http://u:a@" + secret + "@" + host,
		"http://" + host + "/\u200b?t=" + secret, "http://[::1?t=" + secret, "http://" + host + "/m?token=" + secret + "#role",
		" http://u:" + secret + "@" + host, "\"http://u:" + secret + "@" + host + "\"", "http://u:" + secret + "\\@" + host,
		"http://u" + secret + ":@h:99999", "http://" + host + "/?selector=up&token=" + secret, "http://" + host + "/?SELECTOR=" + secret,
		"https://" + host + "/?token=" + secret, "http://" + host + "?token=" + secret, "http://" + host + "/;token=" + secret,
	}
}

// percent writes each character of a text by its number, as an address may.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// TestHostileAddresses: no command shows what can be a secret of an address, in
// anything that it writes.
func TestHostileAddresses(t *testing.T) {
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
	closed := "127.0.0.1:1"
	for _, host := range []string{closed, strings.TrimPrefix(server.URL, "http://")} {
		for i, address := range addresses(host) {
			t.Run(fmt.Sprintf("%d on %s", i, map[bool]string{true: "no server", false: "a server"}[host == closed]), func(t *testing.T) {
				requireHidden(t, address, result, dir)
			})
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		assert.NotContains(t, string(data), secret, f.Name())
	}
}

// requireHidden runs commands with an address, in all places where one may be.
func requireHidden(t *testing.T, address, result, dir string) {
	t.Helper()
	agg := filepath.Join(dir, "agg.json")
	for _, name := range []string{"dcgm=", "prometheus=", "own=", ""} {
		value := name + address
		t.Setenv("POWERTEST_SOURCE", value)
		lines := [][]string{{"doctor", "-json", "-source", value, "-devices", "7"}, {"annotate", "-source", value, "-bench", result, "-agg", agg},
			{"annotate", "-source", "sim", "-tokens", value, "-bench", result, "-agg", agg, "--", "true"}}
		if name == "" {
			lines = append(lines, []string{"annotate", "-prometheus", address, "-bench", result, "-agg", agg},
				[]string{"series", "-prometheus", address},
				[]string{"annotate", "-dcgm", address, "-bench", result, "-agg", agg, "--", "true"})
		} else {
			lines = append(lines, []string{"doctor"})
		}
		for _, args := range lines {
			var out, errs bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			program.Run(ctx, args, command.Streams{Out: &out, Err: &errs})
			cancel()
			said := strings.ToLower(out.String() + errs.String())
			assert.NotContains(t, said, secret, "%q of %s", args, value)
			assert.NotContains(t, said, strings.ToLower(percent(secret)), "%q of %s", args, value)
		}
	}
}
