package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/gate"
)

func runGate(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("GITHUB_ACTIONS", "")
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"gate"}, args...), stdio{nil, &out, &errs})
	return code, out.String(), errs.String()
}

// recordings are the fixtures that prove that the gate can fail.
func recordings(name string) string {
	return filepath.Join("..", "..", "..", "testdata", "gate", name)
}

// TestGateRecordings: of two recordings of the same build the gate says that they
// are the same, and of one that costs 8 % more that it is a regression, as
// .ci/run gate does.
func TestGateRecordings(t *testing.T) {
	code, out, errs := runGate(t, recordings("old.txt"), recordings("new-same.txt"))
	assert.Equal(t, 0, code, out)
	assert.True(t, strings.HasPrefix(out, "PASS: "), out)
	assert.Empty(t, errs)
	code, out, errs = runGate(t, recordings("old.txt"), recordings("new-regressed.txt"))
	assert.Equal(t, 1, code, out)
	assert.True(t, strings.HasPrefix(out, "FAIL: 6 regressions "), out)
	assert.Empty(t, errs)
	code, out, _ = runGate(t, recordings("new-regressed.txt"), recordings("old.txt"))
	assert.Equal(t, 1, code, "users=16 needs more joules per token than with the longer answers: %s", out)
	assert.True(t, strings.HasPrefix(out, "FAIL: 1 regression "), out)
}

// brokenWriter fails, as a pipe does that nobody reads any more.
type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// TestGateUntold: a verdict that could not be told is no pass, and a regression
// stays one.
func TestGateUntold(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	for _, flag := range []string{"-q", "-json=-", "-missing=fail"} {
		var errs bytes.Buffer
		args := []string{"gate", flag, recordings("old.txt"), recordings("new-same.txt")}
		assert.Equal(t, 2, run(t.Context(), args, stdio{nil, brokenWriter{}, &errs}), flag)
		assert.Contains(t, errs.String(), "powertest gate: broken pipe", flag)
		args[3] = recordings("new-regressed.txt")
		assert.Equal(t, 1, run(t.Context(), args, stdio{nil, brokenWriter{}, &errs}), flag)
	}
}

// TestGateKeepsOldFile: where writing fails, what was there stays.
func TestGateKeepsOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.json")
	require.NoError(t, os.Mkdir(path, 0o755))
	code, _, errs := runGate(t, "-q", "-json", path, recordings("old.txt"), recordings("new-same.txt"))
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "it is not a regular file")
}

func TestColoured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the null device stands for a terminal: both are character devices")
	}
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	check := func(want bool, w io.Writer, noColor, term string) {
		t.Helper()
		t.Setenv("NO_COLOR", noColor)
		t.Setenv("TERM", term)
		assert.Equal(t, want, coloured(w))
	}
	check(true, terminal, "", "xterm")
	check(false, terminal, "1", "xterm")
	check(false, terminal, "", "dumb")
	check(false, file, "", "xterm")
	check(false, new(bytes.Buffer), "", "xterm")
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestGateColours: what is no terminal gets no escape sequences, and the coloured
// text is the same but for them.
func TestGateColours(t *testing.T) {
	c, err := new(gateFlags).config()
	require.NoError(t, err)
	report, err := gate.Judge(c, gate.Side{Path: recordings("old.txt")}, gate.Side{Path: recordings("new-regressed.txt")})
	require.NoError(t, err)
	var plain, coloured bytes.Buffer
	require.NoError(t, report.WriteText(&plain, false))
	require.NoError(t, report.WriteText(&coloured, true))
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Contains(t, coloured.String(), "\x1b[")
	assert.Equal(t, plain.String(), escapes.ReplaceAllString(coloured.String(), ""))
}
