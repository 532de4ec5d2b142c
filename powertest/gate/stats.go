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
// (up to exactSamples on each side), else that of the normal approximation.
func smallestP(n, m int) float64 {
	if n == 0 || m == 0 {
		return 1
	}
	if n <= exactSamples && m <= exactSamples {
		ways := 1.0 // to choose n of n+m, exact as long as a float64 can say it
		for i := 1; i <= n; i++ {
			ways = ways * float64(m+i) / float64(i)
		}
		return math.Min(1, 2/ways)
	}
	mean, deviation := normalU(n, m)
	return math.Min(1, math.Erfc((mean-0.5)/deviation/math.Sqrt2))
}

// normalU are the mean and the standard deviation of U for n against m samples.
func normalU(n, m int) (mean, deviation float64) {
	a, b := float64(n), float64(m)
	return a * b / 2, math.Sqrt(a * b * (a + b + 1) / 12)
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
// procedure: with alpha for the whole family, those below it are significant. The levels
// are what each was compared with, unadjusted: alpha by so many as were left at its
// step, or, after the last step, at that.
func holm(ps []float64, alpha float64) (adjusted, levels []float64) {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted, levels = make([]float64, len(ps)), make([]float64, len(ps))
	highest, left := 0.0, 0
	for rank, i := range order {
		if rank == 0 || highest < alpha {
			left = len(ps) - rank
		}
		highest = math.Max(highest, math.Min(1, float64(len(ps)-rank)*ps[i]))
		adjusted[i], levels[i] = highest, alpha/float64(left)
	}
	return adjusted, levels
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
	before, after series
	pairs         []float64 // differences of logarithms, if it is judged by them; see pairsOf
	p             float64   // by which it is judged, before Holm's correction, if it is tested
	level         float64   // at which it is judged then
}

// tested reports whether a row is tested for a difference.
func (c *candidate) tested() bool { return c.row.Bound == "" && !c.row.Exact }

// each does something with all candidates, on all processors.
func each(list []candidate, do func(c *candidate)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(list); i += workers {
				do(&list[i])
			}
		})
	}
	wg.Wait()
}

// statistics fills in the medians of rows, their changes and p-values, and returns how
// many were tested.
func statistics(list []candidate, alpha float64) (family int) {
	for i := range list {
		if list[i].tested() {
			family++
		}
	}
	each(list, func(c *candidate) { c.statistics(alpha, family) })
	return family
}

func (c *candidate) statistics(alpha float64, family int) {
	r := &c.row
	if r.Bound != "" {
		r.New = c.after.summary(r.Exact)
		return
	}
	s := compare(slices.Clone(c.before.values), slices.Clone(c.after.values), r.Exact, alpha)
	r.Old, r.New, r.Delta = s.before, s.after, share(s.before.Center, s.after.Center)
	r.Old.fill(c.before)
	r.New.fill(c.after)
	if r.Exact {
		return
	}
	r.P, r.Test, c.p = s.shown, TestUnpaired, s.p
	pairs := pairsOf(c.before, c.after)
	if r.Pairs = len(pairs); r.Pairs == 0 {
		return
	}
	r.PPaired = signedRank(pairs)
	if smallestPaired(len(pairs)) < alpha/float64(family) {
		slices.Sort(pairs)
		c.pairs, c.p = pairs, r.PPaired
		r.Test, r.Delta = TestPaired, shareOfLog(walshAverages(pairs).middle())
	}
}

// interval fills in the changes that the test of a row does not rule out.
func (c *candidate) interval() {
	r := &c.row
	if !c.tested() || math.IsNaN(r.Delta) {
		return
	}
	r.Confidence = 1 - c.level
	low, high := math.Inf(-1), math.Inf(1)
	if c.pairs != nil {
		low, high = walshAverages(c.pairs).between(rejectedW(len(c.pairs), c.level).values)
	} else if before, after, ok := c.logarithms(); ok {
		low, high = shifts(before, after).between(rejectedU(len(before), len(after), c.level).values)
	}
	// The ratio of the medians is not the middle of these, and equal values have ranks of
	// their own: what is reported, and what is not ruled out, is in the interval.
	r.DeltaLow, r.DeltaHigh = math.Min(shareOfLog(low), r.Delta), math.Max(shareOfLog(high), r.Delta)
	if c.p >= c.level {
		r.DeltaLow, r.DeltaHigh = math.Min(r.DeltaLow, 0), math.Max(r.DeltaHigh, 0)
	}
	if math.IsInf(low, -1) {
		r.DeltaLow = low
	}
}

// shareOfLog is a change as a share, to as many digits as the bisection finds.
func shareOfLog(shift float64) float64 {
	const digits = 1e12
	return math.Round(math.Expm1(shift)*digits) / digits
}

// logarithms are those of both sides, sorted. Where all values are one and the same,
// whatever it is, they are equal.
func (c *candidate) logarithms() (before, after []float64, ok bool) {
	if first := c.before.values[0]; first == 0 && !slices.ContainsFunc(slices.Concat(c.before.values, c.after.values), func(v float64) bool { return v != first }) {
		return make([]float64, len(c.before.values)), make([]float64, len(c.after.values)), true
	}
	before, ok = logarithms(c.before.values)
	after, okAfter := logarithms(c.after.values)
	return before, after, ok && okAfter
}

// summary is what benchmath says of the values, with them.
func (s series) summary(exact bool) Summary {
	thresholds := benchmath.DefaultThresholds
	sum := summary(benchmath.NewSample(slices.Clone(s.values), &thresholds), assumption(exact)) // which sorts them
	sum.fill(s)
	return sum
}

// fill adds the samples to what benchmath says of them.
func (s *Summary) fill(from series) { s.Values, s.Runs = from.values, from.runs() }
