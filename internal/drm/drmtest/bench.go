package drmtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// tries is how often a benchmark is run: on a busy machine a window may have no number, of
// which there is another.
const tries = 5

// Bench runs a benchmark of the package that is tested, in a process of its own and as
// strict as can be, with the energy of a source, and returns its result.
func Bench(t *testing.T, name, source string) *benchfmt.Result {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	var out bytes.Buffer
	err = errors.New("not run")
	for try := 0; try < tries && err != nil; try++ {
		c := exec.Command(self, "-test.run=^$", "-test.bench=^"+name+"$", "-test.benchtime=500ms")
		c.Env = append(os.Environ(), "POWERTEST_SOURCE="+source, "POWERTEST_STRICT=1", "TMPDIR="+t.TempDir())
		out.Reset()
		c.Stdout, c.Stderr = &out, &out
		err = c.Run()
		t.Logf("%s\n%s", source, &out)
	}
	require.NoError(t, err)
	r := benchfmt.NewReader(&out, "out")
	for r.Scan() {
		if result, ok := r.Result().(*benchfmt.Result); ok {
			return result
		}
	}
	require.Fail(t, "there is no result")
	return nil
}

// late is how much of a power may be lost or won on the real clock: a file is written by a
// program that may wait for its turn, while the power that it stands for goes on.
const late = 0.3

// RequireWatts requires a result to have a power within its own interval and that, and
// the other metrics of energy.
func RequireWatts(t *testing.T, want float64, r *benchfmt.Result) {
	t.Helper()
	watts, ok := r.Value("W")
	require.True(t, ok, "W")
	percent, ok := r.Value("err-%")
	require.True(t, ok, "err-%")
	assert.InEpsilon(t, want, watts, late+percent/100)
	for _, unit := range []string{"J/op", "tokens/J", "J/token"} {
		_, ok := r.Value(unit)
		assert.True(t, ok, unit)
	}
}
