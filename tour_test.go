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

// TestTheTourRuns runs the command that the README begins with, but for less
// long, and reads its output as benchstat does.
func TestTheTourRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the benchmarks for some seconds")
	}
	out := runTour(t)
	seen := map[string]*benchfmt.Result{}
	r := benchfmt.NewReader(strings.NewReader(out), "tour")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, out)
		case *benchfmt.Result:
			seen[strings.TrimSuffix(string(rec.Name.Full()), procs(rec))] = rec.Clone()
		}
	}
	require.NoError(t, r.Err())
	require.Len(t, seen, len(tourUnits), "%s", out)
	for name, units := range tourUnits {
		require.Contains(t, seen, name)
		res := seen[name]
		assert.Equal(t, "simulated", res.GetConfig("energy-source"), name)
		assert.Equal(t, "Simulated GPU", res.GetConfig("gpu"), name)
		for _, unit := range units {
			v, ok := res.Value(unit)
			assert.True(t, ok && v > 0, "%s has no %s in\n%s", name, unit, out)
		}
	}
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
// every GPU hidden: it is simulated wherever the test runs. It is run again if
// the machine was too busy with other things to measure well, as the output says.
func runTour(t *testing.T) (out string) {
	t.Helper()
	for range 3 {
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-count", "1", "-benchtime", "500ms", ".")
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "POWERTEST_") && !strings.HasPrefix(v, "TOUR_") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "CUDA_VISIBLE_DEVICES=")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		b, err := cmd.Output()
		require.NoError(t, err, "%s%s", b, stderr.Bytes())
		if out = string(b); !strings.Contains(out, "are withheld") {
			break
		}
		t.Logf("the tour withheld joules, on a busy machine perhaps:\n%s", out)
	}
	return out
}
