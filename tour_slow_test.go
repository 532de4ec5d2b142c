//go:build slow

package joulebench_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// The units that benchmarks of tokens, and of users, must report.
var (
	perToken = []string{"J/op", "W", "err-%", "tokens/J", "J/token", "tokens/s"}
	perUser  = append([]string{"J/req", "J/user"}, perToken...)
)

var tourUnits = map[string][]string{
	"Chat":                  append([]string{"J/req"}, perToken...),
	"ChatParallel/users=1":  perUser,
	"ChatParallel/users=4":  perUser,
	"ChatParallel/users=16": perUser,
	"Phases":                append([]string{"prefill-J/op", "decode-J/op"}, perToken...),
}

// TestSlowTourRuns runs the command that the README begins with, but once, and
// reads its output as benchstat does. On a machine that is busy with other
// things joules may be withheld, as they should be: then it takes longer.
func TestSlowTourRuns(t *testing.T) {
	for _, benchtime := range []string{"1s", "2s"} {
		out := runTour(t, benchtime, "")
		missing := missingUnits(readTour(t, out))
		if len(missing) == 0 {
			return
		}
		t.Logf("-benchtime=%s: there is no %s in\n%s", benchtime, strings.Join(missing, ", no "), out)
	}
	t.Error("units are missing, however long the benchmarks run")
}

// readTour returns the result of each benchmark.
func readTour(t *testing.T, out string) map[string]*benchfmt.Result {
	t.Helper()
	seen := map[string]*benchfmt.Result{}
	r := benchfmt.NewReader(strings.NewReader(out), "tour")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, out)
		case *benchfmt.Result:
			name := strings.TrimSuffix(string(rec.Name.Full()), procs(rec))
			seen[name] = rec.Clone()
			assert.Equal(t, "simulated", rec.GetConfig("energy-source"), name)
			assert.Equal(t, "Simulated GPU", rec.GetConfig("gpu"), name)
		}
	}
	require.NoError(t, r.Err())
	require.Len(t, seen, len(tourUnits), "%s", out)
	return seen
}

// missingUnits returns what should have been reported, as "BENCHMARK UNIT".
func missingUnits(seen map[string]*benchfmt.Result) (missing []string) {
	for name, units := range tourUnits {
		for _, unit := range units {
			if res := seen[name]; res == nil {
				missing = append(missing, name)
			} else if v, ok := res.Value(unit); !ok || v <= 0 {
				missing = append(missing, name+" "+unit)
			}
		}
	}
	return missing
}

// procs is the suffix that says GOMAXPROCS.
func procs(r *benchfmt.Result) string {
	_, parts := r.Name.Parts()
	if n := len(parts); n > 0 && parts[n-1][0] == '-' {
		return string(parts[n-1])
	}
	return ""
}

// runTour runs the tour in an environment that says nothing of powertest, with
// every GPU hidden: it is simulated wherever the test runs. Its traces go to a directory, if
// there is one, and flags are more of those of go test.
func runTour(t *testing.T, benchtime, traces string, flags ...string) (out string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-count", "1", "-benchtime", benchtime)
	cmd.Args = append(append(cmd.Args, flags...), ".")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POWERTEST_") && !strings.HasPrefix(v, "TOUR_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "CUDA_VISIBLE_DEVICES=", "POWERTEST_TRACE="+traces)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	require.NoError(t, err, "%s%s", b, stderr.Bytes())
	return string(b)
}
