package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file makes results of a benchmark: one line for each sample.
func file(name, unit string, samples ...float64) string {
	var b strings.Builder
	for _, v := range samples {
		fmt.Fprintf(&b, "Benchmark%s \t 100\t %v %s\n", name, v, unit)
	}
	return b.String()
}

// spread are n samples around a value, 0.1 % apart.
func spread(center float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = center * (1 + 0.001*float64(i-n/2))
	}
	return list
}

// run judges two files by the contents.
func run(t *testing.T, cfg Config, old, newer string) *Report {
	t.Helper()
	r, err := JudgeReaders(cfg, "old.txt", strings.NewReader(old), "new.txt", strings.NewReader(newer))
	require.NoError(t, err)
	return r
}

func TestRegression(t *testing.T) {
	r := run(t, Config{}, file("Chat-8", "J/op", spread(100, 10)...), file("Chat-8", "J/op", spread(110, 10)...))
	assert.Equal(t, Regression, r.Outcome)
	assert.Equal(t, 1, r.Outcome.ExitCode())
	require.Len(t, r.Rows, 1)
	assert.Equal(t, VerdictRegression, r.Rows[0].Verdict)
	assert.Equal(t, "FAIL: 1 regression in 1 comparison", r.Headline())
}
