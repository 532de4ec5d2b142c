//go:build unix

package ab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
)

// TestRunBinary: what a process writes, and what is said of one that leaves another
// behind.
func TestRunBinary(t *testing.T) {
	sh := func(grace time.Duration, script string) (out, errs string, err error) {
		o, e, err := runBinary(grace)(t.Context(), worktree.Binary{Path: "/bin/sh", Dir: t.TempDir()}, []string{"-c", script})
		return string(o), string(e), err
	}
	out, errs, err := sh(time.Minute, "echo PASS; pwd; echo trouble >&2")
	require.NoError(t, err)
	assert.Regexp(t, "^PASS\n/.*\n$", out)
	assert.Equal(t, "trouble\n", errs)
	out, _, err = sh(time.Millisecond, "sleep 3 & echo PASS")
	require.ErrorIs(t, err, errDaemon)
	assert.NotContains(t, err.Error(), "WaitDelay")
	assert.Contains(t, err.Error(), "a process that it has started keeps its output open, and may disturb the next samples\nlet the benchmark end that process")
	assert.Equal(t, "PASS\n", out)
	_, _, err = sh(time.Minute, "exit 3")
	require.EqualError(t, err, "exit status 3")
}
