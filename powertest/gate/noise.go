package gate

import "math"

// How many samples a change needs follows from the noise of one sample. It is measured
// as the tests see it, which forgive outliers: by the length of the interval that a rank
// test gives at a low confidence (Lehmann, "Nonparametric Confidence Intervals for a
// Shift Parameter", Annals of Mathematical Statistics 34, 1963). For normal noise that is
// √(π/3) of its standard deviation, 1.023.

const (
	// scaleLevel is 1 less the confidence of intervals that are to show the noise.
	scaleLevel = 0.2
	// Power is the share of trials in which, for noise without heavy tails, as many samples as are said to be needed
	// find a change.
	Power = 0.9
)

// scaleOf is the noise of one sample. An interval leaves out as many of the numbers at
// either end as have a level, and is that of an estimate whose variance is so many times
// that of one sample. It is not a number if the samples are too few.
func scaleOf(l numbers, r rejection, variance float64) float64 {
	if r.values == 0 {
		return nan
	}
	low, high := l.between(r.values)
	return (high - low) / (2 * normalQuantile(r.level) * math.Sqrt(variance))
}

// unpairedScale is the noise of one sample, from the sorted logarithms of both sides.
func unpairedScale(before, after []float64) float64 {
	n, m := len(before), len(after)
	return scaleOf(shifts(before, after), rejectedU(n, m, scaleLevel), 1/float64(n)+1/float64(m))
}

// symmetricScale is the noise of one of sorted numbers.
func symmetricScale(d []float64) float64 {
	if len(d) == 0 {
		return nan
	}
	return scaleOf(walshAverages(d), rejectedW(len(d), scaleLevel), 1/float64(len(d)))
}

// scale is the noise of one sample of a row, or of one pair if it is judged by pairs; not
// a number if values have no ratio.
func (c *candidate) scale() float64 {
	if c.pairs != nil {
		return symmetricScale(c.pairs)
	}
	before, after, ok := c.logarithms()
	if !ok {
		return nan
	}
	return unpairedScale(before, after)
}

// margin is the logarithm of by how much a change is more than the instrument's error.
func margin(share, instrument float64) float64 { return math.Log1p(share) - math.Log1p(instrument) }

// most is how many samples are not worth to be advised.
const most = 10_000

// samplesNeeded is how many samples of each side a test needs, at a level, to find a
// change of a margin with a probability of Power, or if there is none, to exclude one; 0
// if there are not so many. It is the formula for t-tests with its correction for small
// samples (Guenther, "Sample Size Formulas for Normal Theory T Tests", The American
// Statistician 35, 1981), and one more, for ranks are coarse; that a rank test is less
// efficient is in the scale.
func samplesNeeded(scale float64, test Test, margin, level float64) int {
	if !(margin > 0) || math.IsNaN(scale) {
		return 0
	}
	z := normalQuantile(level)
	zs := (z + normalQuantile(2*(1-Power))) * scale / margin
	n := 2*zs*zs + z*z/4 + 1
	if test == TestPaired {
		n = 2 * math.Ceil((zs*zs+z*z/2+1)/2) // for blocks are whole
	}
	if n > most {
		return 0
	}
	return max(int(math.Ceil(n)), fewest(test, level))
}

// fewest is how many samples of each side a test needs for any change to be significant
// at a level. Pairs are of whole blocks.
func fewest(test Test, level float64) int {
	if test == TestPaired {
		n := 2
		for ; n < most && smallestPaired(n) >= level; n += 2 {
		}
		return n
	}
	return samplesFor(1, level)
}
