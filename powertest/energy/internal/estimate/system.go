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
	weight float64         // the log of the likelihood, but for a constant
	scale  product         // that it is to be divided by the square root of
}

// product is a product of many factors, of which the log is sought.
type product struct{ log, rest float64 }

func (p *product) times(x float64) {
	if p.rest *= x; p.rest < 1e-100 || p.rest > 1e100 {
		p.log, p.rest = p.log+math.Log(p.rest), 1
	}
}

// reset begins anew with the means and standard deviations of size unknowns.
func (s *system) reset(size int, mean, sd *vector) {
	s.size, s.weight, s.scale = size, 0, product{rest: 1}
	for i := range size {
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
	s.scale.times(v)
	s.weight -= sq(value) / v / 2
}

// solve returns the means of the unknowns, and completes the likelihood.
func (s *system) solve() (theta vector) {
	quad := 0.0
	for i := range s.size {
		row := &s.n[i]
		for j := range i {
			other, sum := &s.n[j], row[j]
			for k := range j {
				sum -= row[k] * other[k]
			}
			row[j] = sum / other[j]
		}
		d, y := row[i], s.h[i]
		for k := range i {
			d -= sq(row[k])
			y -= row[k] * s.y[k]
		}
		d = max(d, 1e-90)
		s.scale.times(d)
		row[i] = math.Sqrt(d)
		s.y[i] = y / row[i]
		quad += sq(s.y[i])
	}
	s.weight += (quad - s.scale.log - math.Log(s.scale.rest)) / 2
	for i := s.size - 1; i >= 0; i-- {
		theta[i] = s.y[i]
		for k := i + 1; k < s.size; k++ {
			theta[i] -= s.n[k][i] * theta[k]
		}
		theta[i] /= s.n[i][i]
	}
	return theta
}

// variance returns the variance of the sum of the unknowns times g, after solve.
func (s *system) variance(g *vector) (v float64) {
	var z vector
	for i := range s.size {
		z[i] = g[i]
		for k := range i {
			z[i] -= s.n[i][k] * z[k]
		}
		z[i] /= s.n[i][i]
		v += sq(z[i])
	}
	return v
}
