package gate

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/internal/median"
)

// TestSmallestP: the table in the documentation, and that it is benchmath's p for
// samples that do not overlap.
func TestSmallestP(t *testing.T) {
	for _, row := range []struct {
		n      int
		p      float64
		family int // the largest in which it is significant at 0.05
	}{
		{3, 0.1, 0}, {4, 0.0286, 1}, {5, 0.00794, 6}, {6, 0.00216, 23}, {7, 0.000583, 85}, {8, 0.000155, 321}, {10, 1.08e-5, 4618},
	} {
		p := smallestP(row.n, row.n)
		assert.InEpsilon(t, row.p, p, 0.005, "n=%d", row.n)
		assert.Less(t, p*float64(row.family), 0.05)
		assert.GreaterOrEqual(t, p*float64(row.family+1), 0.05)
		if row.family > 0 {
			assert.Equal(t, row.n, samplesFor(row.family, 0.05))
			assert.Greater(t, samplesFor(row.family+1, 0.05), row.n)
		}
	}
	for _, n := range []int{1, 2, 3, 10, 50, 51, 80} {
		for _, m := range []int{1, 4, 25, 50, 51, 70} {
			low, high := make([]float64, n), make([]float64, m)
			for i := range low {
				low[i] = float64(i)
			}
			for i := range high {
				high[i] = float64(1000 + i)
			}
			assert.InEpsilon(t, compare(low, high, false, 0.05).p, smallestP(n, m), 1e-6, "%d, %d", n, m)
		}
	}
	assert.Equal(t, 1.0, smallestP(0, 5))
}

// TestHolm: the example of step-down adjustment that is worked out by hand.
func TestHolm(t *testing.T) {
	adjusted, levels := holm([]float64{0.01, 0.04, 0.03, 0.005}, 0.05)
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, adjusted, 1e-12)
	assert.InDeltaSlice(t, []float64{0.05 / 3, 0.025, 0.025, 0.0125}, levels, 1e-12)
	adjusted, levels = holm([]float64{0.7, 0.9}, 0.05)
	assert.Equal(t, []float64{1, 1}, adjusted)
	assert.Equal(t, []float64{0.025, 0.025}, levels)
	adjusted, _ = holm(nil, 0.05)
	assert.Empty(t, adjusted)
}

// TestUnequalSamplesWithTies: benchmath's p is 0 for one sample among 15, which
// no test can say. The p that is judged by is right.
func TestUnequalSamplesWithTies(t *testing.T) {
	t.Parallel()
	c := compare([]float64{0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3}, []float64{0}, false, 0.05)
	assert.Zero(t, c.shown, "benchmath has been corrected: above is not needed any more")
	assert.InDelta(t, 6.0/16, c.p, 1e-9)
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a, b := make([]float64, 1+random.IntN(7)), make([]float64, 1+random.IntN(7))
		levels := 2 + random.IntN(8)
		for _, l := range [][]float64{a, b} {
			for i := range l {
				l[i] = float64(random.IntN(levels))
			}
		}
		want := exactP(a, b)
		got := compare(slices.Clone(a), slices.Clone(b), false, 0.05).p
		assert.InDelta(t, want, got, 1e-9, "%v %v", a, b)
		assert.InDelta(t, want, compare(slices.Clone(b), slices.Clone(a), false, 0.05).p, 1e-9, "%v %v", b, a)
	}
}

// exactP is the two-sided p-value of the Mann-Whitney U test by counting all ways
// to choose the samples of a: twice the smaller tail, and 1 in the middle.
func exactP(a, b []float64) float64 {
	all := slices.Concat(a, b)
	rank := func(v float64) int { // twice the mean rank
		r := 1
		for _, w := range all {
			if w < v {
				r += 2
			} else if w == v {
				r++
			}
		}
		return r
	}
	sum := 0
	for _, v := range a {
		sum += rank(v)
	}
	total, low, high := 0, 0, 0
	for chosen := range 1 << len(all) {
		if bits.OnesCount(uint(chosen)) != len(a) {
			continue
		}
		s := 0
		for i, v := range all {
			if chosen>>i&1 == 1 {
				s += rank(v)
			}
		}
		total++
		if s <= sum {
			low++
		}
		if s >= sum {
			high++
		}
	}
	if sum == len(a)*(len(all)+1) {
		return 1
	}
	// Ranks above the middle have the upper tail, which need not be the smaller
	// one where the distribution is not symmetric.
	tail := low
	if sum > len(a)*(len(all)+1) {
		tail = high
	}
	return math.Min(1, 2*float64(tail)/float64(total))
}

func TestRatio(t *testing.T) {
	assert.Equal(t, 1.0, ratio(0, 0))
	assert.True(t, math.IsInf(ratio(0, 1), 1))
	assert.Equal(t, ratio(3, 4), ratio(4, 3))
	for _, share := range []float64{0, 0.01, 0.03, 0.05, 0.1, 0.5} {
		assert.True(t, atLeast(ratio(100, 100*(1+share)), share), "%v", share)
		assert.False(t, atLeast(ratio(100, 100*(1+share*0.999)), share+1e-6), "%v", share)
	}
}

