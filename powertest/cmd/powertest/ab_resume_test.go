package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab"
)

// untilOptions are those of two looks, at 4 and at 8 samples.
func untilOptions(t *testing.T, args ...string) *abOptions {
	t.Helper()
	args = append([]string{"-until", untilResolved, "-count", "4", "-max-count", "8", "-units", "J/op"}, args...)
	o, err := parseAB(args, stdio{nil, io.Discard, io.Discard})
	require.NoError(t, err)
	return o
}

// drifting is a session in which the head's median has moved at the first look, and
// has not in the samples after it.
func drifting(t *testing.T, dir string, resume bool) *scripted {
	t.Helper()
	s := script(t, dir, resume, "x")
	s.answer = func(_ int, b binary) (string, error) {
		side := ab.Base
		if b.path == "head x" {
			side = ab.Head
		}
		joules := 115
		if n := s.ledger.files[side].counts["x"]; n < 4 {
			joules = 100 + 10*n + 4*int(side)
		}
		return fmt.Sprintf("goos: linux\nBenchmarkChat 1 %d J/op\nPASS\n", joules), nil
	}
	return s
}

// TestUntilResumed: wherever a comparison with -until was interrupted, the looks are
// those of an undisturbed one.
func TestUntilResumed(t *testing.T) {
	whole := drifting(t, t.TempDir(), false)
	o := untilOptions(t)
	require.NoError(t, o.look(t.Context(), whole.session))
	require.Equal(t, 16, whole.ledger.samples())
	for stop := 1; stop <= 16; stop++ {
		dir := t.TempDir()
		first := drifting(t, dir, false)
		answer := first.answer
		first.answer = func(n int, b binary) (string, error) {
			if n == stop {
				return "", errors.New("exit status 2")
			}
			return answer(n, b)
		}
		require.ErrorIs(t, untilOptions(t).look(t.Context(), first.session), errSample)
		second, p := drifting(t, dir, true), untilOptions(t)
		require.NoError(t, p.look(t.Context(), second.session))
		assert.Equal(t, 16, second.ledger.samples(), "stopped at %d", stop)
		assert.InDelta(t, o.alpha, p.alpha, 0)
		assert.Equal(t, 1, strings.Count(second.said.String(), "at 4 samples the verdict is open"), "stopped at %d", stop)
	}
}

// TestUntilResumedOtherwise: with flags by which the first look would have been the
// last, there is no verdict about the samples that came after it.
func TestUntilResumedOtherwise(t *testing.T) {
	dir := t.TempDir()
	first := drifting(t, dir, false)
	require.NoError(t, untilOptions(t).look(t.Context(), first.session))
	second := drifting(t, dir, true)
	err := untilOptions(t, "-filter", ".name:Other").look(t.Context(), second.session)
	require.ErrorIs(t, err, errMore)
	assert.ErrorContains(t, err, "8 of x, and with these flags the verdict is at 4")
}

// TestParametersOfSource: what measures is part of what is compared, and a password
// is not kept.
func TestParametersOfSource(t *testing.T) {
	t.Setenv("POWERTEST_SOURCE", "smi")
	t.Setenv("POWERTEST_DEVICES", "0,1")
	smi := untilOptions(t).parameters()
	assert.Equal(t, "smi", smi["POWERTEST_SOURCE"])
	assert.Equal(t, "0,1", smi["POWERTEST_DEVICES"])
	t.Setenv("POWERTEST_SOURCE", "http=https://me:secret@example.com")
	one := untilOptions(t).parameters()
	assert.NotContains(t, one["POWERTEST_SOURCE"], "secret")
	assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, one["POWERTEST_SOURCE"])
	t.Setenv("POWERTEST_SOURCE", "http=https://me:other@example.com")
	assert.Len(t, one.differences(untilOptions(t).parameters()), 1)
	assert.Len(t, one.differences(smi), 1)
}
