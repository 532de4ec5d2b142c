package main

import (
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
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
			"waitfor": scriptWaitFor,
			"count":   scriptCount,
		},
	}
}

// scriptLog writes a log of nvidia-smi: smilog FILE GPU..., with the readings of
// each GPU as testLog has them.
func scriptLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: smilog FILE GPU...")
	}
	text, err := testLog(args[1:]...)
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
	o, err := readObject(ts.MkAbs(args[0]))
	ts.Check(err)
	if !o.remove(args[1]) {
		ts.Fatalf("%s has no key %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), o.bytes(), 0o644))
}

// base is when the windows of tests begin, in seconds since 1970.
const base = 1_700_000_000

// testLog is a log of nvidia-smi. The readings of a GPU are times after base and
// watts, such as "-1:100,1:140"; a time may be a range of whole seconds,
// "-1..11:500". "8*" in front means as many GPUs.
func testLog(gpus ...string) (string, error) {
	var b strings.Builder
	b.WriteString("timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz]\n")
	index := 0
	for _, g := range gpus {
		n := 1
		if count, rest, found := strings.Cut(g, "*"); found {
			var err error
			if n, err = strconv.Atoi(count); err != nil {
				return "", err
			}
			g = rest
		}
		for range n {
			if err := testRows(&b, index, g); err != nil {
				return "", err
			}
			index++
		}
	}
	return b.String(), nil
}

func testRows(b *strings.Builder, index int, readings string) error {
	for r := range strings.SplitSeq(readings, ",") {
		when, watts, _ := strings.Cut(r, ":")
		from, to, ranged := strings.Cut(when, "..")
		first, err := strconv.ParseFloat(from, 64)
		if err != nil {
			return err
		}
		last := first
		if ranged {
			if last, err = strconv.ParseFloat(to, 64); err != nil {
				return err
			}
		}
		for at := first; at <= last; at++ {
			stamp := time.UnixMilli(base*1000 + int64(at*1000+0.5*sign(at))).UTC()
			fmt.Fprintf(b, "%s, %d, %s W, 65, 1980 MHz\n", stamp.Format("2006/01/02 15:04:05.000"), index, watts)
		}
	}
	return nil
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}
