//go:build unix

package process

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be a parent that runs a child which never ends by itself.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_PARENT") != "" {
		c := exec.CommandContext(context.Background(), "/bin/sh", "-c", "echo $$; exec sleep 600")
		c.Stdout = os.Stdout
		_ = Run(c, time.Minute)
		return
	}
	os.Exit(m.Run())
}

// TestKilledParent: who is killed cannot clean up, and its child is gone all the same.
func TestKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system has no signal for it")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), "PROCESS_PARENT=1")
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	text := bufio.NewReader(out)
	line, err := text.ReadString('\n')
	require.NoError(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	require.NoError(t, parent.Process.Kill())
	// The child holds the pipe as long as it is there.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, text)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the child is still there")
	}
	_ = parent.Wait()
}

// TestRun: an interrupt comes before force, and the errors are those of package exec.
func TestRun(t *testing.T) {
	var out strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, "/bin/sh", "-c", "trap 'echo cleaned; exit 0' INT; kill -USR1 $PPID; while :; do sleep 0.01; done")
	c.Stdout = &out
	ready := make(chan os.Signal, 1)
	signal.Notify(ready, syscall.SIGUSR1)
	defer signal.Stop(ready)
	go func() {
		<-ready
		cancel()
	}()
	err := Run(c, time.Minute)
	assert.Equal(t, "cleaned\n", out.String(), "%v", err)
	require.ErrorIs(t, Run(exec.CommandContext(t.Context(), "/no/such/command"), time.Minute), os.ErrNotExist)
	var exit *exec.ExitError
	require.ErrorAs(t, Run(exec.CommandContext(t.Context(), "/bin/sh", "-c", "exit 3"), time.Minute), &exit)
	assert.Equal(t, 3, exit.ExitCode())
	c = exec.CommandContext(t.Context(), "/bin/sh", "-c", "sleep 5 & exit 0")
	c.Stdout = &out
	assert.True(t, errors.Is(Run(c, time.Millisecond), exec.ErrWaitDelay))
}
