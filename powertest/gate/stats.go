package gate

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/perf/benchmath"
)

// smallestP is the least p-value that a two-sided Mann-Whitney U test of n against
// m samples can give: that of samples of which all of one side are below all of
// the other. It is 2/C(n+m, n) where benchmath computes the exact distribution
// (up to 50 samples on each side), else that of the normal approximation.
func smallestP(n, m int) float64 {
	if n == 0 || m == 0 {
		return 1
	}
	const exact = 50
	if n <= exact && m <= exact {
		ways := 1.0 // to choose n of n+m, exact as long as a float64 can say it
		for i := 1; i <= n; i++ {
			ways = ways * float64(m+i) / float64(i)
		}
		return math.Min(1, 2/ways)
	}
	a, b := float64(n), float64(m)
	z := (a*b/2 - 0.5) / math.Sqrt(a*b*(a+b+1)/12)
	return math.Min(1, math.Erfc(z/math.Sqrt2))
}

// samplesFor is how many samples each side needs so that one of family rows can
// be significant at alpha: the smallest n with smallestP(n, n) < alpha/family.
func samplesFor(family int, alpha float64) int {
	n := 2
	for ; n < 1000 && smallestP(n, n) >= alpha/float64(family); n++ {
	}
	return n
}

// holm adjusts p-values for there being so many of them, by Holm's step-down
// procedure: with alpha for the whole family, those below it are significant.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted := make([]float64, len(ps))
	highest := 0.0
	for rank, i := range order {
		highest = math.Max(highest, math.Min(1, float64(len(ps)-rank)*ps[i]))
		adjusted[i] = highest
	}
	return adjusted
}

// compared is what benchmath says of two samples.
type compared struct {
	before, after Summary
	shown, p      float64 // the p-value that benchstat shows, and the one to judge by
}

// compare has benchmath compare two sides' values. It sorts them.
func compare(before, after []float64, exact bool, alpha float64) compared {
	assume := assumption(exact)
	thresholds := benchmath.DefaultThresholds
	thresholds.CompareAlpha = alpha
	a, b := benchmath.NewSample(before, &thresholds), benchmath.NewSample(after, &thresholds)
	c := compared{before: summary(a, assume), after: summary(b, assume), shown: assume.Compare(a, b).P}
	c.p = c.shown
	if len(before) != len(after) && above(before, after) {
		c.p = assume.Compare(b, a).P
	}
	c.p = math.Min(c.p, 1)
	return c
}

func assumption(exact bool) benchmath.Assumption {
	if exact {
		return benchmath.AssumeExact
	}
	return benchmath.AssumeNothing
}

// above reports whether values are more often above than below others. Then
// benchmath takes the lower tail of the distribution of U for the upper one. They
// are the same if there are no ties, or as many samples on both sides; else what
// it takes may be far too small, 0 for one sample among 15. With the sides swapped
// it takes the right one.
func above(values, others []float64) bool {
	balance, below, upto := 0, 0, 0 // sorted others below a value, and not above it
	for _, v := range values {
		for below < len(others) && others[below] < v {
			below++
		}
		for upto < len(others) && others[upto] <= v {
			upto++
		}
		balance += below - (len(others) - upto)
	}
	return balance > 0
}

func summary(s *benchmath.Sample, assume benchmath.Assumption) Summary {
	sum := assume.Summary(s, confidence)
	return Summary{Center: sum.Center, Low: sum.Lo, High: sum.Hi, N: len(s.Values), Range: sum.PctRangeString()}
}

// ratio is how many times the larger of two medians is the smaller. It is the
// same for J/token and tokens/J, and for old and new swapped.
func ratio(a, b float64) float64 {
	low, high := math.Min(a, b), math.Max(a, b)
	switch {
	case low == high:
		return 1
	case low == 0:
		return math.Inf(1)
	}
	return high / low
}

// atLeast reports whether a ratio is that of a change by a share or more: 1.03 of
// 0.03. Rounding does not make it less.
func atLeast(ratio, share float64) bool { return ratio >= (1+share)*(1-1e-12) }

var nan = math.NaN()

// share is the change from old to new as a share of old.
func share(before, after float64) float64 {
	switch {
	case before == after:
		return 0
	case before < 0 || after < 0:
		return nan
	case before == 0:
		return math.Inf(1)
	}
	return after/before - 1
}

// A candidate is a row that is to be judged, with the values of both sides. A budget
// has none of the old side.
type candidate struct {
	row           Row
	before, after []float64
	p             float64 // by which it is judged, before Holm's correction; not a number if it is not tested
}

// statistics fills in the medians of rows, their changes and p-values.
func statistics(list []candidate, alpha float64) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(list); i += workers {
				list[i].statistics(alpha)
			}
		})
	}
	wg.Wait()
}

func (c *candidate) statistics(alpha float64) {
	r := &c.row
	c.p = nan
	if r.Bound != "" {
		thresholds := benchmath.DefaultThresholds
		r.New = summary(benchmath.NewSample(c.after, &thresholds), assumption(r.Exact))
		return
	}
	s := compare(c.before, c.after, r.Exact, alpha)
	r.Old, r.New, r.Delta = s.before, s.after, share(s.before.Center, s.after.Center)
	if !r.Exact {
		r.P, c.p = s.shown, s.p
	}
}
