package estimate

import "math"

// columns bounds the unknowns of a model: levels of power, and what edges add.
const columns = 64

// vector has a value for each unknown.
type vector [columns]float64

// system is the normal equations of Bayesian linear regression: unknowns that are
// normal before anything is known of them, and observations that are sums of them
// with normal errors. Rasmussen and Williams, Gaussian Processes for Machine Learning
// (2006), section 2.1, has the formulas.
type system struct {
	size   int
	n      [columns]vector // the precision, of which the lower triangle is used; then its Cholesky factor
	h, y   vector          // precision times mean; that solved forward
	weight float64         // of the log of the likelihood, what the means add
	scale  product         // that the likelihood is to be divided by the square root of
	// inverse is of the diagonal of the factor.
	inverse       vector
	theta, solved vector // room for solve and variance
}

// product is a product of many factors, of which the log is sought.
type product struct{ log, rest float64 }

func (p *product) times(x float64) {
	if p.rest *= x; p.rest < 1e-100 || p.rest > 1e100 {
		p.log, p.rest = p.log+math.Log(p.rest), 1
	}
}

// reset begins anew with the means and standard deviations of the unknowns.
func (s *system) reset(mean, sd []float64) {
	s.size, s.weight, s.scale = len(mean), 0, product{rest: 1}
	for i := range mean {
		clear(s.n[i][:i])
		s.n[i][i], s.h[i] = 1/sq(sd[i]), mean[i]/sq(sd[i])
		s.scale.times(sq(sd[i]))
		s.weight -= sq(mean[i]/sd[i]) / 2
	}
}

// observe adds an observation of the given value and variance: the sum of the unknowns
// cols, in rising order, times x.
func (s *system) observe(cols []uint8, x []float64, value, v float64) {
	for a, p := range cols {
		row, xv := &s.n[p], x[a]/v
		for b, q := range cols[:a+1] {
			row[q] += xv * x[b]
		}
		s.h[p] += xv * value
	}
}

// factor returns the log of the likelihood of what was observed, but for what depends on
// values and variances alone.
func (s *system) factor() float64 {
	quad := 0.0
	for i := range s.size {
		row := s.n[i][:i+1]
		d, y := row[i], s.h[i]
		for j := range i {
			other, sum := s.n[j][:j], row[j]
			for k, x := range other {
				sum -= row[k] * x
			}
			sum *= s.inverse[j]
			row[j] = sum
			d -= sq(sum)
			y -= sum * s.y[j]
		}
		d = max(d, 1e-90)
		s.scale.times(d)
		s.inverse[i] = 1 / math.Sqrt(d)
		s.y[i] = y * s.inverse[i]
		quad += sq(s.y[i])
	}
	return s.weight + (quad-s.scale.log-math.Log(s.scale.rest))/2
}

// solve returns the means of the unknowns, after factor. They are good until the next call.
func (s *system) solve() []float64 {
	theta := s.theta[:s.size]
	for i := s.size - 1; i >= 0; i-- {
		theta[i] = s.y[i]
		for k := i + 1; k < s.size; k++ {
			theta[i] -= s.n[k][i] * theta[k]
		}
		theta[i] *= s.inverse[i]
	}
	return theta
}

// variance returns the variance of the sum of the unknowns times g, after factor.
func (s *system) variance(g []float64) (v float64) {
	z := s.solved[:s.size]
	for i := range s.size {
		x := g[i]
		for k, w := range s.n[i][:i] {
			x -= w * z[k]
		}
		z[i] = x * s.inverse[i]
		v += sq(z[i])
	}
	return v
}
