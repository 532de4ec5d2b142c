package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/smisource/smitest"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // as scripts have it
	testscript.Main(m, map[string]func(){"powertest": main})
}

// TestScripts runs testdata/script/*.txtar. -update writes the golden outputs anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, scriptParams(t, "testdata/script"))
}

// scriptParams are the commands and the environment of the scripts in a directory.
func scriptParams(t *testing.T, dir string) testscript.Params {
	t.Helper()
	dir, err := filepath.Abs(dir) // commands that run here are in other directories
	require.NoError(t, err)
	return testscript.Params{
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			err := abEnvironment(e)
			e.Values[variables{}] = e.Vars
			return err
		},
		Condition: func(name string) (bool, error) {
			if name == "hangup" {
				return !signal.Ignored(syscall.SIGHUP), nil
			}
			return false, fmt.Errorf("there is no condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"powertest": scriptPowertest,
			"smilog":    scriptLog,
			"unsure":    scriptUnsure,
			"without":   scriptWithout,
			"exits":     scriptExits,
			"samples":   scriptSamples,
			"family":    scriptFamily,
			"replace":   scriptReplace,
			"meter":     scriptMeter,
			"waitfor":   scriptWaitFor,
			"count":     scriptCount,
		},
	}
}

// scriptPowertest runs the command in this process: powertest ARGS... is exec powertest ARGS...
// without the time that a process takes to start, which is most of what scripts would take.
// What waits, reads its standard input or gets signals is run by exec.
func scriptPowertest(ts *testscript.TestScript, neg bool, args []string) {
	if code := runHere(ts, args); (code != 0) != neg {
		ts.Fatalf("the exit code is %d", code)
	}
}

// variables is the key of the names of a script's environment.
type variables struct{}

// here is held by the one script that has its directory and environment as this process's.
var here sync.Mutex

// runHere runs the command in the directory and the environment of a script.
func runHere(ts *testscript.TestScript, args []string) (code int) {
	here.Lock()
	defer here.Unlock()
	before := os.Environ()
	dir, err := os.Getwd()
	ts.Check(err)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	clearEnvironment()
	for _, v := range ts.Value(variables{}).([]string) {
		name, _, _ := strings.Cut(v, "=")
		_ = os.Setenv(name, ts.Getenv(name))
	}
	for _, name := range scriptVariables {
		if value := ts.Getenv(name); value != "" {
			_ = os.Setenv(name, value)
		}
	}
	defer func() {
		clearEnvironment()
		for _, v := range before {
			name, value, _ := strings.Cut(v, "=")
			_ = os.Setenv(name, value)
		}
		ts.Check(os.Chdir(dir))
	}()
	return program.Run(context.Background(), args, command.Streams{In: strings.NewReader(""), Out: ts.Stdout(), Err: ts.Stderr()})
}

// clearEnvironment leaves PATH, which scripts that start meanwhile take from this process.
func clearEnvironment() {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "PATH" {
			_ = os.Unsetenv(name)
		}
	}
}

// scriptVariables are those that scripts set themselves.
var scriptVariables = []string{
	"GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "POWERTEST_DEVICES", "POWERTEST_PROFILE", "REQUIRE_POWER",
}

// scriptLog writes a log of nvidia-smi: smilog FILE GPU..., with the readings of
// each GPU as smitest.Log has them.
func scriptLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: smilog FILE GPU...")
	}
	text, err := smitest.Log(args[1:]...)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// scriptUnsure writes the standard output to a file, without the widths of
// intervals, which the instrument's own tests are about.
func scriptUnsure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unsure FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(unsure(ts.ReadFile("stdout"))), 0o644))
}

var interval = regexp.MustCompile(`± .*`)

func unsure(s string) string { return interval.ReplaceAllString(s, "± ...") }

// scriptWithout removes a key from a file: without FILE KEY.
func scriptWithout(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: without FILE KEY")
	}
	o, err := pyjson.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if !o.Remove(args[1]) {
		ts.Fatalf("%s has no key %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), o.Bytes(), 0o644))
}
