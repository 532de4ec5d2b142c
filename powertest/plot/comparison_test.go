package plot

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/gate"
)

// comparisons are those of a section, as it draws them.
func comparisons(s Section) (changes *Changes, list []*Comparison) {
	for _, f := range s.Figures {
		switch f := f.(type) {
		case *Changes:
			changes = f
		case *Comparison:
			list = append(list, f)
		}
	}
	return changes, list
}

// TestRunOrder: samples that powertest ab took in turn are drawn in that order, so that a
// drift is seen; without its marks those of each side follow each other.
func TestRunOrder(t *testing.T) {
	t.Parallel()
	var marked, plain [2]bytes.Buffer
	for i, side := range []int{0, 1, 1, 0, 0, 1, 1, 0} {
		result := fmt.Sprintf("BenchmarkChat 1 %d J/op\n", 100+i)
		fmt.Fprintf(&marked[side], "%s%d of p, 1s, run %d of abc\n%s", gate.MarkBegin, i/2+1, i+1, result)
		plain[side].WriteString(result)
	}
	orders := func(files [2]bytes.Buffer) (orders [2][]int, c *Comparison) {
		r, err := gate.JudgeReaders(gate.Config{}, "old", &files[0], "new", &files[1])
		require.NoError(t, err)
		_, list := comparisons(OfGate(r, nil, nil))
		require.Len(t, list, 1)
		for i, side := range []Samples{list[0].Old, list[0].New} {
			for _, x := range side.Samples {
				orders[i] = append(orders[i], x.Order)
			}
		}
		return orders, list[0]
	}
	got, c := orders(marked)
	assert.Equal(t, [2][]int{{0, 3, 4, 7}, {1, 2, 5, 6}}, got)
	assert.True(t, c.interleaved())
	svgFile(t, c)
	got, c = orders(plain)
	assert.Equal(t, [2][]int{{0, 1, 2, 3}, {0, 1, 2, 3}}, got)
	assert.False(t, c.interleaved())
	svgFile(t, c)
}

// TestGateJSON: the JSON of a gate is drawn as the files are that it is of, worst first.
func TestGateJSON(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "testdata", "gate")
	files := []string{filepath.Join(dir, "old.txt"), filepath.Join(dir, "new-regressed.txt")}
	r, err := gate.Judge(gate.Config{}, gate.ParseSide(files[0]), gate.ParseSide(files[1]))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "gate.json")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, r.WriteJSON(f))
	require.NoError(t, f.Close())

	fromJSON, fromFiles := Read(t.Context(), Options{}, path), Read(t.Context(), Options{}, files...)
	require.Empty(t, fromJSON.Failures)
	want, wanted := comparisons(fromFiles.Sections[0])
	got, list := comparisons(fromJSON.Sections[0])
	require.Len(t, list, len(wanted))
	assert.Equal(t, want.Headline, got.Headline)
	assert.Equal(t, gate.VerdictRegression, list[0].Verdict)
	assert.Equal(t, gate.VerdictSame, list[len(list)-1].Verdict)
	for i, c := range list {
		assert.Equal(t, wanted[i].Title(), c.Title())
		assert.Equal(t, wanted[i].change(), c.change())
		assert.Contains(t, c.change(), " to ", "the interval")
		assert.Len(t, c.New.Samples, 10)
		assert.True(t, math.IsNaN(c.New.Samples[0].Error), "it does not have the instrument's")
	}
	assert.True(t, slices.ContainsFunc(wanted, func(c *Comparison) bool { return c.New.Samples[0].Error > 0 }), "files have the instrument's")
}

// TestOrderOfChanges: the worst verdicts come first, and of one verdict the largest changes.
func TestOrderOfChanges(t *testing.T) {
	t.Parallel()
	r := &gate.Report{}
	for i, delta := range []float64{0.1, math.NaN(), -0.3, 0.2} {
		for _, v := range []gate.Verdict{gate.VerdictSame, gate.VerdictRegression} {
			r.Rows = append(r.Rows, gate.Row{Benchmark: fmt.Sprint(i), Unit: "J/op", Verdict: v, Delta: delta})
		}
	}
	changes, _ := comparisons(OfGate(r, nil, nil))
	var order string
	for _, c := range changes.Rows {
		order += " " + c.Benchmark + string(c.Verdict[0])
	}
	assert.Equal(t, " 2r 3r 0r 1r 2s 3s 0s 1s", order)
}

// TestBudgets: a file that fails by a budget alone shows the number and the limit.
func TestBudgets(t *testing.T) {
	t.Parallel()
	row := gate.Row{Benchmark: "Chat", Unit: "J/token", Bound: "max", Limit: 0.9, New: gate.Summary{Center: 1.25, Low: 1.2, High: 1.3}, Verdict: gate.VerdictOverBudget}
	s := OfGate(&gate.Report{Rows: []gate.Row{row}}, nil, nil)
	has(t, pageText(t, &Page{Sections: []Section{s}}), "<td>1.25</td>", "<td>1.2 to 1.3</td>", "<td>at most 0.9</td>", "<td>over-budget</td>")
}

// TestUnseenIsRoundedUp: as gate writes it, for no more than that is said.
func TestUnseenIsRoundedUp(t *testing.T) {
	t.Parallel()
	for unseen, want := range map[float64]string{0.0121: "up to 1.3 %", 0.5: "up to 50 %", math.Inf(1): "any change", 1e308: "any change", math.NaN(): "–"} {
		assert.Equal(t, want, (&Comparison{Unseen: unseen}).unseen())
	}
}

// TestOddComparisons: samples that are few, equal, zero, infinite changes: they are drawn.
func TestOddComparisons(t *testing.T) {
	t.Parallel()
	for _, file := range [][2]string{
		{"BenchmarkA 1 0 B/op\n", "BenchmarkA 1 5 B/op\n"},
		{"BenchmarkA 1 5 J/op\n", "BenchmarkA 1 5 J/op\n"},
		{"BenchmarkA 1 5 J/op 1e300 err-%\n", "BenchmarkA 1 1e308 J/op 1 err-%\n"},
		{"BenchmarkA 1 -5 net-J/op\n", "BenchmarkA 1 5 net-J/op\n"},
		{"", "BenchmarkA 1 5 J/op\n"},
		{"", ""},
	} {
		cfg := gate.Config{Units: []string{"B/op", "J/op", "net-J/op"}}
		r, err := gate.JudgeReaders(cfg, "old", strings.NewReader(file[0]), "new", strings.NewReader(file[1]))
		require.NoError(t, err)
		s := OfGate(r, nil, nil)
		for _, f := range s.Figures {
			lacks(t, svgFile(t, f), "NaN", "Inf")
		}
		text, _, _ := strings.Cut(pageText(t, &Page{Sections: []Section{s}}), "<script>")
		lacks(t, text, "NaN", "Inf")
	}
}
