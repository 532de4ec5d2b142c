//go:build unix

package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// TestMain lets the test binary be a parent that runs a child which never ends by itself,
// and what PROCESS_PARENT says before.
func TestMain(m *testing.M) {
	if before := os.Getenv("PROCESS_PARENT"); before != "" {
		fmt.Println(Self())
		c := exec.CommandContext(context.Background(), "/bin/sh", "-c", before+"; echo $$; exec sleep 600")
		c.Stdout, c.Env = os.Stdout, append(os.Environ(), Mark())
		_ = Run(c, time.Minute)
		return
	}
	if command := os.Getenv("PROCESS_RELAY"); command != "" {
		c := exec.Command("/bin/sh", "-c", command)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		fmt.Println("ended:", Relay(c))
		return
	}
	if os.Getenv("PROCESS_SIGNALS") != "" {
		signals := make(chan os.Signal, 8)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("ready")
		for s := range signals {
			if fmt.Println(s); s == syscall.SIGTERM {
				return
			}
		}
	}
	os.Exit(m.Run())
}

// TestKilledParent: who is killed cannot clean up, and its child is gone all the same.
func TestKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system has no signal for it")
	}
	_, _, ended := killedParent(t, ":")
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the child is still there")
	}
}

// killedParent is a parent that was killed: how it called itself, the last number that its
// child has written, and when nobody is there any more who could write more.
func killedParent(t *testing.T, before string) (self string, number int, ended <-chan struct{}) {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(path)
	parent.Env = append(os.Environ(), "PROCESS_PARENT="+before)
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	text := bufio.NewScanner(out)
	require.True(t, text.Scan())
	self = text.Text()
	require.True(t, text.Scan())
	number, err = strconv.Atoi(text.Text())
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Kill(number, syscall.SIGKILL) })
	require.Empty(t, EndLeft(self), "it is there")
	require.NoError(t, parent.Process.Kill())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, out)
		_ = parent.Wait()
	}()
	return self, number, done
}

// TestEndLeft: what the child of a process that was killed has started is ended, and
// nothing else.
func TestEndLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not show whose a process is")
	}
	other := exec.Command("/bin/sleep", "600")
	other.Env = append(os.Environ(), Mark())
	require.NoError(t, other.Start())
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	self, grandchild, ended := killedParent(t, "sleep 600 & echo $!")
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) { // until the parent is no zombie
		list := EndLeft(self)
		if len(list) > 0 {
			assert.Equal(t, []string{fmt.Sprintf("process %d (sleep)", grandchild)}, list)
			break
		}
		require.Less(t, time.Since(began), time.Minute)
	}
	<-ended
	assert.Empty(t, EndLeft(self))
	for _, name := range []string{"", "process", "process 0 on x", "process -1 on x", Self(), "process 1073741824 on x\x00"} {
		assert.Empty(t, EndLeft(name))
	}
	require.NoError(t, other.Process.Signal(syscall.Signal(0)), "it is there")
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
