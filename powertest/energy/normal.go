package energy

import "math"

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