// TestMedian of an odd number of values, and of an even one, in any order.
func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{2, 1}, 1.5}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 10, 2}, 3}, {[]float64{9, 1, 7, 2, 3}, 3}} {
		assert.InDelta(t, c.want, median.Of(c.values), 1e-12, "%v", c.values)
	}
}

// TestSamplesForBoundary: a least p-value that is just the level is not below it.
func TestSamplesForBoundary(t *testing.T) {
	p := smallestP(4, 4)
	assert.Equal(t, 5, samplesFor(1, p))
	assert.Equal(t, 4, samplesFor(1, math.Nextafter(p, 1)))
	assert.Equal(t, 1000, samplesFor(1, 0), "no number of samples would do")
}

// TestVerdictBoundaries: what happens where a number is just its limit.
func TestVerdictBoundaries(t *testing.T) {
	row := func(p float64) *Row {
		return &Row{
			Old: Summary{Center: 100, N: 10}, New: Summary{Center: 125, N: 10}, Delta: 0.25, Better: -1, Test: TestUnpaired,
			PAdjusted: p, Threshold: 0.03, InstrumentError: nan,
		}
	}
	check := func(want Verdict, why string, r *Row, p, alpha float64, family int) {
		t.Helper()
		verdict, got := testedVerdict(r, p, alpha, family)
		assert.Equal(t, want, verdict)
		assert.Contains(t, got, why)
	}
	// A p-value that is just alpha is not significant, alone and in a family.
	check(VerdictRegression, "", row(math.Nextafter(0.05, 0)), 0.001, 0.05, 2)
	check(VerdictSame, "alone, but not among 2 comparisons", row(0.05), math.Nextafter(0.05, 0), 0.05, 2)
	check(VerdictSame, "noise is as large as the change", row(0.05), 0.05, 0.05, 2)
	// Samples of which the least p-value is just the level could not have shown anything.
	few := row(1)
	few.Old.N, few.New.N = 4, 4
	check(VerdictInconclusive, "4+4 samples cannot show a change among 1 comparison", few, 1, smallestP(4, 4), 1)
	check(VerdictSame, "noise is as large", few, 1, math.Nextafter(smallestP(4, 4), 1), 1)
	check(VerdictInconclusive, "among 2 comparisons", few, 1, 2*smallestP(4, 4), 2)
	// A change that is just the threshold counts, and so does one that is just the
	// instrument's error.
	exact := row(0.001)
	exact.Threshold = 0.25
	check(VerdictRegression, "", exact, 0.001, 0.05, 1)
	exact.Threshold = 0.2501
	check(VerdictSame, "below the threshold of 25.01 %", exact, 0.001, 0.05, 1)
	exact.Threshold, exact.InstrumentError = 0, 0.25
	check(VerdictRegression, "", exact, 0.001, 0.05, 1)
	exact.InstrumentError = 0.2501
	check(VerdictInconclusive, "less than the instrument's error of 25.01 %", exact, 0.001, 0.05, 1)
	exact.Better = +1
	check(VerdictSame, "less than the instrument's error of 25.01 %", exact, 0.001, 0.05, 1)
	exact.InstrumentError, exact.Better = 0, 0
	check(VerdictInconclusive, "not known which direction", exact, 0.001, 0.05, 1)
	// Medians that are equal have not moved, whatever the threshold is.
	exact.Better, exact.New.Center, exact.Delta = -1, 100, 0
	check(VerdictSame, "below the threshold of 0 %", exact, 0.001, 0.05, 1)
	// A budget that is just met is met.
	for _, kind := range []string{"max", "min"} {
		verdict, _ := budgetVerdict(&Row{Bound: kind, Limit: 125, New: Summary{Center: 125}})
		assert.Equal(t, VerdictWithinBudget, verdict, kind)
	}
}

// TestAlphaBoundary: the level itself, from samples to the outcome.
func TestAlphaBoundary(t *testing.T) {
	older, newer := file("A", "J/op", spread(100, 4)...), file("A", "J/op", spread(200, 4)...)
	p := smallestP(4, 4)
	r := run(t, Config{Alpha: p}, older, newer)
	requireReason(t, r, CannotJudge, "too few samples (4)", "-count 5")
	assert.InDelta(t, p, r.Rows[0].PAdjusted, 1e-15)
	assert.Equal(t, Regression, run(t, Config{Alpha: p * (1 + 1e-9)}, older, newer).Outcome)
}

// TestShare: from nothing to something is infinitely more, to nothing is all less, and
// a negative value has no share.
func TestShare(t *testing.T) {
	assert.InDelta(t, 0.25, share(4, 5), 1e-12)
	assert.InDelta(t, -1, share(4, 0), 0)
	assert.Zero(t, share(0, 0))
	assert.Zero(t, share(-3, -3))
	assert.True(t, math.IsInf(share(0, 4), 1))
	assert.True(t, math.IsNaN(share(-1, 4)))
	assert.True(t, math.IsNaN(share(4, -1)))
}
