package ab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
)

// A scripted taker runs no binaries: answer is what a sample comes to.
type scripted struct {
	*taker
	ran    []string
	asked  bool         // the sample is none, but asks for a list
	said   bytes.Buffer // progress
	answer func(n int, b worktree.Binary) (string, error)
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(b)
}

func script(t *testing.T, dir string, resume bool, packages ...string) *scripted {
	t.Helper()
	led, err := openLedger(dir, parameters{"-bench": "."}, resume)
	require.NoError(t, err)
	s := &scripted{answer: func(int, worktree.Binary) (string, error) { return goodSample, nil }}
	s.taker = newTaker(nil, led, newJournal(&s.said, nil))
	for _, p := range packages {
		s.packages = append(s.packages, worktree.Package{Name: p, Binaries: [2]worktree.Binary{{Path: "base " + p}, {Path: "head " + p}}})
	}
	s.sample = func(_ context.Context, b worktree.Binary, args []string) ([]byte, []byte, error) {
		s.asked = slices.Contains(args, "-test.list=^Benchmark")
		s.ran = append(s.ran, b.Path)
		out, err := s.answer(len(s.ran), b)
		return []byte(out), []byte("panic: oh\n"), err
	}
	return s
}

// TestResumedAnywhere: wherever a run has stopped, going on runs what is missing,
// in the same order, and nothing else.
func TestResumedAnywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole := script(t, t.TempDir(), false, "x", "y")
		require.NoError(t, whole.take(t.Context(), 4))
		require.Len(t, whole.ran, 16)
		assert.Equal(t, []string{"base x", "head x", "base y", "head y", "head x", "base x", "head y", "base y"}, whole.ran[:8])
		for stop := 1; stop <= 16; stop++ {
			dir := t.TempDir()
			first := script(t, dir, false, "x", "y")
			first.answer = func(n int, _ worktree.Binary) (string, error) {
				if n == stop {
					return goodSample[:30], errors.New("exit status 2")
				}
				return goodSample, nil
			}
			require.ErrorIs(t, first.take(t.Context(), 4), ErrSample)
			assert.Equal(t, stop-1, first.ledger.Samples())
			second := script(t, dir, true, "x", "y")
			require.NoError(t, second.take(t.Context(), 4))
			assert.Equal(t, whole.ran, append(first.ran[:stop-1:stop-1], second.ran...), "stopped at %d", stop)
			assert.Equal(t, 16, second.ledger.Samples())
		}
	})
}

// TestInterrupted: a sample that runs when the context ends is not kept, even if it
// came to its end, and no failure is claimed.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := script(t, dir, false, "x")
	ctx, cancel := context.WithCancel(t.Context())
	s.answer = func(n int, _ worktree.Binary) (string, error) {
		if n == 3 {
			cancel()
		}
		return goodSample, nil
	}
	require.ErrorIs(t, s.take(ctx, 4), context.Canceled)
	assert.Equal(t, 2, s.ledger.Samples())
	assert.NoFileExists(t, filepath.Join(dir, "head.failed.txt"))
}

// TestFailedOutputIsKept, with what was written to the standard error.
func TestFailedOutputIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := script(t, dir, false, "x")
		s.answer = func(n int, _ worktree.Binary) (string, error) { return "Benchmark", fmt.Errorf("exit status %d", n) }
		err := s.take(t.Context(), 4)
		require.ErrorIs(t, err, ErrSample)
		assert.ErrorContains(t, err, "base, x: the sample has failed: exit status 1\nits output is in "+filepath.Join(dir, "base.failed.txt"))
		b, err := os.ReadFile(filepath.Join(dir, "base.failed.txt"))
		require.NoError(t, err)
		assert.Equal(t, "Benchmarkpanic: oh\n", string(b))
		assert.NoFileExists(t, filepath.Join(dir, "base.txt"))
	})
}

// TestPackagesWithout: a package without benchmarks, or on one side only, is run no
// more often than is needed to know it.
func TestPackagesWithout(t *testing.T) {
	s := script(t, t.TempDir(), false, "x", "none", "new")
	s.packages[2].Binaries[Base] = worktree.Binary{}
	s.answer = func(_ int, b worktree.Binary) (string, error) {
		if b.Path == "base none" || b.Path == "head none" {
			return "PASS\n", nil
		}
		return goodSample, nil
	}
	require.NoError(t, s.take(t.Context(), 2))
	assert.Equal(t, []string{"base x", "head x", "base none", "head none", "head new", "head x", "base x", "head new"}, s.ran)
}

// TestNothingMatches: that one side has no benchmark is known after the first round.
func TestNothingMatches(t *testing.T) {
	s := script(t, t.TempDir(), false, "x")
	s.packages[0].Binaries[Base] = worktree.Binary{}
	err := s.take(t.Context(), 10)
	require.ErrorIs(t, err, ErrNoMatch)
	assert.ErrorContains(t, err, "no benchmark matches in base")
	assert.Equal(t, []string{"head x"}, s.ran)
}

// TestTooFullToWrite: a sample that can't be written is not counted.
func TestTooFullToWrite(t *testing.T) {
	dir := t.TempDir()
	s := script(t, dir, false, "x")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "base.txt"), 0o755))
	require.ErrorContains(t, s.take(t.Context(), 1), "base.txt")
	assert.Zero(t, s.ledger.Samples())
}

