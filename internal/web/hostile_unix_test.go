//go:build unix

package web

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// TestHostileSecretFiles: a file of a secret that is a pipe or never ends is not waited
// for, whatever the time-out of a request is.
func TestHostileSecretFiles(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	url, _ := headerServer(t)
	for _, path := range []string{pipe, "/dev/zero"} {
		for variable, user := range map[string]string{"POWERTEST_HTTP_BEARER_TOKEN_FILE": "", "POWERTEST_HTTP_PASSWORD_FILE": "u"} {
			t.Run(variable+"="+filepath.Base(path), func(t *testing.T) {
				_, err := ask(t, HTTP{}, environment(map[string]string{variable: path, "POWERTEST_HTTP_USER": user}), url)
				require.ErrorIs(t, err, inputfile.ErrNotRegular)
				assert.ErrorContains(t, err, path)
			})
		}
		t.Run("CA="+filepath.Base(path), func(t *testing.T) {
			_, err := Open(HTTP{CAFile: path}, noEnvironment, 1<<20)
			require.ErrorIs(t, err, inputfile.ErrNotRegular)
		})
	}
}

// TestHostileAnswers: no answer is read for ever, takes the credentials elsewhere, or has
// more of it said than fits.
func TestHostileAnswers(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer other.Close()
	again := func(w http.ResponseWriter, text string) {
		for {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
		}
	}
	to := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"endless page": func(w http.ResponseWriter, _ *http.Request) { again(w, strings.Repeat("# x\n", 1000)) },
		"endless line": func(w http.ResponseWriter, _ *http.Request) { again(w, strings.Repeat("x", 1000)) },
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1000 {
				if _, err := z.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		},
		"slow page": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "#")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
		"large header":       func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 20<<20)) },
		"redirect to a file": to("file:///etc/passwd"),
		"redirect to ftp":    to("ftp://127.0.0.1/x"),
		"other host":         to(other.URL),
		"no scheme":          to(strings.TrimPrefix(other.URL, "http:")),
		"loop":               func(w http.ResponseWriter, r *http.Request) { to("/again")(w, r) },
		"long location":      to("http://" + strings.Repeat("a", 100_000)),
		"hostile location":   to("http://a%1b[31m/"),
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			w, err := Open(HTTP{BearerToken: "sesame"}, noEnvironment, 1<<20)
			require.NoError(t, err)
			defer w.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			target, err := Parse(Address(s.URL), exporterDefaults)
			require.NoError(t, err)
			r, err := target.Get(ctx)
			require.NoError(t, err)
			response, err := w.Do(r)
			read := int64(0)
			if err == nil {
				read, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			require.Error(t, err)
			assert.LessOrEqual(t, read, int64(2<<20))
			assert.NotContains(t, Explain(Cause(err)).Error(), "sesame")
			assert.NotContains(t, Explain(Cause(err)).Error(), "\x1b")
		})
	}
}
