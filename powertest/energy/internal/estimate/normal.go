package estimate

import "math"

func sq(x float64) float64 { return x * x }

// normCDF is the cumulative distribution function of the standard normal.
func normCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// tabled is how many values a standard deviation has in the table of likelyBelow, and far from
// how many of these on what lies beyond does not matter.
const (
	tabled = 32
	far    = 5
)

// below has the cumulative distribution function of the standard normal, and its slope by the
// step of the table, from -far on.
var below = func() (table [2*far*tabled + 2][2]float64) {
	for i := range table {
		z := float64(i)/tabled - far
		table[i] = [2]float64{normCDF(z), density(z) / tabled}
	}
	return table
}()

// likelyBelow is normCDF to 5e-9, for z from -far to far: mixtures have thousands of
// components. Between two values of the table it is the cubic that has their slopes.
func likelyBelow(z float64) float64 {
	x := (z + far) * tabled
	i := int(x)
	t := x - float64(i)
	a, b := &below[i], &below[i+1]
	rise := b[0] - a[0]
	return a[0] + t*(a[1]+t*(3*rise-2*a[1]-b[1]+t*(a[1]+b[1]-2*rise)))
}

// whole is how many standard deviations from the mean on nothing is cut off: 1e-9.
const whole = 6

// truncated returns the mean and variance of a normal distribution cut off
// outside [lo, hi], and the mass that lies inside.
func truncated(mean, sd, lo, hi float64) (m, v, mass float64) {
	a, b := (lo-mean)/sd, (hi-mean)/sd
	below, pa, above, pb := 0.0, 0.0, 1.0, 0.0
	if a > -whole {
		below, pa = normCDF(a), density(a)
	}
	if b < whole {
		above, pb = normCDF(b), density(b)
	}
	mass = above - below
	if mass < 1e-12 {
		// Far in a tail the mass sits at the nearer end.
		if a > 0 {
			return lo, 0, 0
		}
		return hi, 0, 0
	}
	d := (pa - pb) / mass
	m = mean + sd*d
	if pa > 0 {
		v = a * pa
	}
	if pb > 0 {
		v -= b * pb
	}
	v = sd * sd * max(1+v/mass-d*d, 0)
	return m, v, mass
}

func density(x float64) float64 {
	if math.IsInf(x, 0) || math.Abs(x) > 38 {
		return 0
	}
	return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
}

// normal is a normal distribution.
type normal struct{ mean, sd float64 }

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
				p += c.weight * likelyBelow(z)
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