// TestSkippedInBase: what the base has and did not run is not taken for a new
// benchmark.
func TestSkippedInBase(t *testing.T) {
	const one = "BenchmarkChat-8 10 5 ns/op\nPASS\n"
	const more = "BenchmarkChat-8 10 5 ns/op\nBenchmarkWeights-8 10 5 ns/op\nPASS\n"
	const sub = "BenchmarkChat/big-8 10 5 ns/op\n" + one
	for _, c := range []struct {
		name             string
		base, head, list string
		want             string // of the error; empty if there is none
	}{
		{"in both", more, more, "", ""},
		{"new", one, more, "BenchmarkChat\nok\n", ""},
		{"skipped", one, more, "BenchmarkChat\nBenchmarkWeights\n", "BenchmarkWeights of x"},
		{"all skipped in a package", "PASS\n", more, "BenchmarkWeights\n", "BenchmarkWeights of x"},
		{"new below another", one, sub, "BenchmarkChat\n", ""},
		{"skipped below another", "--- SKIP: BenchmarkChat/big\n    x_test.go:1: no weights\n" + one, sub, "BenchmarkChat\n", "BenchmarkChat/big of x"},
		{"not run by the head", more, one, "", ""},
	} {
		for _, lenient := range []bool{false, true} {
			s := script(t, t.TempDir(), false, "x", "y")
			s.lenient = lenient
			s.answer = func(_ int, b worktree.Binary) (string, error) {
				switch b.Path {
				case "base x":
					if s.asked {
						return c.list, nil
					}
					return c.base, nil
				case "head x":
					return c.head, nil
				}
				return goodSample, nil
			}
			err := s.take(t.Context(), 2)
			if c.want == "" || lenient {
				require.NoError(t, err, c.name)
				assert.Equal(t, c.want != "", strings.Contains(s.said.String(), c.want+"\ndoes it skip itself"), c.name)
				continue
			}
			require.ErrorIs(t, err, ErrUnpaired, c.name)
			assert.ErrorContains(t, err, c.want, c.name)
			assert.LessOrEqual(t, s.ledger.Samples(), 4, "the first round only")
		}
	}
}

// TestSkippedIsReported, once.
func TestSkippedIsReported(t *testing.T) {
	s := script(t, t.TempDir(), false, "x")
	s.answer = func(int, worktree.Binary) (string, error) { return "--- SKIP: BenchmarkWeights\n" + goodSample, nil }
	require.NoError(t, s.take(t.Context(), 3))
	assert.Equal(t, 1, strings.Count(s.said.String(), "BenchmarkWeights of x is skipped in base\n"))
}

// TestListFails: a base that can't be asked is no reason to believe anything.
func TestListFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, t.TempDir(), false, "x")
		s.answer = func(_ int, b worktree.Binary) (string, error) {
			if s.asked {
				return "", errors.New("exit status 3")
			}
			if b.Path == "base x" {
				return "BenchmarkOther 1 1 ns/op\nPASS\n", nil
			}
			return goodSample, nil
		}
		require.ErrorContains(t, s.take(t.Context(), 2), "base, x: which benchmarks it has is not known, since -test.list=^Benchmark fails: exit status 3")
	})
}

// TestSampleWithLess than the first of its side has failed, also after -resume.
func TestSampleWithLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, resume := range []bool{false, true} {
			for less, want := range map[string]string{
				"PASS\n": "BenchmarkChat-8 is not in it",
				strings.Replace(goodSample, "BenchmarkChat/long-8", "# nothing", 1): "BenchmarkChat/long-8 is not in it",
			} {
				dir := t.TempDir()
				s := script(t, dir, false, "x")
				if resume {
					require.NoError(t, s.take(t.Context(), 1))
					s = script(t, dir, true, "x")
				}
				s.answer = func(int, worktree.Binary) (string, error) {
					if s.ledger.Samples() == 2 {
						return less, nil
					}
					return goodSample, nil
				}
				err := s.take(t.Context(), 3)
				require.ErrorIs(t, err, ErrSample)
				assert.ErrorContains(t, err, want)
				assert.Equal(t, less+"panic: oh\n", read(t, dir, "head.failed.txt"))
			}
		}
	})
}

// TestFailureIsReported: the end of what a failed sample has written is where it is seen.
func TestFailureIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, t.TempDir(), false, "x")
		s.answer = func(int, worktree.Binary) (string, error) {
			return strings.Repeat("early\n", 30) + "::error::out of memory\n", errors.New("exit status 2")
		}
		require.Error(t, s.take(t.Context(), 1))
		assert.Contains(t, s.said.String(), "  | ::error::out of memory\n  | panic: oh\n")
		assert.Equal(t, tailLines-2, strings.Count(s.said.String(), "  | early\n"))
	})
}

// TestSamplesBefore: something in front of the samples is nothing to go on with.
func TestSamplesBefore(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, script(t, dir, false, "x").take(t.Context(), 1))
	path := filepath.Join(dir, "base.txt")
	require.NoError(t, os.WriteFile(path, []byte(goodSample+read(t, path)), 0o644))
	_, err := openLedger(dir, parameters{"-bench": "."}, true)
	assert.ErrorContains(t, err, "or something before them")
}
