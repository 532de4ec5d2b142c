//go:build unix

package presence

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileFiles: all users can write to the directory. A pipe in it is not waited
// for, and a link is not followed.
func TestHostileFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.MkdirAll(dir(), 0o777))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir(), device+"."+strconv.Itoa(nobody)), 0o666))
	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, nil, 0o644))
	long := time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(victim, long, long))
	require.NoError(t, os.Symlink(victim, filepath.Join(dir(), device+"."+strconv.Itoa(os.Getpid()))))

	assert.Empty(t, Enter(device).Leave())
	info, err := os.Stat(victim)
	require.NoError(t, err)
	assert.True(t, info.ModTime().Equal(long), "it was stamped through a link")
}
