package ab

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
	"github.com/joulebench/joulebench/powertest/gate"
)

// TestUnitsOnce: each process says which direction of its units is better, and the file of
// its samples says it once, also of those that are resumed. The gate reads it.
func TestUnitsOnce(t *testing.T) {
	s, builds := fake(t, 12, 13)
	failed := 0
	s.sample = func(_ context.Context, b worktree.Binary, _ []string) (out, errs []byte, err error) {
		f := builds[b.Path]
		if f.runs++; f.runs == 3 && failed == 0 {
			failed++
			return nil, nil, ErrSample
		}
		text := "goos: linux\nUnit hits/op better=higher\nUnit J/op better=lower\n"
		if f.runs > 1 {
			text += "Unit step-J/op better=lower\n"
		}
		return fmt.Appendf(nil, "%sBenchmarkChat 1 %.3f J/op %d hits/op\nPASS\n", text, f.joules, 200-10*int(f.joules)), nil, nil
	}
	s.Gate = gate.Config{Units: []string{"hits/op"}}
	_, err := s.Run(t.Context())
	require.ErrorIs(t, err, ErrSample)
	s.Resume = true
	result, err := s.Run(t.Context())
	require.NoError(t, err)
	for _, side := range []Side{Base, Head} {
		text := read(t, result.Ledger.Path(side))
		assert.Equal(t, 4, strings.Count(text, "\nBenchmarkChat "))
		for _, unit := range []string{"hits/op better=higher", "J/op better=lower", "step-J/op better=lower"} {
			assert.Equal(t, 1, strings.Count(text, "\nUnit "+unit+"\n"), "%s in\n%s", unit, text)
		}
	}
	assert.Equal(t, gate.Regression, result.Report.Outcome, "fewer hits, by the direction that the file says: %v", result.Report)
}
