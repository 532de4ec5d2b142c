//go:build unix

package web

import (
	"path/filepath"
	"syscall"
	"testing"

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
