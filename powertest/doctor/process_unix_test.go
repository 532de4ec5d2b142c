//go:build unix

package doctor

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLoadProcess: a load is stopped, goes on, and is gone at the end, with the
// processes that it has started.
func TestLoadProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "count")
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	grows := func() bool {
		before := size()
		time.Sleep(100 * time.Millisecond)
		return size() > before
	}
	var out bytes.Buffer
	t.Setenv("COUNT", file)
	p, err := startProcess(`(trap '' TERM; while :; do echo x >>"$COUNT"; sleep 0.005; done) & echo started; wait`, &out)
	require.NoError(t, err)
	p.(*process).c.WaitDelay = 100 * time.Millisecond
	pid := p.(*process).c.Process.Pid
	t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	require.Eventually(t, grows, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Pause())
	assert.Eventually(t, func() bool { return !grows() }, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Resume())
	assert.Eventually(t, grows, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Pause())
	p.End()
	<-p.Done()
	assert.Equal(t, "started\n", out.String())
	assert.Eventually(t, func() bool { return syscall.Kill(-pid, 0) == syscall.ESRCH }, 10*time.Second, time.Millisecond,
		"also the one that does not heed the signal")

	quick, err := startProcess("exit 3", &out)
	require.NoError(t, err)
	<-quick.Done()
	quick.End()
	assert.Error(t, quick.Pause(), "it is gone")
}
