//go:build unix

package inputfile

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileFiles: none of these is waited for, nor read for ever. Without the package
// each of them ends the test by its time-out.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(pipe, link))
	for _, path := range []string{pipe, link, "/dev/zero", "/dev/null", dir} {
		t.Run(path, func(t *testing.T) {
			_, err := ReadFile(path, 1000)
			require.ErrorIs(t, err, ErrNotRegular)
			assert.ErrorContains(t, err, path)
			if path != pipe && path != link {
				_, err = OpenStream(path)
				require.ErrorIs(t, err, ErrNotRegular)
			}
		})
	}
	_, err := Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestStream: a pipe is read where one is meant.
func TestStream(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	go os.WriteFile(pipe, []byte("text"), 0)
	f, err := OpenStream(pipe)
	require.NoError(t, err)
	defer f.Close()
	data, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Equal(t, "text", string(data))
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	data, err := ReadFile(path, 5)
	require.NoError(t, err)
	assert.Equal(t, "12345", string(data))
	_, err = ReadFile(path, 4)
	require.ErrorContains(t, err, "it has more than the 4 bytes that are read at most")
}
