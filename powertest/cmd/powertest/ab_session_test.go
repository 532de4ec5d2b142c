package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab"
)

// A scripted session runs no binaries: answer is what a sample comes to.
type scripted struct {
	*session
	ran    []string
	asked  bool         // the sample is none, but asks for a list
	said   bytes.Buffer // what was told
	answer func(n int, b binary) (string, error)
}

func script(t *testing.T, dir string, resume bool, packages ...string) *scripted {
	t.Helper()
	led, err := openLedger(dir, parameters{"-bench": "."}, resume)
	require.NoError(t, err)
	s := &scripted{answer: func(int, binary) (string, error) { return goodSample, nil }}
	s.session = &session{ledger: led, progress: newProgress(&s.said), empty: map[string]bool{}, told: map[string]bool{}}
	s.rest = func(ctx context.Context, _ int) error { return ctx.Err() }
	for _, p := range packages {
		s.packages = append(s.packages, testPackage{p, [2]binary{{path: "base " + p}, {path: "head " + p}}})
	}
	s.sample = func(_ context.Context, b binary, args []string) ([]byte, []byte, error) {
		s.asked = slices.Contains(args, "-test.list=^Benchmark")
		s.ran = append(s.ran, b.path)
		out, err := s.answer(len(s.ran), b)
		return []byte(out), []byte("panic: oh\n"), err
	}
	return s
}

// TestResumedAnywhere: wherever a run has stopped, going on runs what is missing,
// in the same order, and nothing else.
func TestResumedAnywhere(t *testing.T) {
	whole := script(t, t.TempDir(), false, "x", "y")
	require.NoError(t, whole.take(t.Context(), 4))
	require.Len(t, whole.ran, 16)
	assert.Equal(t, []string{"base x", "head x", "base y", "head y", "head x", "base x", "head y", "base y"}, whole.ran[:8])
	for stop := 1; stop <= 16; stop++ {
		dir := t.TempDir()
		first := script(t, dir, false, "x", "y")
		first.answer = func(n int, _ binary) (string, error) {
			if n == stop {
				return goodSample[:30], errors.New("exit status 2")
			}
			return goodSample, nil
		}
		require.ErrorIs(t, first.take(t.Context(), 4), errSample)
		assert.Equal(t, stop-1, first.ledger.samples())
		second := script(t, dir, true, "x", "y")
		require.NoError(t, second.take(t.Context(), 4))
		assert.Equal(t, whole.ran, append(first.ran[:stop-1:stop-1], second.ran...), "stopped at %d", stop)
		assert.Equal(t, 16, second.ledger.samples())
	}
}

// TestInterrupted: a sample that runs when the context ends is not kept, even if it
// came to its end, and no failure is claimed.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := script(t, dir, false, "x")
	ctx, cancel := context.WithCancel(t.Context())
	s.answer = func(n int, _ binary) (string, error) {
		if n == 3 {
			cancel()
		}
		return goodSample, nil
	}
	require.ErrorIs(t, s.take(ctx, 4), context.Canceled)
	assert.Equal(t, 2, s.ledger.samples())
	assert.NoFileExists(t, filepath.Join(dir, "head.failed.txt"))
}

// TestFailedOutputIsKept, with what was written to the standard error.
func TestFailedOutputIsKept(t *testing.T) {
	dir := t.TempDir()
	s := script(t, dir, false, "x")
	s.answer = func(n int, _ binary) (string, error) { return "Benchmark", fmt.Errorf("exit status %d", n) }
	err := s.take(t.Context(), 4)
	require.ErrorIs(t, err, errSample)
	assert.ErrorContains(t, err, "base, x: the sample has failed: exit status 1; its output is in "+filepath.Join(dir, "base.failed.txt"))
	b, err := os.ReadFile(filepath.Join(dir, "base.failed.txt"))
	require.NoError(t, err)
	assert.Equal(t, "Benchmarkpanic: oh\n", string(b))
	assert.NoFileExists(t, filepath.Join(dir, "base.txt"))
}

// TestPackagesWithout: a package without benchmarks, or on one side only, is run no
// more often than is needed to know it.
func TestPackagesWithout(t *testing.T) {
	s := script(t, t.TempDir(), false, "x", "none", "new")
	s.packages[2].binaries[ab.Base] = binary{}
	s.answer = func(_ int, b binary) (string, error) {
		if b.path == "base none" || b.path == "head none" {
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
	s.packages[0].binaries[ab.Base] = binary{}
	err := s.take(t.Context(), 10)
	require.ErrorIs(t, err, errNoMatch)
	assert.ErrorContains(t, err, "no benchmark matches in base")
	assert.Equal(t, []string{"head x"}, s.ran)
}

// TestTooFullToWrite: a sample that can't be written is not counted.
func TestTooFullToWrite(t *testing.T) {
	dir := t.TempDir()
	s := script(t, dir, false, "x")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "base.txt"), 0o755))
	require.ErrorContains(t, s.take(t.Context(), 1), "base.txt")
	assert.Zero(t, s.ledger.samples())
}
