package ab

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest/gate"
)

const goodSample = "goos: linux\nUnit J/op better=lower\nBenchmarkChat-8 \t 10\t 5 ns/op\t 12 J/op\nBenchmarkChat/long-8 \t 10\t 5 ns/op\nPASS\n"

func TestCheckSample(t *testing.T) {
	for _, c := range []struct {
		name, out string
		results   int
		want      string // of the error; empty if there is none
	}{
		{"good", goodSample, 2, ""},
		{"with a log", strings.Replace(goodSample, "PASS", "--- BENCH: BenchmarkChat-8\n    x_test.go:3: hello\nPASS", 1), 2, ""},
		{"nothing matches", "PASS\n", 0, ""},
		{"with coverage", "PASS\ncoverage: 10% of statements\n", 0, ""},
		{"of Windows", strings.ReplaceAll(goodSample, "\n", "\r\n"), 2, ""},
		{"empty", "", 0, "it does not say PASS"},
		{"cut at a line", strings.TrimSuffix(goodSample, "PASS\n"), 0, "it does not say PASS"},
		{"cut in a line", goodSample[:len(goodSample)-3], 0, "its last line has no end"},
		{"failed", "--- FAIL: BenchmarkChat\nFAIL\n", 0, "--- FAIL: BenchmarkChat"},
		{"failed after another", "BenchmarkChat-8 \t 10\t 5 ns/op\n    --- FAIL: BenchmarkChat/long\nPASS\n", 0, "--- FAIL: BenchmarkChat/long"},
		{"failed without a name", "PASS\nFAIL\n", 0, "FAIL"},
		{"torn", "BenchmarkChat-8 \thello\n 10\t 5 ns/op\nPASS\n", 0, "line 1 of its output is no result: "},
		{"without a unit", "BenchmarkChat-8 \t 10\t 5\nPASS\n", 0, "line 1 of its output is no result: "},
		{"a log about units", "Unit tests passed\n" + goodSample, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := checkSample([]byte(c.out))
			if c.want == "" {
				require.NoError(t, err)
				assert.Len(t, n, c.results)
				return
			}
			require.ErrorIs(t, err, ErrSample)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzCheckSample: what counts as a sample is read by the gate as it was checked, also
// with other samples before and after it.
func FuzzCheckSample(f *testing.F) {
	f.Add([]byte(goodSample))
	f.Add([]byte("PASS\n"))
	f.Add([]byte("Benchmark\x00 1 1 ns/op\nPASS\n"))
	f.Add([]byte(gate.MarkBegin + "7 of x, 1s\nPASS\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		n, err := checkSample(out)
		if err != nil {
			require.ErrorIs(t, err, ErrSample)
			return
		}
		r := benchfmt.NewReader(bytes.NewReader(append([]byte(goodSample+gate.MarkBegin+"2 of x, 1s\n"), append(out, goodSample...)...)), "samples")
		results := 0
		for r.Scan() {
			if _, ok := r.Result().(*benchfmt.Result); ok {
				results++
			}
		}
		assert.Equal(t, len(n)+4, results)
	})
}
