package ab

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/gate"
)

// TestHostileOutput: a benchmark that writes 20 MB costs little memory, and its results
// are what they would be without.
func TestHostileOutput(t *testing.T) {
	line := strings.Repeat("a log line of the server under test ", 30) + "\n"
	for name, log := range map[string]string{
		"lines":         line,
		"without end":   strings.TrimSuffix(line, "\n"),
		"short":         "\n",
		"like settings": "level=info msg: " + line,
	} {
		t.Run(name, func(t *testing.T) {
			var o output
			var before, after runtime.MemStats
			chunk := []byte(strings.Repeat(log, 1+(32<<10)/len(log)))
			head, rest, _ := strings.Cut(goodSample, "BenchmarkChat/")
			runtime.ReadMemStats(&before)
			fmt.Fprint(&o, head)
			for n := 0; n < 20<<20; n += len(chunk) {
				o.Write(chunk)
			}
			fmt.Fprint(&o, "\nBenchmarkChat/", rest)
			out, err := o.bytes()
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
			names, err := checkSample(out)
			require.NoError(t, err)
			assert.Equal(t, []string{"Chat-8", "Chat/long-8"}, names)
			if name == "lines" {
				assert.Equal(t, 1, strings.Count(string(out), leftOut))
				assert.True(t, strings.HasSuffix(string(o.rest()), goodSample[len(head):]), "the end is there for people")
			}
		})
	}
	t.Run("results", func(t *testing.T) {
		var o output
		chunk := []byte(strings.Repeat("BenchmarkChat-8 1 5 ns/op\n", 1000))
		for n := 0; n < 20<<20; n += len(chunk) {
			o.Write(chunk)
		}
		out, err := o.bytes()
		require.ErrorIs(t, err, errTooMuch)
		assert.LessOrEqual(t, len(out), maxKept)
		assert.LessOrEqual(t, cap(o.tail.text), 4*maxTail)
	})
}

// TestOutput: what is not much is kept as it is, however it comes.
func TestOutput(t *testing.T) {
	for _, text := range []string{"", "x", "x\n", "\n\nx\r\n\x00y", goodSample, goodSample + "no end"} {
		for _, size := range []int{1, 3, 1000} {
			var o output
			for rest := text; rest != ""; {
				n, err := o.Write([]byte(rest[:min(size, len(rest))]))
				require.NoError(t, err)
				rest = rest[n:]
			}
			out, err := o.bytes()
			require.NoError(t, err)
			assert.Equal(t, text, string(out))
			assert.Empty(t, o.rest())
		}
	}
}

// TestFaults: a sample that the gate would not use is found at once; what it does not
// judge is no fault.
func TestFaults(t *testing.T) {
	for line, want := range map[string]string{
		"BenchmarkChat-8 10 NaN J/op":            "line 1 of its output: J/op is not a number: Chat-8",
		"BenchmarkChat-8 10 +Inf J/op":           "line 1 of its output: J/op is infinite: Chat-8",
		"BenchmarkChat-8 10 1 J/op +Inf rows/op": "",
		"BenchmarkChat-8 10 1 J/op 2 ns/op":      "",
		"Unit tests passed":                      "",
		"Unit J/op lower":                        "line 1 of its output: expected key=value",
	} {
		err := faults(gate.Config{}, []byte(line+"\nBenchmarkOther 1 1 J/op\nPASS\n"))
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, ErrSample)
		assert.ErrorContains(t, err, want)
	}
}
