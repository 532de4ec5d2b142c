package gate

import (
	"math"
	"slices"
	"sort"
	"sync"
)

// The interval of a change has the changes that the test by which the row is judged
// does not rule out: each c for which the new side, divided by 1+c, is not different
// from the old one at the row's level. For the Mann-Whitney test these are the ratios
// between two of the sorted ratios of all new to all old values (Moses' interval); for
// the signed-rank test the same of the means of any two differences of pairs, each
// with itself as well (Walsh averages, Tukey's interval): Hollander, Wolfe, Chicken,
// "Nonparametric Statistical Methods", 3rd ed., 2014, sections 4.3 and 3.3. All is in
// logarithms, in which a factor is a shift.

// A null is how a statistic of ranks is distributed where there is no difference: the
// probabilities that it is at most 0, 1, 2 and so on. It is symmetric.
type null []float64

// A rejection is how many values at either end of a distribution are below a level, and
// the level that they have, two-sided.
type rejection struct {
	values int
	level  float64
}

// rejected are those below a level.
func (d null) rejected(level float64) rejection {
	k := sort.Search(len(d), func(i int) bool { return 2*d[i] >= level })
	if k == 0 {
		return rejection{}
	}
	return rejection{k, 2 * d[k-1]}
}

// cumulated makes probabilities of how often there is each value.
func cumulated(counts []float64) null {
	total, sum := 0.0, 0.0
	for _, n := range counts {
		total += n
	}
	for i, n := range counts {
		sum += n
		counts[i] = sum / total
	}
	return counts
}

// The largest samples for which distributions are exact: as benchmath has it of the
// Mann-Whitney test, and for the signed-rank test so that it takes no time to speak of.
const exactSamples, exactPairs = 50, 64

var nulls sync.Map // [2]int: null; of pairs, the second is 0

// mannWhitneyNull is the distribution of U for n against m samples: the coefficients
// of the Gaussian binomial, each choice of n ranks with its U.
func mannWhitneyNull(n, m int) null {
	if d, ok := nulls.Load([2]int{n, m}); ok {
		return d.(null)
	}
	counts := make([]float64, n*m+1)
	counts[0] = 1
	for i := 1; i <= n; i++ {
		for u := n * m; u >= m+i; u-- {
			counts[u] -= counts[u-m-i]
		}
		for u := i; u <= n*m; u++ {
			counts[u] += counts[u-i]
		}
	}
	d, _ := nulls.LoadOrStore([2]int{n, m}, cumulated(counts))
	return d.(null)
}

// signedRankNull is that of the sum of the ranks of differences above 0, of n pairs.
func signedRankNull(n int) null {
	if d, ok := nulls.Load([2]int{n, 0}); ok {
		return d.(null)
	}
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	d, _ := nulls.LoadOrStore([2]int{n, 0}, cumulated(signSums(ranks)))
	return d.(null)
}

// signSums is in how many ways of giving signs to ranks those above 0 have each sum.
func signSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	counts := make([]float64, total+1)
	counts[0] = 1
	reached := 0
	for _, r := range ranks {
		reached += r
		for s := reached; s >= r; s-- {
			counts[s] += counts[s-r]
		}
	}
	return counts
}

// rejectedU are values of U below a level, and rejectedW of the signed-rank sum: beyond
// the exact sizes by the normal approximation with a correction for continuity, as the
// tests.
func rejectedU(n, m int, level float64) rejection {
	if n <= exactSamples && m <= exactSamples {
		return mannWhitneyNull(n, m).rejected(level)
	}
	mean, deviation := normalU(n, m)
	return rejectedNormal(mean, deviation, level)
}

func rejectedW(n int, level float64) rejection {
	if n <= exactPairs {
		return signedRankNull(n).rejected(level)
	}
	a := float64(n)
	return rejectedNormal(a*(a+1)/4, math.Sqrt(a*(a+1)*(2*a+1)/24), level)
}

func rejectedNormal(mean, deviation, level float64) rejection {
	return rejection{max(0, int(math.Ceil(mean-0.5-deviation*normalQuantile(level)))), level}
}

// normalQuantile is what a standard normal variable exceeds, up or down, with a
// probability of level.
func normalQuantile(level float64) float64 { return math.Sqrt2 * math.Erfcinv(level) }

// A numbers is a multitude of numbers, which are too many to sort.
type numbers struct {
	n          int // how many there are
	least, top float64
	// upTo counts those that are at most x, and returns the greatest of them.
	upTo func(x float64) (n int, greatest float64)
}

// nth is the k-th smallest of them, from 1, by bisection.
func (l numbers) nth(k int) float64 {
	const near = 1e-13 // of logarithms: no number printed shows it
	low, high := l.least, l.top
	if n, _ := l.upTo(low); n >= k {
		return low
	}
	for high-low > near {
		mid := low + (high-low)/2
		if mid <= low || mid >= high {
			break // large numbers are farther apart
		}
		if n, _ := l.upTo(mid); n >= k {
			high = mid
		} else {
			low = mid
		}
	}
	_, at := l.upTo(high)
	return at
}

// between are the ends of an interval that leaves out k-1 numbers at either end.
// Without k it has none.
func (l numbers) between(k int) (low, high float64) {
	if k == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return l.nth(k), l.nth(l.n + 1 - k)
}

// middle is the median.
func (l numbers) middle() float64 {
	upper := l.nth(l.n/2 + 1)
	if l.n%2 == 1 {
		return upper
	}
	return (l.nth(l.n/2) + upper) / 2
}

// shifts are the differences of all of ys to all of xs, both sorted.
func shifts(xs, ys []float64) numbers {
	n, m := len(xs), len(ys)
	return numbers{n * m, ys[0] - xs[n-1], ys[m-1] - xs[0], func(x float64) (count int, greatest float64) {
		greatest = math.Inf(-1)
		i := 0
		for _, y := range ys {
			for i < n && y-xs[i] > x {
				i++
			}
			if i == n {
				break
			}
			count += n - i
			greatest = max(greatest, y-xs[i])
		}
		return count, greatest
	}}
}

// walshAverages are the means of any two of sorted differences, each with itself too.
func walshAverages(d []float64) numbers {
	n := len(d)
	return numbers{n * (n + 1) / 2, d[0], d[n-1], func(x float64) (count int, greatest float64) {
		greatest = math.Inf(-1)
		j := n - 1
		for i := range d {
			for j >= i && d[i]/2+d[j]/2 > x {
				j--
			}
			if j < i {
				break
			}
			count += j - i + 1
			greatest = max(greatest, d[i]/2+d[j]/2)
		}
		return count, greatest
	}}
}

// logarithms are those of values, sorted. Values that are not above 0 have none.
func logarithms(values []float64) (logs []float64, ok bool) {
	logs = make([]float64, len(values))
	for i, v := range values {
		if !(v > 0) {
			return nil, false
		}
		logs[i] = math.Log(v)
	}
	slices.Sort(logs)
	return logs, true
}
