package ab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
	"github.com/joulebench/joulebench/powertest/gate"
)

var (
	// ErrNoMatch says that there are no benchmarks to compare.
	ErrNoMatch = errors.New("no benchmark matches")
	// ErrUnpaired says that a benchmark that both sides have was run by the head
	// only. To the gate it would be a new one, which is no regression.
	ErrUnpaired = errors.New("the base has not run a benchmark that it has")
)

// A taker takes samples, one at a time, and keeps them in a ledger.
type taker struct {
	packages []worktree.Package
	args     []string // of the binaries
	ledger   *Ledger
	sample   sampler
	// rest waits before a sample until the GPU is as it was at the start; number is
	// that of the sample.
	rest    func(ctx context.Context, number int) error
	journal *journal
	gate    gate.Config // that the samples will be judged by
	// lenient says that a benchmark that only the head has run is reported, and no
	// error.
	lenient bool

	empty map[string]bool // binaries in which no benchmark matches
	skips map[string]bool // lines about skipped benchmarks that were written
}

// newTaker is a taker that runs the binaries without arguments and does not rest.
func newTaker(packages []worktree.Package, ledger *Ledger, j *journal) *taker {
	return &taker{
		packages: packages, ledger: ledger, journal: j, sample: runBinary(grace),
		rest:  func(ctx context.Context, _ int) error { return ctx.Err() },
		empty: map[string]bool{}, skips: map[string]bool{},
	}
}

// take takes samples until there are count of each package and side.
func (t *taker) take(ctx context.Context, count int) error {
	for round := range count {
		for next := range Order(len(t.packages), round, round+1) {
			p := t.packages[next.Package]
			b := p.Binaries[next.Side]
			if b.Path == "" || t.empty[b.Path] || t.ledger.sides[next.Side].counts[p.Name] > round {
				continue
			}
			if err := t.one(ctx, p, next.Side, count); err != nil {
				return err
			}
		}
		if round > 0 {
			continue
		}
		for side, f := range t.ledger.sides {
			if len(f.counts) == 0 {
				return fmt.Errorf("%w in %s\nsee -bench, and the packages", ErrNoMatch, Side(side))
			}
		}
		if err := t.pairs(ctx); err != nil {
			return err
		}
	}
	return nil
}

// interruptTime is how far apart two processes may notice one interrupt.
const interruptTime = 200 * time.Millisecond

// one takes one sample.
func (t *taker) one(ctx context.Context, p worktree.Package, side Side, count int) error {
	t.journal.begins(side, p.Name, t.missing(count))
	began := time.Now()
	if err := t.rest(ctx, t.ledger.Samples()); err != nil {
		return err
	}
	started := time.Now()
	out, errs, err := t.sample(ctx, p.Binaries[side], t.args)
	took := time.Since(started)
	if err != nil {
		// An interrupt from the terminal reaches the binary as well, and may reach
		// it first.
		select {
		case <-ctx.Done():
		case <-time.After(interruptTime):
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // what the binary says of that does not matter
	}
	t.reportSkipped(side, p, out)
	var results []string
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrSample, err)
	} else {
		results, err = t.check(p, side, out)
	}
	switch {
	case err != nil:
		return t.failed(p, side, slices.Concat(out, errs), err)
	case len(results) == 0:
		t.empty[p.Binaries[side].Path] = true
		t.journal.say("no benchmark of %s matches in %s", p.Name, side)
		return nil
	}
	if err := t.ledger.add(side, p.Name, out, took); err != nil {
		return err
	}
	t.journal.took(p.Name, time.Since(began))
	return nil
}

// check returns the names of the results of a sample, which must be those of the first
// of its package and side: a benchmark that runs no more has not become a new one.
func (t *taker) check(p worktree.Package, side Side, out []byte) (names []string, err error) {
	if names, err = checkSample(out); err == nil {
		err = faults(t.gate, out)
	}
	first, _ := checkSample(t.ledger.sides[side].first(p.Name)) // nothing if there is none
	if name := lacking(first, names); err == nil && name != "" {
		err = fmt.Errorf("%w: Benchmark%s is not in it, and is in the first sample", ErrSample, name)
	}
	return names, err
}

// failed keeps the output of a sample that has failed, writes the end of it, and
// returns the error that says so.
func (t *taker) failed(p worktree.Package, side Side, output []byte, why error) error {
	path := t.ledger.failedPath(side)
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(output)
		return err
	})
	t.journal.tail(output)
	if err != nil {
		return errors.Join(fmt.Errorf("%s, %s: %w", side, p.Name, why), err)
	}
	return fmt.Errorf("%s, %s: %w\nits output is in %s", side, p.Name, why, path)
}

// missing is how many samples are missing of each package until there are count on
// both sides.
func (t *taker) missing(count int) map[string]int {
	n := map[string]int{}
	for _, p := range t.packages {
		for side, b := range p.Binaries {
			if b.Path != "" && !t.empty[b.Path] {
				n[p.Name] += max(0, count-t.ledger.sides[side].counts[p.Name])
			}
		}
	}
	return n
}

// pairs returns an error if, in the first round, the base has not run a benchmark
// that the head has run, though it has it: it skips itself, for instance, for want
// of files. Those that the head has not run are missing ones, for the gate.
func (t *taker) pairs(ctx context.Context) error {
	for _, p := range t.packages {
		if p.Binaries[Base].Path == "" || p.Binaries[Head].Path == "" {
			continue
		}
		names, err := t.unpaired(ctx, p)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			continue
		}
		err = fmt.Errorf("%w: %s of %s\ndoes it skip itself there? files that git ignores are not in the base", ErrUnpaired, strings.Join(names, ", "), p.Name)
		if !t.lenient {
			return fmt.Errorf("%w; -missing warn compares the others", err)
		}
		t.journal.say("%v", err)
	}
	return nil
}

// unpaired are the benchmarks of a package that only the head has run, and the base
// has as well: its binary lists them, or says that they were skipped.
func (t *taker) unpaired(ctx context.Context, p worktree.Package) ([]string, error) {
	base := t.ledger.sides[Base].first(p.Name)
	_, inBase := benchmarks(base)
	ran, names := benchmarks(t.ledger.sides[Head].first(p.Name))
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(inBase, name) })
	if len(names) > 0 {
		listed, err := t.list(ctx, p)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(listed, name) })
	}
	for _, name := range skipped(base) {
		if slices.Contains(ran, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// list asks the base's binary which benchmarks it has.
func (t *taker) list(ctx context.Context, p worktree.Package) ([]string, error) {
	args := append([]string{"-test.list=^Benchmark"}, t.args...)
	out, _, err := t.sample(ctx, p.Binaries[Base], args)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("base, %s: which benchmarks it has is not known, since %s fails: %w", p.Name, args[0], err)
	}
	return strings.Fields(string(out)), nil
}

// reportSkipped names benchmarks that were skipped, once each.
func (t *taker) reportSkipped(side Side, p worktree.Package, out []byte) {
	for _, name := range skipped(out) {
		if line := fmt.Sprintf("%s of %s is skipped in %s", name, p.Name, side); !t.skips[line] {
			t.skips[line] = true
			t.journal.say("%s", line)
		}
	}
}
