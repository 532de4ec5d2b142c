package estimate

import "math"

func sq(x float64) float64 { return x * x }

// normCDF is the cumulative distribution function of the standard normal.
func normCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// truncated returns the mean and variance of a normal distribution cut off
// outside [lo, hi], and the mass that lies inside.
func truncated(mean, sd, lo, hi float64) (m, v, mass float64) {
	a, b := (lo-mean)/sd, (hi-mean)/sd
	mass = normCDF(b) - normCDF(a)
	if mass < 1e-12 {
		// Far in a tail the mass sits at the nearer end.
		if a > 0 {
			return lo, 0, 0
		}
		return hi, 0, 0
	}
	pa, pb := density(a), density(b)
	d := (pa - pb) / mass
	m = mean + sd*d
	v = sd * sd * max(1+(a*pa-b*pb)/mass-d*d, 0)
	return m, v, mass
}

func density(x float64) float64 {
	if math.IsInf(x, 0) || math.Abs(x) > 38 {
		return 0
	}
	return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
}

// component is one normal distribution of a mixture.
type component struct{ mean, sd, weight float64 }

// mixture is a weighted sum of normal distributions: what is believed of a
// quantity under several hypotheses.
type mixture []component

// leastWeight is the weight, relative to the heaviest, below which a component
// does not matter.
const leastWeight = 3e-5

// normalize turns log-likelihoods, held in weight, into weights that sum to 1,
// and drops components that do not matter. It returns the log of the likelihood of
// all.
func (m mixture) normalize() (mixture, float64) {
	top := math.Inf(-1)
	for _, c := range m {
		top = max(top, c.weight)
	}
	sum, n := 0.0, 0
	for _, c := range m {
		if w := math.Exp(c.weight - top); w > leastWeight {
			c.weight = w
			m[n] = c
			sum += w
			n++
		}
	}
	m = m[:n]
	for i := range m {
		m[i].weight /= sum
	}
	return m, top + math.Log(sum)
}

func (m mixture) mean() float64 {
	s := 0.0
	for _, c := range m {
		s += c.weight * c.mean
	}
	return s
}

// variance returns the variance about the mean.
func (m mixture) variance(mean float64) float64 {
	s := 0.0
	for _, c := range m {
		s += c.weight * (sq(c.sd) + sq(c.mean-mean))
	}
	return s
}

// quantile returns the value below which a share q of the mixture lies, to a
// thousandth of the mixture's width.
func (m mixture) quantile(q float64) float64 {
	const far = 5.0 // standard deviations: the share beyond does not matter
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, c := range m {
		lo, hi = min(lo, c.mean-far*c.sd), max(hi, c.mean+far*c.sd)
	}
	for range 14 {
		mid := (lo + hi) / 2
		p := 0.0
		for _, c := range m {
			switch z := (mid - c.mean) / c.sd; {
			case z >= far:
				p += c.weight
			case z > -far:
				p += c.weight * normCDF(z)
			}
		}
		if p < q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}
