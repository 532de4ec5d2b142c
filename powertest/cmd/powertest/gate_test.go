package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
)

func gated(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("GITHUB_ACTIONS", "")
	var out, errs bytes.Buffer
	code = program.Run(t.Context(), append([]string{"gate"}, args...), command.Streams{Out: &out, Err: &errs})
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
	code, out, errs := gated(t, recordings("old.txt"), recordings("new-same.txt"))
	assert.Equal(t, 0, code, out)
	assert.True(t, strings.HasPrefix(out, "PASS: "), out)
	assert.Empty(t, errs)
	code, out, errs = gated(t, recordings("old.txt"), recordings("new-regressed.txt"))
	assert.Equal(t, 1, code, out)
	assert.True(t, strings.HasPrefix(out, "FAIL: 6 regressions "), out)
	assert.Empty(t, errs)
	code, out, _ = gated(t, recordings("new-regressed.txt"), recordings("old.txt"))
	assert.Equal(t, 1, code, "users=16 needs more joules per token than with the longer answers: %s", out)
	assert.True(t, strings.HasPrefix(out, "FAIL: 1 regression "), out)
}
