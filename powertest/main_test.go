package powertest

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

// styledClock says that this process is to run the benchmarks of styles, and on
// which clock: fake or real.
const styledClock = "POWERTEST_TEST_STYLES"

func TestMain(m *testing.M) {
	switch os.Getenv(styledClock) {
	case "fake":
		// testing makes the T that a bubble needs.
		testing.Main(regexp.MatchString, []testing.InternalTest{{Name: "TestInBubble", F: func(t *testing.T) {
			flag.Set("test.cpu", "") // testing would add to the list that it has
			synctest.Test(t, func(*testing.T) { runStyles(flag.Args()) })
		}}}, nil, nil)
	case "real":
		flag.Parse()
		runStyles(flag.Args())
	}
	code := m.Run()
	// No goroutine outlives the last window, whatever the tests did.
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error())
		code = 1
	}
	os.Exit(code)
}

// runStyles runs the benchmarks of styles as the main function of a test binary does,
// with flags, and ends the process.
func runStyles(flags []string) {
	for _, f := range flags {
		name, value, found := strings.Cut(strings.TrimPrefix(f, "-"), "=")
		if !found {
			value = "true"
		}
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	testing.Main(regexp.MatchString, []testing.InternalTest{{Name: "TestBenchmarkInTest", F: styleInTest}, {Name: "TestUnnamed", F: styleUnnamed}}, styles, nil)
}

// styled runs the benchmarks of styles that match in a process of their own, whose
// stdout and stderr are one file, as those of go test are. Their clock is a fake one:
// what they report is exact, whatever else the machine does.
func styled(t testing.TB, match string, env []string, flags ...string) run {
	t.Helper()
	return startStyles(t, "fake", match, env, flags...)
}

// onRealClock is styled for benchmarks of a source that is no simulation.
func onRealClock(t testing.TB, match string, env []string, flags ...string) run {
	t.Helper()
	return startStyles(t, "real", match, env, flags...)
}

func startStyles(t testing.TB, clock, match string, env []string, flags ...string) run {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	args := []string{"-test.timeout=0"}
	own := []string{"-test.run=^$", "-test.bench=" + match, "-test.benchtime=200ms"}
	for _, f := range flags {
		if strings.HasPrefix(f, "-test.cpu=") {
			args = append(args, f)
		} else {
			own = append(own, f)
		}
	}
	args = slices.Concat(args, []string{"--"}, own)
	return command(t, append([]string{styledClock + "=" + clock}, env...), binary, args...)
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
