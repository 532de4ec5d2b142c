package gate

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
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
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-12)
	assert.Equal(t, []float64{1, 1}, holm([]float64{0.7, 0.9}))
	assert.Empty(t, holm(nil))
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
