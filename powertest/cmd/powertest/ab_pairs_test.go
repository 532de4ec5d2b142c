package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			s.answer = func(_ int, b binary) (string, error) {
				switch b.path {
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
				assert.Equal(t, c.want != "", strings.Contains(s.said.String(), c.want+" (does it skip itself"), c.name)
				continue
			}
			require.ErrorIs(t, err, errUnpaired, c.name)
			assert.ErrorContains(t, err, c.want, c.name)
			assert.LessOrEqual(t, s.ledger.samples(), 4, "the first round only")
		}
	}
}

// TestSkippedIsTold, once.
func TestSkippedIsTold(t *testing.T) {
	s := script(t, t.TempDir(), false, "x")
	s.answer = func(int, binary) (string, error) { return "--- SKIP: BenchmarkWeights\n" + goodSample, nil }
	require.NoError(t, s.take(t.Context(), 3))
	assert.Equal(t, 1, strings.Count(s.said.String(), "BenchmarkWeights of x is skipped in base\n"))
}

// TestListFails: a base that can't be asked is no reason to believe anything.
func TestListFails(t *testing.T) {
	s := script(t, t.TempDir(), false, "x")
	s.answer = func(_ int, b binary) (string, error) {
		if s.asked {
			return "", errors.New("exit status 3")
		}
		if b.path == "base x" {
			return "BenchmarkOther 1 1 ns/op\nPASS\n", nil
		}
		return goodSample, nil
	}
	require.ErrorContains(t, s.take(t.Context(), 2), "base, x: which benchmarks it has is not known, since -test.list=^Benchmark fails: exit status 3")
}

// TestSampleWithLess than the first of its side has failed, also after -resume.
func TestSampleWithLess(t *testing.T) {
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
			s.answer = func(int, binary) (string, error) {
				if s.ledger.samples() == 2 {
					return less, nil
				}
				return goodSample, nil
			}
			err := s.take(t.Context(), 3)
			require.ErrorIs(t, err, errSample)
			assert.ErrorContains(t, err, want)
			assert.Equal(t, less+"panic: oh\n", read(t, dir, "head.failed.txt"))
		}
	}
}

// TestFailureIsTold: the end of what a failed sample has written is where it is seen.
func TestFailureIsTold(t *testing.T) {
	s := script(t, t.TempDir(), false, "x")
	s.answer = func(int, binary) (string, error) {
		return strings.Repeat("early\n", 30) + "::error::out of memory\n", errors.New("exit status 2")
	}
	require.Error(t, s.take(t.Context(), 1))
	assert.Contains(t, s.said.String(), "  | ::error::out of memory\n  | panic: oh\n")
	assert.Equal(t, tailLines-2, strings.Count(s.said.String(), "  | early\n"))
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

// TestWorkflowKeepsFailures: the workflow with ab keeps what a failed sample wrote.
func TestWorkflowKeepsFailures(t *testing.T) {
	workflow := documentedWorkflows(t)["README.md"]
	require.Contains(t, workflow, "powertest ab ")
	assert.Contains(t, workflow, "\n            *.failed.txt\n")
}
