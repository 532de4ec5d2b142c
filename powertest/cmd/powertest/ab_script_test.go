package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// abEnvironment lets scripts run git, and the go command with the build cache of
// who runs the tests, without a network, and lets no setting of theirs in.
func abEnvironment(e *testscript.Env) error {
	cache, err := goCache()
	e.Setenv("GOCACHE", cache)
	e.Setenv("GOPATH", e.WorkDir+"/.gopath")
	e.Setenv("GOENV", "off")
	e.Setenv("GOPROXY", "off")
	e.Setenv("GOTOOLCHAIN", "local")
	e.Setenv("GOFLAGS", "-mod=mod -ldflags=-w") // links faster
	e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	e.Setenv("GIT_CONFIG_GLOBAL", e.WorkDir+"/.gitconfig")
	// A temporary directory that a script can look into.
	tmp := e.WorkDir + "/.tmp2"
	e.Setenv("TMPDIR", tmp)
	e.Setenv("POWERTEST_SOURCE", "off")
	identity := "[user]\n\tname = N\n\temail = n@example.com\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n"
	for _, failed := range []error{os.Mkdir(tmp, 0o755), os.WriteFile(e.WorkDir+"/.gitconfig", []byte(identity), 0o644)} {
		if failed != nil {
			return failed
		}
	}
	return err
}

var goCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})

// scriptWaitFor waits until a file is there: waitfor FILE. The time is only for a
// test that would never end.
func scriptWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for began := time.Now(); !exists(ts.MkAbs(args[0])); time.Sleep(5 * time.Millisecond) {
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
