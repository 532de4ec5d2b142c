//go:build slow

package powertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// TestSlowJSON: what go test -json says, output by output, is a benchmark file.
func TestSlowJSON(t *testing.T) {
	for _, args := range [][]string{{"-count=2"}, {"-cpu=1,2"}, {"-v"}} {
		r := goTest(t, nil, append([]string{"-json", "-bench=^Benchmark(Loop|N)$", "-benchtime=300ms"}, args...)...)
		var text strings.Builder
		decoder := json.NewDecoder(strings.NewReader(r.out))
		for decoder.More() {
			var event struct{ Output string }
			require.NoError(t, decoder.Decode(&event))
			text.WriteString(event.Output)
		}
		results := run{t, text.String(), r.code}.results()
		want := 4
		if args[0] == "-v" {
			want = 2
		}
		require.Len(t, results, want)
		measured := 0
		for _, x := range results {
			requireJoulesOrReason(t, r, x)
			assert.Equal(t, "simulated", x.GetConfig("energy-source"))
			if _, ok := x.Value("J/op"); ok {
				measured++
			}
		}
		assert.Positive(t, measured, "results with joules")
	}
}

// requireJoulesOrReason is requireJoules on the real clock: where the machine was so
// busy that milliseconds passed between the loop and the benchmark's end, or readings came
// late, the joules of a benchmark as short as these are withheld, as they should be.
func requireJoulesOrReason(t testing.TB, r run, x *benchfmt.Result) {
	t.Helper()
	if _, ok := x.Value("J/op"); !ok {
		require.Regexp(t, "window_mismatch: |benchmark_window_not_bracketed ", r.out, "%s has no J/op", x.Name)
		return
	}
	requireJoules(t, x)
}

// goTest runs go test itself on the packages of testdata.
func goTest(t *testing.T, env []string, args ...string) run {
	t.Helper()
	args = append([]string{"test", "-run=^$"}, args...)
	if !strings.HasPrefix(args[len(args)-1], "./") {
		args = append(args, "./testdata/styles")
	}
	return command(t, env, "go", args...)
}

// TestSlowTwoPackages: go test with two packages gives one file with both.
func TestSlowTwoPackages(t *testing.T) {
	r := goTest(t, []string{"POWERTEST_SOURCE=off"}, "-bench=^Benchmark(Plain|Other|Env)$", "-benchtime=20ms", "./testdata/styles", "./testdata/plain")
	results := r.results()
	require.Len(t, results, 3)
	for _, x := range results {
		requireNoJoules(t, x)
	}
}

// TestSlowBenchstat gives the output of two runs to benchstat: one table per unit,
// with a comparison, and not a word of complaint.
func TestSlowBenchstat(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"old", "new"} {
		r := styled(t, "^Benchmark(Loop|N)$", nil, "-test.count=6", "-test.benchtime=40ms")
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(r.out), 0o644))
		files = append(files, path)
	}
	out, complaints := benchstat(t, files...)
	assert.Empty(t, complaints)
	for _, unit := range []string{"sec/op", "J/op", "W", "err-%", "tokens/J", "J/token", "tokens/s"} {
		assert.Equal(t, 2, strings.Count(out, " "+unit+" "), "columns of %s", unit)
	}
	assert.Equal(t, 7, strings.Count(out, "vs base"), "tables that compare")
	assert.Contains(t, out, "energy-source: simulated")
	assert.Contains(t, out, "n=6")
}

// TestSlowBenchstatOfKinds: what is measured beside the GPUs has tables of its own.
func TestSlowBenchstatOfKinds(t *testing.T) {
	var files []string
	for range 2 {
		r := styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=sim+processor=simulated"}, "-test.count=6")
		path := filepath.Join(t.TempDir(), "bench")
		require.NoError(t, os.WriteFile(path, []byte(r.out), 0o644))
		files = append(files, path)
	}
	out, complaints := benchstat(t, files...)
	assert.Empty(t, complaints)
	for _, unit := range []string{"J/op", "cpu-J/op", "dram-J/op", "all-J/op", "all-err-%", "all-tokens/J"} {
		assert.Equal(t, 2, strings.Count(out, " "+unit+" "), "columns of %s", unit)
	}
	assert.Contains(t, out, "cpu-energy: package+dram")
}

// TestSlowWriterAndBenchstat: reports in two files are compared by the real
// benchstat, without a word of complaint.
func TestSlowWriterAndBenchstat(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var files []string
	for i, joules := range []float64{3000, 2700} {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i))
		f, err := os.Create(path)
		require.NoError(t, err)
		w := NewWriter(f)
		for range 8 {
			require.NoError(t, w.Write(serve(joules*(1+0.01*rng.NormFloat64()))))
		}
		require.NoError(t, f.Close())
		files = append(files, path)
	}
	out, complaints := benchstat(t, files...)
	assert.Empty(t, complaints)
	for _, unit := range []string{"sec/op", "J/op", "tokens/J", "J/prompt-token", "W/gpu"} {
		assert.Contains(t, out, unit)
	}
	assert.Contains(t, out, "Serve/conc=64")
	assert.Contains(t, out, "p=0.000 n=8")
}

// benchstat runs the real one, from the module cache.
func benchstat(t *testing.T, files ...string) (out, complaints string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "benchstat")
	build := exec.Command("go", "build", "-o", bin, "golang.org/x/perf/cmd/benchstat")
	if _, err := os.Stat("../tools.mod"); err == nil {
		build = exec.Command("go", "build", "-modfile=../tools.mod", "-o", bin, "golang.org/x/perf/cmd/benchstat")
	}
	msg, err := build.CombinedOutput()
	require.NoError(t, err, "%s", msg)
	cmd := exec.Command(bin, files...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run())
	t.Log(stdout.String())
	return stdout.String(), stderr.String()
}
