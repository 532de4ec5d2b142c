package gate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// simulate makes results of benchmarks, with samples that are normal around the
// value of each.
func simulate(random *rand.Rand, benchmarks, samples int, unit string, center func(i int) float64, noise float64) string {
	var b strings.Builder
	for i := range benchmarks {
		for range samples {
			fmt.Fprintf(&b, "BenchmarkCase%d 1 %.9g %s\n", i, center(i)*(1+noise*random.NormFloat64()), unit)
		}
	}
	return b.String()
}

// TestSwapped: what is a regression is an improvement with the files swapped, and
// the other way round, whatever the samples are.
func TestSwapped(t *testing.T) {
	t.Parallel()
	opposite := map[Verdict]Verdict{
		VerdictRegression: VerdictImprovement, VerdictImprovement: VerdictRegression,
		VerdictSame: VerdictSame, VerdictInconclusive: VerdictInconclusive,
	}
	seen := map[Verdict]int{}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		unit := []string{"J/op", "tokens/J", "ns/op"}[random.IntN(3)]
		scale := 100.0
		if random.IntN(3) == 0 {
			scale = 2 // so that there are ties
		}
		results := func() string {
			var centers [4]float64
			for i := range centers {
				centers[i] = scale * (1 + 0.06*random.Float64())
			}
			text := simulate(random, len(centers), 3+random.IntN(12), unit, func(i int) float64 { return centers[i] }, 0.01)
			if scale == 2 {
				text = rounded(text)
			}
			return text
		}
		a, b := results(), results()
		there, back := run(t, Config{Units: []string{unit}}, a, b), run(t, Config{Units: []string{unit}}, b, a)
		require.Equal(t, len(there.Rows), len(back.Rows))
		for i := range there.Rows {
			require.Equal(t, opposite[there.Rows[i].Verdict], back.Rows[i].Verdict, "seed %d row %d: %+v", seed, i, there.Rows[i])
			require.InDelta(t, there.Rows[i].PAdjusted, back.Rows[i].PAdjusted, 1e-12)
			seen[there.Rows[i].Verdict]++
		}
	}
	for v := range opposite {
		assert.Greater(t, seen[v], 50, "%s", v)
	}
}

// rounded leaves three digits of all values, so that some are equal.
func rounded(results string) string {
	var b strings.Builder
	for line := range strings.Lines(results) {
		var name, unit string
		var v float64
		fmt.Sscanf(line, "%s 1 %g %s", &name, &v, &unit)
		fmt.Fprintf(&b, "%s 1 %.3g %s\n", name, v, unit)
	}
	return b.String()
}

// TestIdenticalFiles never are a regression.
func TestIdenticalFiles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		text := randomResults(random)
		r := run(t, Config{Units: []string{"ns/op", "J/op", "tokens/J", "B/op"}}, text, text)
		assert.NotEqual(t, Regression, r.Outcome, "seed %d", seed)
		for i := range r.Rows {
			assert.Contains(t, []Verdict{VerdictSame, VerdictInconclusive}, r.Rows[i].Verdict)
		}
	}
}

// falseAlarms checks that of pairs of files of identical builds, no more than alpha
// are called different in any row, however many rows there are. The threshold, which
// would hide most of them, is 0.
func falseAlarms(t *testing.T, family, samples, pairs int) {
	random := rand.New(rand.NewPCG(uint64(family), 3))
	cfg := Config{Thresholds: map[string]float64{"": 0}}
	center := func(i int) float64 { return 1 + float64(i) }
	alarms := 0
	for range pairs {
		old := simulate(random, family, samples, "J/op", center, 0.02)
		newer := simulate(random, family, samples, "J/op", center, 0.02)
		r := run(t, cfg, old, newer)
		require.Len(t, r.Rows, family)
		if c := r.tally(); c.regressions+c.better > 0 {
			alarms++
		}
	}
	rate := float64(alarms) / float64(pairs)
	t.Logf("%d pairs of %d comparisons: %.4f are called different", pairs, family, rate)
	assert.LessOrEqual(t, rate, DefaultAlpha)
	assert.Greater(t, rate, 0.005, "the gate cannot find anything")
}

// TestFalseAlarms has fewer pairs than TestSlowFalseAlarms.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("judges thousands of pairs")
	}
	for _, f := range []struct{ family, samples, pairs int }{{1, 10, 2000}, {6, 7, 1000}, {20, 8, 300}} {
		t.Run(fmt.Sprintf("family of %d", f.family), func(t *testing.T) {
			t.Parallel()
			falseAlarms(t, f.family, f.samples, f.pairs)
		})
	}
}

// TestPlantedShift: 5 % more joules at 1 % noise are found with 10 samples.
func TestPlantedShift(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 4))
	const trials, family = 400, 4
	found := 0
	for range trials {
		old := simulate(random, family, 10, "J/op", func(int) float64 { return 100 }, 0.01)
		newer := simulate(random, family, 10, "J/op", func(i int) float64 {
			if i == 2 {
				return 105
			}
			return 100
		}, 0.01)
		r := run(t, Config{}, old, newer)
		if r.Outcome == Regression && r.Rows[2].Verdict == VerdictRegression && r.tally().regressions == 1 {
			found++
		}
	}
	t.Logf("found %d of %d", found, trials)
	assert.GreaterOrEqual(t, found, trials*99/100)
}

// randomResults are results of some benchmarks, in some packages, with samples of
// very different numbers and sizes, some of them equal.
func randomResults(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("goos: linux\nUnit B/op assume=exact\nUnit J/op better=lower\n")
	samples := 1 + random.IntN(30)
	for _, pkg := range []string{"a", "b"} {
		fmt.Fprintf(&b, "pkg: %s\n", pkg)
		for name := range 5 {
			if random.IntN(8) == 0 {
				continue // missing
			}
			center := random.ExpFloat64() * 100
			for range max(1, samples-random.IntN(3)) {
				fmt.Fprintf(&b, "Benchmark%c/n=%d-8 10 %.1f ns/op", 'A'+name, name, center*(1+0.1*random.NormFloat64())+50)
				fmt.Fprintf(&b, " %.*g J/op %d B/op", 1+random.IntN(5), 5+random.Float64(), 100+name)
				fmt.Fprintf(&b, " %v tokens/J %d mystery\n", random.ExpFloat64(), random.IntN(4))
			}
		}
	}
	return b.String()
}
