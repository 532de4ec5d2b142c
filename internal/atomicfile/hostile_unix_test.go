//go:build unix

package atomicfile

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileOutput: what stands where a file is to be written is not waited for, and what
// is no file is not replaced.
func TestHostileOutput(t *testing.T) {
	dir := t.TempDir()
	pipe, link, loop := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "loop")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink(pipe, link))
	require.NoError(t, os.Symlink("loop", loop))
	dangling := filepath.Join(dir, "dangling")
	require.NoError(t, os.Symlink("none", dangling))
	for _, path := range []string{pipe, link, loop, dangling, dir, filepath.Join(dir, "none", "file")} {
		for _, flags := range []int{0, os.O_APPEND, os.O_TRUNC} {
			_, err := Open(path, flags)
			require.Error(t, err, path)
		}
		require.Error(t, Write(path, text("x")), path)
		require.Error(t, Create(path, text("x")), path)
	}
	if f, err := Open("/dev/full", os.O_APPEND); err == nil {
		_, err = f.WriteString("x")
		require.ErrorIs(t, err, syscall.ENOSPC)
		f.Close()
	}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, list, 4)
}

// TestReadPipe: a pipe that is read is written.
func TestReadPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	r, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer r.Close()
	f, err := Open(pipe, os.O_APPEND)
	require.NoError(t, err)
	_, err = f.WriteString("text")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "text", string(got))
}
