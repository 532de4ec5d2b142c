package process

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pseudoterminal opens a terminal: what is written to keys is typed on it.
func pseudoterminal(t *testing.T) (keys, terminal *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals: %v", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	return keys, terminal
}

// TestRelayOnTerminal: the terminal sends an interrupt to the command, which gets it once
// and can read from the terminal before; another signal comes from us.
func TestRelayOnTerminal(t *testing.T) {
	keys, terminal := pseudoterminal(t)
	path, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("PROCESS_SIGNALS", path)
	c, out := relay(t, `read word; echo $word; unset PROCESS_RELAY; exec "$PROCESS_SIGNALS"`, func(c *exec.Cmd) {
		c.Stdin = terminal
		c.SysProcAttr.Setctty = true
	})
	_, err = io.WriteString(keys, "hello\n")
	require.NoError(t, err)
	require.Equal(t, "hello", line(t, out))
	require.Equal(t, "ready", line(t, out))
	_, err = keys.Write([]byte{3}) // Ctrl-C
	require.NoError(t, err)
	require.Equal(t, "interrupt", line(t, out))
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(bufio.NewReader(out))
	require.NoError(t, err)
	assert.Equal(t, "terminated\nended: <nil>\n", strings.ReplaceAll(string(rest), "\r", ""), "and no second interrupt")
}
