package main

import (
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/smisource/smitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"powertest": main})
}

// TestScripts runs testdata/script/*.txtar. -update writes the golden outputs anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, scriptParams("testdata/script"))
}

// scriptParams are the commands and the environment of the scripts in a directory.
func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			return abEnvironment(e)
		},
		Condition: func(name string) (bool, error) {
			if name == "hangup" {
				return !signal.Ignored(syscall.SIGHUP), nil
			}
			return false, fmt.Errorf("there is no condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"smilog":  scriptLog,
			"unsure":  scriptUnsure,
			"without": scriptWithout,
			"exits":   scriptExits,
			"samples": scriptSamples,
			"family":  scriptFamily,
			"replace": scriptReplace,
			"meter":   scriptMeter,
			"waitfor": scriptWaitFor,
			"count":   scriptCount,
		},
	}
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
