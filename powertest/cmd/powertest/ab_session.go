package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/ab"
)

// A session takes samples, one at a time.
type session struct {
	packages []testPackage
	args     []string // of the binaries
	ledger   *ledger
	sample   sampler
	// rest waits before a sample until the GPU is as it was at the start; number is
	// that of the sample.
	rest     func(ctx context.Context, number int) error
	progress *progress
	// empty are the binaries in which no benchmark matches.
	empty map[string]bool
	// told are the lines about skipped benchmarks that were told.
	told map[string]bool
	// lenient says that a benchmark that only one side has run is told, and no error.
	lenient bool
}

// errNoMatch says that there are no benchmarks to compare.
var errNoMatch = errors.New("no benchmark matches")

// take takes samples until there are count of each package and side.
func (s *session) take(ctx context.Context, count int) error {
	for round := range count {
		for next := range ab.Order(len(s.packages), round, round+1) {
			p := s.packages[next.Package]
			b := p.binaries[next.Side]
			if b.path == "" || s.empty[b.path] || s.ledger.files[next.Side].counts[p.name] > round {
				continue
			}
			if err := s.one(ctx, p, next, count); err != nil {
				return err
			}
		}
		if round > 0 {
			continue
		}
		if err := s.anything(); err != nil {
			return err
		}
		if err := s.pairs(ctx); err != nil {
			return err
		}
	}
	return nil
}

// interruptTime is how far apart two processes may notice one interrupt.
const interruptTime = 200 * time.Millisecond

// one takes one sample.
func (s *session) one(ctx context.Context, p testPackage, next ab.Sample, count int) error {
	s.progress.begins(next.Side, p.name, s.missing(count))
	began := time.Now()
	if err := s.rest(ctx, s.ledger.samples()); err != nil {
		return err
	}
	started := time.Now()
	out, errs, err := s.sample(ctx, p.binaries[next.Side], s.args)
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
	s.tellSkipped(next.Side, p, out)
	results := 0
	if err != nil {
		err = fmt.Errorf("%w: %w", errSample, err)
	} else {
		results, err = s.check(p, next.Side, out)
	}
	switch {
	case err != nil:
		return s.failed(p, next.Side, out, errs, err)
	case results == 0:
		s.empty[p.binaries[next.Side].path] = true
		s.progress.say("no benchmark of %s matches in %s", p.name, next.Side)
		return nil
	}
	if err := s.ledger.files[next.Side].append(p.name, out, time.Since(started)); err != nil {
		return err
	}
	s.progress.took(p.name, time.Since(began))
	return nil
}

// check returns how many results a sample has, which must be those of the first of
// its package and side: a benchmark that runs no more has not become a new one.
func (s *session) check(p testPackage, side ab.Side, out []byte) (results int, err error) {
	names, err := checkSample(out)
	if err != nil {
		return 0, err
	}
	first, _ := checkSample(s.ledger.files[side].first(p.name)) // nothing if there is none
	if name := lacking(first, names); name != "" {
		return 0, fmt.Errorf("%w: Benchmark%s is not in it, and is in the first sample", errSample, name)
	}
	return len(names), nil
}

// failed keeps the output of a sample that has failed, tells the end of it, and
// returns the error that says so.
func (s *session) failed(p testPackage, side ab.Side, out, errs []byte, why error) error {
	path := s.ledger.failedPath(side)
	all := slices.Concat(out, errs)
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(all)
		return err
	})
	s.progress.tail(all)
	if err != nil {
		return errors.Join(fmt.Errorf("%s, %s: %w", side, p.name, why), err)
	}
	return fmt.Errorf("%s, %s: %w; its output is in %s", side, p.name, why, path)
}

// missing is how many samples are missing of each package until there are count on
// both sides.
func (s *session) missing(count int) map[string]int {
	n := map[string]int{}
	for _, p := range s.packages {
		for side, b := range p.binaries {
			if b.path != "" && !s.empty[b.path] {
				n[p.name] += max(0, count-s.ledger.files[side].counts[p.name])
			}
		}
	}
	return n
}

// anything returns an error if one side has no samples after the first round.
func (s *session) anything() error {
	for side, f := range s.ledger.files {
		if len(f.counts) == 0 {
			return fmt.Errorf("%w in %s: see -bench, and the packages", errNoMatch, ab.Side(side))
		}
	}
	return nil
}
