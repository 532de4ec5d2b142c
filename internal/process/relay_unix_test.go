//go:build unix

package process

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// relay starts a process that relays to a command, which the shell runs, and returns it and
// what it writes.
func relay(t *testing.T, command string, set func(c *exec.Cmd)) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(path)
	c.Env = append(os.Environ(), "PROCESS_RELAY="+command)
	// As a session of its own it has no terminal, wherever the test runs.
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	c.Stdout = write // not of the shell's remarks on processes that were ended
	if set != nil {
		set(c)
	}
	require.NoError(t, c.Start())
	require.NoError(t, write.Close())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = read.Close()
	})
	return c, bufio.NewReader(read)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(s)
}

// TestRelay: signals reach what the command has started, as they are.
func TestRelay(t *testing.T) {
	for name, s := range map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(s) {
				t.Skip("the signal is ignored here, as nohup makes it, and so it is by a shell")
			}
			c, out := relay(t, `sh -c 'trap "echo got `+name+`; exit 0" `+name+`; echo ready; while :; do sleep 0.01; done'; :`, nil)
			require.Equal(t, "ready", line(t, out))
			require.NoError(t, c.Process.Signal(s))
			rest, err := io.ReadAll(out)
			require.NoError(t, err)
			assert.Contains(t, string(rest), "got "+name+"\n")
			assert.Contains(t, string(rest), "ended: ")
		})
	}
}

// TestRelayedAgain: how the command ends is its own affair, however often it is asked to.
func TestRelayedAgain(t *testing.T) {
	c, out := relay(t, `n=0; trap 'n=$((n+1)); echo $n; if [ $n = 3 ]; then exit 7; fi' TERM; echo ready; while :; do sleep 0.01; done`, nil)
	require.Equal(t, "ready", line(t, out))
	for _, want := range []string{"1", "2", "3"} {
		require.NoError(t, c.Process.Signal(syscall.SIGTERM))
		require.Equal(t, want, line(t, out))
	}
	assert.Equal(t, "ended: exit status 7", line(t, out))
}

// TestRelayedKilled: a command that a signal ends is reported as such.
func TestRelayedKilled(t *testing.T) {
	c, out := relay(t, "echo ready; exec sleep 600", nil)
	line(t, out)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, "ended: signal: terminated", line(t, out))
}

// TestRelayLeft: a process that the command has left behind, with our streams, is not
// waited for.
func TestRelayLeft(t *testing.T) {
	began := time.Now()
	_, out := relay(t, "sleep 600 & echo $!", nil)
	left := line(t, out)
	assert.Equal(t, "ended: <nil>", line(t, out))
	assert.Less(t, time.Since(began), time.Minute)
	_ = exec.Command("kill", left).Run()
}
