package ab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/process"
	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
	"github.com/joulebench/joulebench/powertest/gate"
)

// ErrSample says that a sample cannot be used: it has failed, or is not what a
// benchmark writes.
var ErrSample = errors.New("the sample has failed")

// A sampler runs a binary once and returns what matters of its standard output, and for
// people the end of the rest and of its standard error.
type sampler func(ctx context.Context, b worktree.Binary, args []string) (out, errs []byte, err error)

// grace is how long a binary may take to end after an interrupt.
const grace = 30 * time.Second

// runBinary is the sampler that runs a process, which has grace to end after an interrupt.
func runBinary(grace time.Duration) sampler {
	return func(ctx context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		c := exec.CommandContext(ctx, b.Path, args...)
		c.Dir = b.Dir
		c.Env = append(os.Environ(), "PWD="+b.Dir, process.Mark())
		var stdout output
		var stderr tail
		c.Stdout, c.Stderr = &stdout, &stderr
		err = process.Run(c, grace)
		if errors.Is(err, exec.ErrWaitDelay) {
			err = errDaemon
		}
		out, tooMuch := stdout.bytes()
		if err == nil {
			err = tooMuch
		}
		return out, slices.Concat(stdout.rest(), stderr.bytes()), err
	}
}

// The lines that say that a run has passed, and has not.
var (
	pass    = regexp.MustCompile(`(?m)^PASS\r*$`)
	failure = regexp.MustCompile(`(?m)^(FAIL|\s*--- FAIL: .*?)\r*$`)
)

// checkSample returns the names of the results that the output of a binary has, and
// an error if it is not that of benchmarks which all have passed.
func checkSample(out []byte) (names []string, err error) {
	if len(out) > 0 && out[len(out)-1] != '\n' {
		return nil, fmt.Errorf("%w: its last line has no end", ErrSample)
	}
	if line := failure.Find(out); line != nil {
		return nil, fmt.Errorf("%w: %s", ErrSample, bytes.TrimSpace(line))
	}
	if !pass.Match(out) {
		return nil, fmt.Errorf("%w: it does not say PASS", ErrSample)
	}
	r := benchfmt.NewReader(bytes.NewReader(out), "output")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			if unitLine(out, rec.Line) {
				continue // whether it matters is for the gate to say
			}
			return nil, fmt.Errorf("%w: line %d of its output is no result: %s (does the benchmark print something?)", ErrSample, rec.Line, rec.Msg)
		case *benchfmt.Result:
			names = append(names, string(rec.Name.Full()))
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSample, err)
	}
	return names, nil
}

// unitLine reports whether a line, counted from 1, is about a unit.
func unitLine(out []byte, number int) bool {
	for line := range bytes.Lines(out) {
		if number--; number == 0 {
			return bytes.HasPrefix(line, []byte("Unit"))
		}
	}
	return false
}

// faults returns an error if the gate would not use a sample, since what it judges is not
// in order: it is known at once then, and not after all samples.
func faults(config gate.Config, out []byte) error {
	config.Waivers = nil
	report, err := gate.JudgeReaders(config, "output", bytes.NewReader(out), "output", bytes.NewReader(out))
	if err != nil || len(report.Faults) == 0 {
		return err
	}
	return fmt.Errorf("%w: line %d of its output: %s: %s", ErrSample, report.Faults[0].Line, report.Faults[0].Message, report.Faults[0].Text)
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

// procs is what GOMAXPROCS adds to the name of a benchmark.
var procs = regexp.MustCompile(`-\d+$`)

// benchmarks are the names of the results of a sample as testing calls them, such as
// BenchmarkChat/long, and functions the functions that they are of, sorted.
func benchmarks(text []byte) (names, functions []string) {
	results, _ := checkSample(text) // it was checked before it was kept
	for _, name := range results {
		names = append(names, "Benchmark"+procs.ReplaceAllString(name, ""))
		functions = append(functions, "Benchmark"+string(benchfmt.Name(name).Base()))
	}
	slices.Sort(functions)
	return names, slices.Compact(functions)
}

// skipped are the benchmarks that a sample says were skipped, as it does with
// -test.v.
func skipped(out []byte) (names []string) {
	for line := range strings.Lines(string(out)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "--- SKIP: "); is {
			names = append(names, procs.ReplaceAllString(name, ""))
		}
	}
	return names
}
