//go:build slow

package dcgmsource_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/simsource"
)

// serveFleet starts the exporters of two hosts with eight GPUs each, all of them
// fully loaded, and returns their addresses as POWERTEST_SOURCE has them.
func serveFleet(t *testing.T) string {
	t.Helper()
	sim := simsource.New(simsource.Config{GPUs: 16, Noise: 0.02})
	t.Cleanup(sim.Busy())
	var urls []string
	for host := range 2 {
		var devices []int
		for i := range 8 {
			devices = append(devices, 8*host+i)
		}
		server := httptest.NewServer(dcgmtest.New(dcgmtest.Config{
			Source: sim, Devices: devices, Hostname: fmt.Sprintf("gpu-node-%02d", host+1),
			Collect: time.Second,
		}))
		t.Cleanup(server.Close)
		urls = append(urls, server.URL)
	}
	return strings.Join(urls, ",")
}

// benchFleet runs the benchmark as a user does. On a busy machine a window may have
// no number, of which there is another.
func benchFleet(t *testing.T, urls string) string {
	t.Helper()
	var out []byte
	err := errors.New("not run")
	for try := 0; try < 5 && err != nil; try++ {
		cmd := exec.Command("go", "test", "-run=^$", "-bench=Serve", "-benchtime=5s", "./testdata/fleet")
		cmd.Env = append(os.Environ(), "POWERTEST_SOURCE=dcgm="+urls, "POWERTEST_STRICT=1")
		out, err = cmd.CombinedOutput()
		t.Logf("%s\n%s", strings.Join(cmd.Args, " "), out)
	}
	require.NoError(t, err)
	return string(out)
}

// results reads the output as benchstat does, and fails on what it cannot read.
func results(t *testing.T, out string) []*benchfmt.Result {
	t.Helper()
	var list []*benchfmt.Result
	reader := benchfmt.NewReader(strings.NewReader(out), "out")
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			list = append(list, record.Clone())
		case *benchfmt.SyntaxError:
			require.Fail(t, "torn line", "%v", record)
		}
	}
	require.NoError(t, reader.Err())
	return list
}

// TestSlowOutput: a benchmark whose GPUs are elsewhere, chosen without touching its
// code, says what they used, in a form that benchstat compares.
func TestSlowOutput(t *testing.T) {
	urls := serveFleet(t)
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"old", "new"} {
		out := benchFleet(t, urls)
		list := results(t, out)
		require.Len(t, list, 1)
		requireFleet(t, list[0])
		files = append(files, filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(files[len(files)-1], []byte(out), 0o644))
	}
	requireCompared(t, benchstat(t, files...))
}

// requireFleet requires the joules of sixteen GPUs at 700 W, and the header.
func requireFleet(t *testing.T, r *benchfmt.Result) {
	t.Helper()
	seconds, _ := r.Value("sec/op")
	joules, ok := r.Value("J/op")
	require.True(t, ok, "J/op")
	watts, ok := r.Value("W")
	require.True(t, ok, "W")
	percent, ok := r.Value("err-%")
	require.True(t, ok, "err-%")
	// The busier the machine, the wider the interval.
	assert.Less(t, percent, 50.0)
	assert.InEpsilon(t, 16*700, watts, 0.03+percent/100)
	assert.InEpsilon(t, 16*700*seconds, joules, 0.05+percent/100)
	tokens, ok := r.Value("J/token")
	require.True(t, ok, "J/token")
	assert.InEpsilon(t, joules/10, tokens, 0.001)
	for key, want := range map[string]string{"gpu": "NVIDIA H200", "gpus": "16", "energy-source": "dcgm"} {
		assert.Equal(t, want, r.GetConfig(key), key)
	}
}

// benchstat runs the real one.
func benchstat(t *testing.T, files ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"tool", "-modfile=../tools.mod", "benchstat"}, files...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
	t.Log(stdout.String())
	return stdout.String()
}

// requireCompared requires a table with a comparison for each unit.
func requireCompared(t *testing.T, tables string) {
	t.Helper()
	for _, unit := range []string{"sec/op", "J/op", "W", "err-%", "J/token", "tokens/J"} {
		assert.Equal(t, 2, strings.Count(tables, " "+unit+" "), "columns of %s", unit)
	}
	assert.GreaterOrEqual(t, strings.Count(tables, "vs base"), 6, "tables that compare")
	assert.Contains(t, tables, "energy-source: dcgm")
	assert.Contains(t, tables, "gpus: 16")
}
