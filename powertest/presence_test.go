package powertest

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// real is a simulation that says it is none.
type real struct{ energy.Source }

func (real) Info() energy.Info { return energy.Info{Name: "real"} }

// other is the file of another process, which may hold a lock on it.
func other(t *testing.T, uuid string, pid int, stamp time.Time) *os.File {
	t.Helper()
	require.NoError(t, os.MkdirAll(presenceDir(), 0o777))
	f, err := os.Create(filepath.Join(presenceDir(), uuid+"."+strconv.Itoa(pid)))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(f.Name(), stamp, stamp))
	t.Cleanup(func() { f.Close() })
	return f
}

func TestPresence(t *testing.T) {
	src := real{simsource.New(simsource.Config{GPUs: 2})}
	uuid := src.Devices()[1].UUID
	const pid = 1 << 30 // nobody's
	for _, c := range []struct {
		name string
		// before and during the measurement
		before, during func(t *testing.T)
		shared         bool
	}{
		{name: "alone"},
		{name: "there all the time", before: func(t *testing.T) {
			require.True(t, tryLock(other(t, uuid, pid, time.Now().Add(-time.Minute)), exclusive))
		}, shared: true},
		{name: "comes and stays", during: func(t *testing.T) {
			require.True(t, tryLock(other(t, uuid, pid, time.Now()), exclusive))
		}, shared: true},
		{name: "comes and goes", during: func(t *testing.T) {
			other(t, uuid, pid, time.Now().Add(time.Millisecond))
		}, shared: true},
		{name: "went before", before: func(t *testing.T) {
			other(t, uuid, pid, time.Now().Add(-time.Millisecond))
		}},
		{name: "on another device", before: func(t *testing.T) {
			require.True(t, tryLock(other(t, "GPU-elsewhere", pid, time.Now()), exclusive))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			if c.before != nil {
				c.before(t)
			}
			p := enter(src)
			require.NotNil(t, p)
			if c.during != nil {
				c.during(t)
			}
			found := p.leave()
			if !c.shared {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, energy.SharedGPU, found[0].Reason)
			assert.Equal(t, uuid, found[0].Device)
			assert.Contains(t, found[0].Detail, strconv.Itoa(pid))
			assert.Empty(t, p.leave(), "only the first call")
		})
	}
}

// TestPresenceOfOneProcess: windows of one process are not strangers.
func TestPresenceOfOneProcess(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	src := real{simsource.New(simsource.Config{})}
	p, q := enter(src), enter(src)
	assert.Empty(t, p.leave())
	f, err := os.Open(q.files[0].path)
	require.NoError(t, err)
	assert.False(t, tryLock(f, shared), "the other window holds it still")
	assert.Empty(t, q.leave())
	assert.True(t, tryLock(f, shared), "nobody holds it")
	f.Close()
}

// TestPresenceCleansUp: files that were left behind go, when nobody can need them.
func TestPresenceCleansUp(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	src := real{simsource.New(simsource.Config{})}
	uuid := src.Devices()[0].UUID
	stale := other(t, uuid, 1<<30, time.Now().Add(-2*time.Hour))
	fresh := other(t, uuid, 1<<30+1, time.Now().Add(-time.Minute))
	busy := other(t, uuid, 1<<30+2, time.Now().Add(-2*time.Hour))
	require.True(t, tryLock(busy, exclusive))
	enter(src).leave()
	assert.NoFileExists(t, stale.Name())
	assert.FileExists(t, fresh.Name())
	assert.FileExists(t, busy.Name())
}

// TestPresenceDegrades: without a place for the files, the question stays open.
func TestPresenceDegrades(t *testing.T) {
	t.Setenv("TMPDIR", "/proc/nowhere")
	src := real{simsource.New(simsource.Config{})}
	assert.Empty(t, enter(src).leave())
	assert.Nil(t, enter(simsource.New(simsource.Config{})), "a simulation is the process's own")
}
