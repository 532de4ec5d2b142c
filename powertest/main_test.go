package powertest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

func TestMain(m *testing.M) {
	code := m.Run()
	// No goroutine outlives the last window, whatever the tests did.
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error())
		code = 1
	}
	os.RemoveAll(buildDir())
	os.Exit(code)
}

// buildDir is where the binaries of this run of the tests are.
var buildDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "powertest-build-")
	if err != nil {
		panic(err)
	}
	return dir
})

// built is a test binary, which is compiled once.
type built struct {
	pkg   string
	args  []string
	build sync.Once
	path  string
	err   error
	out   []byte
}

var (
	styles     = &built{pkg: "styles"}
	stylesRace = &built{pkg: "styles", args: []string{"-race"}}
	plain      = &built{pkg: "plain"}
)

func (p *built) binary(t testing.TB) string {
	t.Helper()
	p.build.Do(func() {
		p.path = filepath.Join(buildDir(), p.pkg+strings.Join(p.args, "")+".test")
		args := append([]string{"test", "-c", "-o", p.path}, p.args...)
		cmd := exec.Command("go", append(args, "./testdata/"+p.pkg)...)
		p.out, p.err = cmd.CombinedOutput()
	})
	require.NoError(t, p.err, "%s", p.out)
	return p.path
}

// once runs the benchmarks that match as go test does: with stdout and stderr
// in one pipe.
func (p *built) once(t testing.TB, match string, env []string, flags ...string) run {
	t.Helper()
	args := append([]string{"-test.run=^$", "-test.bench=" + match, "-test.benchtime=200ms"}, flags...)
	return command(t, env, p.binary(t), args...)
}

// bench is once, and again if the machine was so busy with other things that
// milliseconds passed between the loop and the benchmark's end: joules are then
// withheld, as they should be, in a benchmark as short as these.
func (p *built) bench(t testing.TB, match string, env []string, flags ...string) run {
	t.Helper()
	var r run
	for range 4 {
		if r = p.once(t, match, env, flags...); !strings.Contains(r.out, "window_mismatch: ") {
			break
		}
	}
	return r
}

// run is the output of a process.
type run struct {
	t    testing.TB
	out  string
	code int
}

func command(t testing.TB, env []string, name string, args ...string) run {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		require.NoError(t, err)
	}
	t.Logf("%s %s\n%s", filepath.Base(name), strings.Join(args, " "), out.String())
	return run{t, out.String(), cmd.ProcessState.ExitCode()}
}

// results parses the output as benchfmt does, and fails on any line that it
// cannot parse and on any number that is not one.
func (r run) results() []*benchfmt.Result {
	r.t.Helper()
	require.Zero(r.t, r.code, "exit code")
	var list []*benchfmt.Result
	reader := benchfmt.NewReader(strings.NewReader(r.out), "out")
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			for _, v := range rec.Values {
				require.True(r.t, metrictable.Finite(v.Value), "%s: %s is %v", rec.Name, v.Unit, v.Value)
			}
			list = append(list, rec.Clone())
		case *benchfmt.SyntaxError:
			require.Fail(r.t, "torn line", "%v", rec)
		}
	}
	require.NoError(r.t, reader.Err())
	return list
}

// one returns the only result there is.
func (r run) one() *benchfmt.Result {
	r.t.Helper()
	list := r.results()
	require.Len(r.t, list, 1, "results")
	return list[0]
}

// values returns what the results say in a unit.
func values(results []*benchfmt.Result, unit string) []float64 {
	var vs []float64
	for _, r := range results {
		if v, ok := r.Value(unit); ok {
			vs = append(vs, v)
		}
	}
	return vs
}

// requireJoules requires the result to have joules that are those of 700 W, as
// closely as it says itself: the benchmarks of styles keep their device busy.
func requireJoules(t testing.TB, r *benchfmt.Result) {
	t.Helper()
	joules, ok := r.Value("J/op")
	require.True(t, ok, "%s has no J/op", r.Name)
	seconds, _ := r.Value("sec/op")
	percent, _ := r.Value("err-%")
	require.InEpsilon(t, 700*seconds, joules, 0.03+percent/100, "%s: J/op of 700 W for %v s", r.Name, seconds)
}

// requireNoJoules requires the result to have no number that rests on energy.
func requireNoJoules(t testing.TB, r *benchfmt.Result) {
	t.Helper()
	for _, v := range r.Values {
		require.False(t, strings.Contains(v.Unit, "J") || strings.HasSuffix(v.Unit, "W") || v.Unit == "err-%", "%s reports %s", r.Name, v.Unit)
	}
}
