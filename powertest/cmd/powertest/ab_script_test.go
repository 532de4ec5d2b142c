package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// abEnvironment lets scripts run git, and no setting of who runs the tests in.
func abEnvironment(e *testscript.Env) error {
	e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	e.Setenv("GIT_CONFIG_GLOBAL", e.WorkDir+"/.gitconfig")
	// A temporary directory that a script can look into.
	tmp := e.WorkDir + "/.tmp2"
	e.Setenv("TMPDIR", tmp)
	e.Setenv("POWERTEST_SOURCE", "off")
	return os.Mkdir(tmp, 0o755)
}

// scriptWaitFor waits until a file is there: waitfor FILE. The time is only for a
// test that would never end.
func scriptWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			ts.Fatalf("%s does not come", args[0])
		}
	}
}

// scriptCount checks how many lines of a file contain a text: count N TEXT FILE.
func scriptCount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count N TEXT FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n := strings.Count(ts.ReadFile(args[2]), args[1]); n != want {
		ts.Fatalf("%s has %q %d times, and not %d", args[2], args[1], n, want)
	}
}
