//go:build unix

package profile_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/profile"
)

// TestPipe: who would write to it is not waited for.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o644))
	_, err := profile.Read(pipe)
	assert.ErrorContains(t, err, "not a regular file")
	_, err = profile.Read("/dev/zero")
	assert.ErrorContains(t, err, "not a regular file")
}
