//go:build unix

package presence

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/filelock"
)

const (
	device = "GPU-5f01"
	nobody = 1 << 30 // no process has this id
)

// other is the file of another process, which may hold a lock on it.
func other(t *testing.T, device string, pid int, stamp time.Time) *os.File {
	t.Helper()
	Enter().Leave() // makes the directory
	f, err := os.Create(filepath.Join(sharedPath(), device+"."+strconv.Itoa(pid)))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(f.Name(), stamp, stamp))
	t.Cleanup(func() { f.Close() })
	return f
}

func try(t *testing.T, f *os.File, kind filelock.Kind) bool {
	t.Helper()
	ok, err := filelock.Try(f, kind)
	require.NoError(t, err)
	return ok
}

func TestPresence(t *testing.T) {
	for _, c := range []struct {
		name string
		// before and during the measurement
		before, during func(t *testing.T)
		shared         bool
	}{
		{name: "alone"},
		{name: "there all the time", before: func(t *testing.T) {
			require.True(t, try(t, other(t, device, nobody, time.Now().Add(-time.Minute)), filelock.Exclusive))
		}, shared: true},
		{name: "comes and stays", during: func(t *testing.T) {
			require.True(t, try(t, other(t, device, nobody, time.Now()), filelock.Exclusive))
		}, shared: true},
		{name: "comes and goes", during: func(t *testing.T) {
			other(t, device, nobody, time.Now().Add(time.Millisecond))
		}, shared: true},
		{name: "went before", before: func(t *testing.T) {
			other(t, device, nobody, time.Now().Add(-time.Millisecond))
		}},
		{name: "on another device", before: func(t *testing.T) {
			require.True(t, try(t, other(t, "GPU-elsewhere", nobody, time.Now()), filelock.Exclusive))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			if c.before != nil {
				c.before(t)
			}
			p := Enter("GPU-0", device)
			require.NotNil(t, p)
			if c.during != nil {
				c.during(t)
			}
			found := p.Leave()
			if !c.shared {
				assert.Empty(t, found)
				return
			}
			assert.Equal(t, []Other{{device, strconv.Itoa(nobody)}}, found)
			assert.Empty(t, p.Leave(), "only the first call")
		})
	}
}

// TestOneProcess: measurements of one process are not others.
func TestOneProcess(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p, q := Enter(device), Enter(device)
	assert.Empty(t, p.Leave())
	f, err := os.Open(filepath.Join(sharedPath(), q.files[0].name))
	require.NoError(t, err)
	assert.False(t, try(t, f, filelock.Shared), "the other measurement holds it still")
	assert.Empty(t, q.Leave())
	assert.True(t, try(t, f, filelock.Shared), "nobody holds it")
	f.Close()
}

// TestCleansUp: files that were left behind go, when nobody can need them.
func TestCleansUp(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	stale := other(t, device, nobody, time.Now().Add(-2*time.Hour))
	fresh := other(t, device, nobody+1, time.Now().Add(-time.Minute))
	busy := other(t, device, nobody+2, time.Now().Add(-2*time.Hour))
	require.True(t, try(t, busy, filelock.Exclusive))
	Enter(device).Leave()
	assert.NoFileExists(t, stale.Name())
	assert.FileExists(t, fresh.Name())
	assert.FileExists(t, busy.Name())
}

// TestDegrades: without a place for the files, the question stays open.
func TestDegrades(t *testing.T) {
	t.Setenv("TMPDIR", "/proc/nowhere")
	t.Setenv("XDG_CACHE_HOME", "/proc/nowhere")
	p := Enter(device)
	require.ErrorContains(t, p.Problem(), "others that measure the same devices are not found: mkdir /proc/nowhere")
	assert.Empty(t, p.Leave())
	assert.Empty(t, (*Presence)(nil).Leave())
	assert.NoError(t, (*Presence)(nil).Problem())
}
