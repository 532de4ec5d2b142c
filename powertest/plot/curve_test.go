package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/gate"
)

// curvesOf are the curves of a benchmark file.
func curvesOf(t *testing.T, text string) []*Curve {
	t.Helper()
	list, warnings, err := gate.ReadSamples(gate.Config{}, "new.txt", strings.NewReader(text))
	require.NoError(t, err)
	require.Empty(t, warnings)
	var found []*Curve
	for _, f := range OfSamples("new.txt", list).Figures {
		if c, ok := f.(*Curve); ok {
			found = append(found, c)
		}
	}
	return found
}

// TestCurves: metrics against each key of the names that has several numbers, a line for
// what else differs; what is absent is a gap, and is drawn as one.
func TestCurves(t *testing.T) {
	t.Parallel()
	list := curvesOf(t, `
BenchmarkServe/model=a/conc=16-8 1 4 tokens/J 100 tokens/s
BenchmarkServe/model=a/conc=1-8 1 1 tokens/J 10 tokens/s
BenchmarkServe/model=a/conc=64-8 1 9 tokens/J 200 tokens/s
BenchmarkServe/model=b/conc=1-8 1 2 tokens/J 20 tokens/s
BenchmarkServe/model=b/conc=16-8 1 300 tokens/s
BenchmarkServe/model=b/conc=64-8 1 8 tokens/J 400 tokens/s
BenchmarkServe/model=b/conc=64-8 1 6 tokens/J 400 tokens/s
`)
	require.Len(t, list, 2, "tokens/J and tokens/s by conc; model is no number")
	c := list[0]
	assert.Equal(t, "conc", c.Key)
	assert.Equal(t, "tokens/J", c.Unit)
	assert.True(t, c.log())
	require.Len(t, c.Lines, 2)
	var xs []float64
	for _, v := range c.Lines[0].Points {
		xs = append(xs, v.X)
	}
	assert.Equal(t, []float64{1, 16, 64}, xs)
	b := c.Lines[1].Points
	require.Len(t, b, 3)
	assert.True(t, math.IsNaN(b[1].Y), "absent is not zero")
	assert.InDelta(t, 7, b[2].Y, 0)
	assert.InDelta(t, 6, b[2].Low, 0, "the range of two samples")
	assert.InDelta(t, 8, b[2].High, 0)
	text := svgFile(t, c)
	assert.Equal(t, 5, strings.Count(text, `class="pt"`), "and no point where there is none")
	assert.Regexp(t, `class="l s1"[^>]* d="M[\d.]+ [\d.]+M[\d.]+ [\d.]+"`, text, "nor a line over it")
}

// TestManyLines: of very many lines those with the most points are drawn, and memory is not
// the product of lines and keys.
func TestManyLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const lines = 300
	for i := range lines {
		fmt.Fprintf(&b, "BenchmarkX%03d/n=%d 1 5 tokens/J\n", i, i+1)
	}
	b.WriteString("BenchmarkX299/n=1 1 5 tokens/J\n")
	list := curvesOf(t, b.String())
	require.Len(t, list, 1)
	c := list[0]
	assert.Len(t, c.Lines, maxLines)
	assert.Equal(t, "X299", c.Lines[maxLines-1].Name)
	assert.Len(t, c.Lines[0].Points, maxLines, "the keys of lines that are left out are not there")
	assert.Contains(t, c.Describe(), "16 lines of 300, those with the most points.")
}

// TestReportCurves: several reports of one name are one point, with their range.
func TestReportCurves(t *testing.T) {
	t.Parallel()
	report := func(name string, tokens int64) powertest.Report {
		m := energy.Measurement{Valid: true, Duration: time.Second, Energy: energy.Estimate{Joules: 100, Low: 99, High: 101}, Watts: 100}
		return powertest.NewReport(name, powertest.Work{OutputTokens: tokens, Elapsed: time.Second}, m)
	}
	withheld := powertest.NewReport("BenchmarkServe/conc=8", powertest.Work{OutputTokens: 7}, energy.Measurement{})
	sections := OfReports("load.json", report("BenchmarkServe/conc=1", 100), withheld, report("BenchmarkServe/conc=4", 200), report("BenchmarkServe/conc=4", 400), report("BenchmarkServe/conc=4", 300))
	c, ok := sections[0].Figures[0].(*Curve)
	require.True(t, ok)
	assert.Equal(t, "tokens/J", c.Unit)
	require.Len(t, c.Lines, 1)
	points := c.Lines[0].Points
	require.Len(t, points, 3)
	assert.InDelta(t, 0.99, points[0].Low, 1e-9, "that of the instrument")
	assert.Equal(t, 3, points[1].N)
	assert.InDelta(t, 3, points[1].Y, 1e-9)
	assert.InDelta(t, 1.98, points[1].Low, 1e-9)
	assert.InDelta(t, 4.04, points[1].High, 1e-9)
	assert.True(t, math.IsNaN(points[2].Y), "withheld is a gap")
}

// TestScale: units of base have the prefix that their values need, and others none.
func TestScale(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string]string{"sec/op": "ms/op", "J/op": "mJ/op", "prefill-J/op": "prefill-mJ/op", "W": "mW", "tokens/s": "tokens/s", "err-%": "err-%", "p50-ttft-sec": "p50-ttft-ms"} {
		assert.Equal(t, want, scaleOf(unit, 0.005, math.NaN(), 0.2).unit)
	}
	assert.Equal(t, scale{1000, "kW"}, scaleOf("W", 12000))
	assert.Equal(t, scale{1, "J/op"}, scaleOf("J/op"))
	assert.Equal(t, scale{1, "J/op"}, scaleOf("J/op", 0, math.NaN()))
}

// TestTicks: they are round, and not too many, however odd the axis is.
func TestTicks(t *testing.T) {
	t.Parallel()
	labels := func(low, high float64) (list []string) {
		for _, x := range ticksOf(low, high, 5) {
			list = append(list, x.Label)
		}
		return list
	}
	assert.Equal(t, []string{"0", "200", "400", "600", "800"}, labels(0, 820))
	assert.Equal(t, []string{"−0.5", "0.0", "0.5", "1.0"}, labels(-0.6, 1.2))
	for _, odd := range [][2]float64{{0, 0}, {1, 1}, {5, 4}, {0, math.Inf(1)}, {math.NaN(), 1}, {1e300, 1e301}, {0, 1e-300}, {1e15, 1e15 + 1}} {
		assert.LessOrEqual(t, len(ticksOf(odd[0], odd[1], 5)), 100, "%v", odd)
	}
}
