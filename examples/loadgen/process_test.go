package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest"
)

// command returns the program, built, in an environment that says nothing of
// servers and sources.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program and runs it for some seconds")
	}
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

// readRecords reads the benchmark records in the output, as benchstat does. All
// lines that it takes for configuration must be meant as such.
func readRecords(t *testing.T, out []byte) (list []*benchfmt.Result) {
	t.Helper()
	meant := []string{"model", "prompt-words", "max-tokens", "slo-ttft", "slo-itl", "energy-source", "gpu", "gpus", "power-limit"}
	r := benchfmt.NewReader(bytes.NewReader(out), "loadgen")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, out)
		case *benchfmt.Result:
			list = append(list, rec.Clone())
			for _, c := range rec.Config {
				if c.File {
					assert.Contains(t, meant, c.Key)
				}
			}
			assert.Equal(t, "simulated", rec.GetConfig("energy-source"))
			assert.Equal(t, "embedded", rec.GetConfig("model"))
		}
	}
	require.NoError(t, r.Err())
	return list
}

// TestProcess runs the program as a user does.
func TestProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.json")
	cmd := command(t, "-users", "1,8", "-duration", "1s", "-warmup", "200ms", "-prompt", "20", "-max-tokens", "10", "-json", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	header, _, _ := strings.Cut(string(out), "\n")
	assert.Equal(t, []string{
		"users", "requests", "req/s", "tokens/s", "TTFT-p50-ms", "TTFT-p99-ms", "ITL-p50-ms", "ITL-p99-ms", "SLO-%", "W", "tokens/J", "±%",
		"goodput-tokens/J", "J/token", "prefill-J/req", "decode-J/req", "errors",
	}, strings.Fields(header))
	records := readRecords(t, out)
	require.Len(t, records, 2)
	for i, name := range []string{"Loadgen/users=1", "Loadgen/users=8"} {
		assert.Equal(t, name, string(records[i].Name.Full()))
		for _, unit := range []string{"tokens/s", "p99-ttft-sec", "p50-itl-sec"} {
			v, found := records[i].Value(unit)
			assert.True(t, found && v > 0, "%s of %s", unit, name)
		}
	}
	assert.Equal(t, 2, strings.Count(stderr.String(), "loadgen: users="), "%s", &stderr)
	assert.Contains(t, stderr.String(), "its GPU simulated")
	var reports []powertest.Report
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &reports))
	require.Len(t, reports, 2)
	assert.Equal(t, "simulated", reports[1].Source)
}

// TestProcessInterrupted: an interrupt in the second level leaves the first one.
func TestProcessInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no interrupts to send")
	}
	cmd := command(t, "-users", "1,2", "-duration", "1s", "-count", "1000", "-prompt", "20", "-max-tokens", "10")
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
	assert.Contains(t, stdout.String(), "tokens/J")
	records := readRecords(t, stdout.Bytes())
	require.NotEmpty(t, records)
	assert.Equal(t, "Loadgen/users=1", string(records[0].Name.Full()))
}
