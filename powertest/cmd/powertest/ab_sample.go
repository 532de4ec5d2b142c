package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// errSample says that a sample cannot be used: it has failed, or is not what a
// benchmark writes.
var errSample = errors.New("the sample has failed")

// A sampler runs a binary once and returns its standard output, and what it wrote
// to its standard error.
type sampler func(ctx context.Context, b binary, args []string) (out, errs []byte, err error)

// runBinary is the sampler that runs a process.
func runBinary(ctx context.Context, b binary, args []string) (out, errs []byte, err error) {
	c := exec.CommandContext(ctx, b.path, args...)
	c.Dir = b.dir
	c.Env = append(os.Environ(), "PWD="+b.dir)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	interruptible(c, grace)
	err = c.Run()
	return stdout.Bytes(), stderr.Bytes(), err
}

// checkSample returns the names of the results that the output of a binary has, and
// an error if it is not that of benchmarks which all have passed.
func checkSample(out []byte) (names []string, err error) {
	if len(out) > 0 && out[len(out)-1] != '\n' {
		return nil, fmt.Errorf("%w: its last line has no end", errSample)
	}
	passed := false
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "PASS":
			passed = true
		case line == "FAIL", strings.HasPrefix(strings.TrimSpace(line), "--- FAIL: "):
			return nil, fmt.Errorf("%w: %s", errSample, strings.TrimSpace(line))
		}
	}
	if !passed {
		return nil, fmt.Errorf("%w: it does not say PASS", errSample)
	}
	r := benchfmt.NewReader(bytes.NewReader(out), "output")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%w: line %d of its output is no result: %s (does the benchmark print something?)", errSample, rec.Line, rec.Msg)
		case *benchfmt.Result:
			names = append(names, string(rec.Name.Full()))
			for _, v := range rec.Values {
				if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
					return nil, fmt.Errorf("%w: Benchmark%s reports %v %s", errSample, rec.Name, v.Value, v.Unit)
				}
			}
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errSample, err)
	}
	return names, nil
}

// lacking is a benchmark that is in the first sample of a side more often than in
// another; empty if there is none.
func lacking(first, now []string) string {
	n := map[string]int{}
	for _, name := range now {
		n[name]++
	}
	for _, name := range first {
		if n[name]--; n[name] < 0 {
			return name
		}
	}
	return ""
}
