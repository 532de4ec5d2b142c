package presence

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	device = "GPU-5f01"
	nobody = 1 << 30 // no process has this id
)

// other is the file of another process, which may hold a lock on it.
func other(t *testing.T, device string, pid int, stamp time.Time) *os.File {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir(), 0o777))
	f, err := os.Create(filepath.Join(dir(), device+"."+strconv.Itoa(pid)))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(f.Name(), stamp, stamp))
	t.Cleanup(func() { f.Close() })
	return f
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
			require.True(t, tryLock(other(t, device, nobody, time.Now().Add(-time.Minute)), exclusive))
		}, shared: true},
		{name: "comes and stays", during: func(t *testing.T) {
			require.True(t, tryLock(other(t, device, nobody, time.Now()), exclusive))
		}, shared: true},
		{name: "comes and goes", during: func(t *testing.T) {
			other(t, device, nobody, time.Now().Add(time.Millisecond))
		}, shared: true},
		{name: "went before", before: func(t *testing.T) {
			other(t, device, nobody, time.Now().Add(-time.Millisecond))
		}},
		{name: "on another device", before: func(t *testing.T) {
			require.True(t, tryLock(other(t, "GPU-elsewhere", nobody, time.Now()), exclusive))
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
	f, err := os.Open(q.files[0].path)
	require.NoError(t, err)
	assert.False(t, tryLock(f, shared), "the other measurement holds it still")
	assert.Empty(t, q.Leave())
	assert.True(t, tryLock(f, shared), "nobody holds it")
	f.Close()
}

// TestCleansUp: files that were left behind go, when nobody can need them.
func TestCleansUp(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	stale := other(t, device, nobody, time.Now().Add(-2*time.Hour))
	fresh := other(t, device, nobody+1, time.Now().Add(-time.Minute))
	busy := other(t, device, nobody+2, time.Now().Add(-2*time.Hour))
	require.True(t, tryLock(busy, exclusive))
	Enter(device).Leave()
	assert.NoFileExists(t, stale.Name())
	assert.FileExists(t, fresh.Name())
	assert.FileExists(t, busy.Name())
}

// TestDegrades: without a place for the files, the question stays open.
func TestDegrades(t *testing.T) {
	t.Setenv("TMPDIR", "/proc/nowhere")
	assert.Empty(t, Enter(device).Leave())
	assert.Empty(t, (*Presence)(nil).Leave())
}
