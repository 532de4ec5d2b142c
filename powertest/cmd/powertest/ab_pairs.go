package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest/ab"
)

// errUnpaired says that a benchmark that both sides have was run by the head only.
// To the gate it would be a new one, which is no regression.
var errUnpaired = errors.New("the base has not run a benchmark that it has")

// pairs returns an error if, in the first round, the base has not run a benchmark
// that the head has run, though it has it: it skips itself, for instance, for want
// of files. Those that the head has not run are missing ones, for the gate.
func (s *session) pairs(ctx context.Context) error {
	for _, p := range s.packages {
		if p.binaries[ab.Base].path == "" || p.binaries[ab.Head].path == "" {
			continue
		}
		names, err := s.unpaired(ctx, p)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			continue
		}
		err = fmt.Errorf("%w: %s of %s (does it skip itself there? files that git ignores are not in the base)", errUnpaired, strings.Join(names, ", "), p.name)
		if !s.lenient {
			return fmt.Errorf("%w; -missing warn compares the others", err)
		}
		s.progress.say("%v", err)
	}
	return nil
}

// unpaired are the benchmarks of a package that only the head has run, and the base
// has as well: its binary lists them, or says that they were skipped.
func (s *session) unpaired(ctx context.Context, p testPackage) ([]string, error) {
	base, head := s.ledger.files[ab.Base].first(p.name), s.ledger.files[ab.Head].first(p.name)
	baseNames, headNames := functions(base), functions(head)
	var unlike, names []string
	for _, name := range headNames {
		if !slices.Contains(baseNames, name) {
			unlike = append(unlike, name)
		}
	}
	if len(unlike) > 0 {
		listed, err := s.list(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, name := range unlike {
			if slices.Contains(listed, name) {
				names = append(names, name)
			}
		}
	}
	ran := benchmarks(head)
	for _, name := range skipped(base) {
		if slices.Contains(ran, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// list asks the base's binary which benchmarks it has.
func (s *session) list(ctx context.Context, p testPackage) ([]string, error) {
	args := append([]string{"-test.list=^Benchmark"}, s.args...)
	out, _, err := s.sample(ctx, p.binaries[ab.Base], args)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("base, %s: which benchmarks it has is not known, since %s fails: %w", p.name, args[0], err)
	}
	return strings.Fields(string(out)), nil
}

// procs is what GOMAXPROCS adds to the name of a benchmark.
var procs = regexp.MustCompile(`-\d+$`)

// benchmarks are the names of the results of a sample as testing calls them, such as
// BenchmarkChat/long.
func benchmarks(text []byte) []string {
	names, _ := checkSample(text) // it was checked before it was kept
	for i, name := range names {
		names[i] = "Benchmark" + procs.ReplaceAllString(name, "")
	}
	return names
}

// functions are the functions that a sample has results of.
func functions(text []byte) (list []string) {
	names, _ := checkSample(text)
	for _, name := range names {
		list = append(list, "Benchmark"+string(benchfmt.Name(name).Base()))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// skipped are the benchmarks that say they were skipped, as they do with -test.v.
func skipped(out []byte) (names []string) {
	for line := range strings.Lines(string(out)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "--- SKIP: "); is {
			names = append(names, procs.ReplaceAllString(name, ""))
		}
	}
	return names
}

// tellSkipped tells of benchmarks that were skipped, once of each.
func (s *session) tellSkipped(side ab.Side, p testPackage, out []byte) {
	for _, name := range skipped(out) {
		if line := fmt.Sprintf("%s of %s is skipped in %s", name, p.name, side); !s.told[line] {
			s.told[line] = true
			s.progress.say("%s", line)
		}
	}
}
