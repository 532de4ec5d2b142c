//go:build slow

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// built returns the program, built, in an environment that says nothing of
// servers and sources.
func built(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loadgen.exe")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(path, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POWERTEST_") && !strings.HasPrefix(v, "OPENAI_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// TestSlowProcess runs the program as a user does.
func TestSlowProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.json")
	cmd := built(t, "-benchfmt", "-", "-users", "1,8", "-duration", "1s", "-warmup", "200ms", "-prompt", "20", "-max-tokens", "10", "-json", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	requireRun(t, out, stderr.String(), file)
}

// TestSlowProcessInterrupted: an interrupt in the second level leaves the first one.
func TestSlowProcessInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no interrupts to send")
	}
	cmd := built(t, "-benchfmt", "-", "-users", "1,2", "-duration", "1s", "-count", "1000", "-prompt", "20", "-max-tokens", "10")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill() // if the test fails before the end
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "loadgen: users=1:") {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Equal(t, interrupted, exit.ExitCode())
	records := readRecords(t, stdout.Bytes())
	require.NotEmpty(t, records)
	assert.Equal(t, "Loadgen/users=1", string(records[0].Name.Full()))
}
