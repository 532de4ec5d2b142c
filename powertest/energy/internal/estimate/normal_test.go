package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTruncatedNormal(t *testing.T) {
	m, v, mass := truncated(0, 1, -100, 100)
	assert.InDelta(t, 0, m, 1e-12)
	assert.InDelta(t, 1, v, 1e-12)
	assert.InDelta(t, 1, mass, 1e-12)
	m, v, mass = truncated(0, 1, 0, 100) // the half-normal distribution
	assert.InDelta(t, math.Sqrt(2/math.Pi), m, 1e-9)
	assert.InDelta(t, 1-2/math.Pi, v, 1e-9)
	assert.InDelta(t, 0.5, mass, 1e-9)
	m, _, mass = truncated(0, 1, 50, 60)
	assert.Equal(t, 50.0, m)
	assert.Zero(t, mass)
	m, _, _ = truncated(0, 1, -60, -50)
	assert.Equal(t, -50.0, m)
}

func TestMixture(t *testing.T) {
	m, likelihood := mixture{{mean: 1, sd: 1, weight: math.Log(3)}, {mean: 5, sd: 1, weight: 0}, {mean: 99, sd: 1, weight: -50}}.normalize()
	assert.Len(t, m, 2, "what does not matter is dropped")
	assert.InEpsilon(t, math.Log(4), likelihood, 1e-9)
	assert.InEpsilon(t, 2, m.mean(), 1e-9)
	assert.InEpsilon(t, 1+3, m.variance(2), 1e-9)
	one := mixture{{mean: 10, sd: 2, weight: 1, correlated: 3}}
	assert.InDelta(t, 10, one.quantile(0.5), 0.01)
	assert.InDelta(t, 10-2*1.96, one.quantile(0.025), 0.02)
	assert.Equal(t, 3.0, one.correlated())
}

func TestSolveNormal(t *testing.T) {
	n := matrix{{2, 0, 0, 0}, {1, 3, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 4}} // the lower triangle
	h, g := vector{4, 7, 1, 8}, vector{1, 0, 0, 2}
	theta, spread, logDet, quad := solveNormal(n, h, g)
	for i, want := range []float64{1, 2, 1, 2} {
		assert.InDelta(t, want, theta[i], 1e-12)
	}
	assert.InDelta(t, 3.0/5+4.0/4, spread, 1e-12)
	assert.InDelta(t, math.Log(5*4), logDet, 1e-12)
	assert.InDelta(t, 4+14+1+16, quad, 1e-12)
}
