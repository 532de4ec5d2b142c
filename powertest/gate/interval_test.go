package gate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNulls: the distributions of U and of the signed-rank sum as tables have them
// (Hollander, Wolfe, Chicken, tables A.6 and A.4).
func TestNulls(t *testing.T) {
	u := mannWhitneyNull(5, 5)
	assert.InDelta(t, 0.0079, 2*u[0], 5e-5)
	assert.InDelta(t, 0.0159, u[2], 5e-5) // P(U <= 2)
	assert.InDelta(t, 0.1548, u[7], 5e-5)
	assert.InDelta(t, 1, u[25], 1e-12)
	w := signedRankNull(10)
	assert.InDelta(t, 0.0010, w[0], 5e-5)
	assert.InDelta(t, 0.0244, w[8], 5e-5)
	assert.InDelta(t, 0.0527, w[11], 5e-5)
	assert.Equal(t, 9, w.rejected(0.05).values)
	assert.Equal(t, rejection{}, signedRankNull(5).rejected(0.05))
	// Beyond the exact sizes, much the same.
	assert.InDelta(t, signedRankNull(exactPairs).rejected(0.01).values, rejectedNormal(64*65/4, math.Sqrt(64*65*129/24.0), 0.01).values, 8)
	assert.InDelta(t, mannWhitneyNull(50, 50).rejected(0.01).values, rejectedNormal(1250, math.Sqrt(2500*101/12.0), 0.01).values, 8)
}

// TestNth: the k-th of all differences, and of all averages, is that of the sorted list,
// also where some are equal.
func TestNth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for range 300 {
		draw := func(n int) []float64 {
			l := make([]float64, n)
			for i := range l {
				switch l[i] = random.NormFloat64(); {
				case n%2 == 0:
					l[i] = math.Round(2 * l[i])
				case n%3 == 0: // the logarithms of all that a float64 can be
					l[i] *= 500
				}
			}
			slices.Sort(l)
			return l
		}
		xs, ys := draw(1+random.IntN(9)), draw(1+random.IntN(9))
		var all, means []float64
		for i, x := range xs {
			for _, y := range ys {
				all = append(all, y-x)
			}
			for _, x2 := range xs[i:] {
				means = append(means, x/2+x2/2)
			}
		}
		for _, c := range []struct {
			l      numbers
			sorted []float64
		}{{shifts(xs, ys), all}, {walshAverages(xs), means}} {
			slices.Sort(c.sorted)
			assert.Equal(t, len(c.sorted), c.l.n)
			for k, want := range c.sorted {
				assert.InDelta(t, want, c.l.nth(k+1), 1e-12)
			}
			assert.InDelta(t, (c.sorted[(len(c.sorted)-1)/2]+c.sorted[len(c.sorted)/2])/2, c.l.middle(), 1e-12)
		}
	}
}

// exactSignedRank is the p-value by trying all signs.
func exactSignedRank(d []float64) float64 {
	doubled := func(v float64) (rank int) {
		for _, w := range d {
			rank += 1 + cmp.Compare(math.Abs(v), math.Abs(w))
		}
		return rank + 1
	}
	observed, total := 0, 0
	for _, v := range d {
		observed += cmp.Compare(v, 0) * doubled(v)
	}
	extreme := 0
	for signs := range 1 << len(d) {
		sum := 0
		for i, v := range d {
			if v != 0 {
				sum += (2*(signs>>i&1) - 1) * doubled(v)
			}
		}
		total++
		if max(sum, -sum) >= max(observed, -observed) {
			extreme++
		}
	}
	return float64(extreme) / float64(total)
}

// TestSignedRank: the p-value is that of all signs, with and without equal differences
// and zeros.
func TestSignedRank(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 9))
	for i := range 300 {
		d := make([]float64, 1+random.IntN(10))
		for k := range d {
			if d[k] = 0.5 + random.NormFloat64(); i%2 == 0 {
				d[k] = math.Round(2 * d[k])
			}
		}
		assert.InDelta(t, exactSignedRank(d), signedRank(d), 1e-12, "%v", d)
	}
	assert.Equal(t, 1.0, signedRank(make([]float64, 10)))
	assert.InDelta(t, 2.0/1024, signedRank([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 1e-15)
	assert.InDelta(t, smallestPaired(10), signedRank([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 1e-15)
	many := make([]float64, exactPairs+1)
	for i := range many {
		many[i] = 0.3 + random.NormFloat64()
	}
	assert.InEpsilon(t, signedRank(many[1:]), signedRank(many), 0.9, "the approximation goes on where the exact one ends")
	assert.Equal(t, 1.0, signedRank(make([]float64, 100)))
}
