package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testHeader is what a benchmark file on a GPU begins with.
const testHeader = `energy-source: nvml
gpu: NVIDIA H200
gpus: 1
power-limit: 700W
`

// scriptSamples appends result lines to a benchmark file: samples FILE NAME N
// VALUE:UNIT... A new file gets the header. The values have a spread of 1 %, or
// what follows the value as in 8~5%:J/op, from a generator that the names seed;
// err-% has none.
func scriptSamples(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: samples FILE NAME N VALUE:UNIT...")
	}
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		text, err = []byte(testHeader), nil
	}
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	lines, err := testSamples(args[0], args[1], n, args[3:])
	ts.Check(err)
	ts.Check(os.WriteFile(path, append(text, lines...), 0o644))
}

func testSamples(file, name string, n int, metrics []string) (string, error) {
	var b strings.Builder
	random := rand.New(rand.NewPCG(seed(file), seed(name)))
	for range n {
		fmt.Fprintf(&b, "Benchmark%s-8\t100", name)
		for _, m := range metrics {
			value, unit, _ := strings.Cut(m, ":")
			value, percent, spread := strings.Cut(value, "~")
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return "", err
			}
			share := 1.0
			if spread {
				if share, err = strconv.ParseFloat(strings.TrimSuffix(percent, "%"), 64); err != nil {
					return "", err
				}
			}
			if unit != "err-%" {
				x *= 1 + share/100*(2*random.Float64()-1)
			}
			fmt.Fprintf(&b, "\t%.6g %s", x, unit)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// scriptExits runs a command that must exit with a code: exits CODE powertest ARGS... in this
// process, exits CODE exec PROGRAM ARGS... in one of its own.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: exits CODE powertest ARGS..., exits CODE exec PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if args[1] == "powertest" {
		code = runHere(ts, args[2:])
	} else if err := ts.Exec(args[2], args[3:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("the exit code is %d, want %d", code, want)
	}
}

func seed(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// TestSamples: the generator of the scripts gives the same samples each time, of
// the spread that was asked for.
func TestSamples(t *testing.T) {
	one, err := testSamples("old.txt", "Chat", 3, []string{"8~5%:J/op", "2~0%:x/op", "0.7:err-%"})
	require.NoError(t, err)
	again, err := testSamples("old.txt", "Chat", 3, []string{"8~5%:J/op", "2~0%:x/op", "0.7:err-%"})
	require.NoError(t, err)
	assert.Equal(t, one, again)
	assert.Equal(t, 3, strings.Count(one, "\t2 x/op\t0.7 err-%\n"))
	other, err := testSamples("new.txt", "Chat", 3, []string{"8~5%:J/op", "2~0%:x/op", "0.7:err-%"})
	require.NoError(t, err)
	assert.NotEqual(t, one, other)
}

// scriptReplace writes a file with a text replaced wherever it is: replace FILE
// OLD NEW OUT. In the texts \n is a new line.
func scriptReplace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: replace FILE OLD NEW OUT")
	}
	newline := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
	text, was := ts.ReadFile(args[0]), newline.Replace(args[1])
	if !strings.Contains(text, was) {
		ts.Fatalf("%s has no %q", args[0], was)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.ReplaceAll(text, was, newline.Replace(args[2]))), 0o644))
}

// scriptFamily appends many benchmarks that have ten samples each: family FILE N
// JOULES.
func scriptFamily(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: family FILE N JOULES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for i := range n {
		scriptSamples(ts, false, []string{args[0], fmt.Sprintf("Load/n=%d", i), "10", args[2] + ":J/op", "0.5:err-%"})
	}
}
