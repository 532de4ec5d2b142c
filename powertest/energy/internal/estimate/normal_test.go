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

func TestLikelyBelow(t *testing.T) {
	for z := -far + 1e-3; z < far; z += 0.0137 {
		assert.InDelta(t, normCDF(z), likelyBelow(z), 1e-8, "%v", z)
	}
	assert.InDelta(t, normCDF(-far), likelyBelow(-far), 1e-8)
	assert.InDelta(t, normCDF(far), likelyBelow(far), 1e-8)
}

func TestMixture(t *testing.T) {
	m, likelihood := mixture{{mean: 1, sd: 1, weight: math.Log(3)}, {mean: 5, sd: 1, weight: 0}, {mean: 99, sd: 1, weight: -50}}.normalize()
	assert.Len(t, m, 2, "what does not matter is dropped")
	assert.InEpsilon(t, math.Log(4), likelihood, 1e-9)
	assert.InEpsilon(t, 2, m.mean(), 1e-9)
	assert.InEpsilon(t, 1+3, m.variance(2), 1e-9)
	one := mixture{{mean: 10, sd: 2, weight: 1}}
	assert.InDelta(t, 10, one.quantile(0.5), 0.01)
	assert.InDelta(t, 10-2*1.96, one.quantile(0.025), 0.02)
}

func TestSystem(t *testing.T) {
	// Two unknowns, 2 ± 1 and 0 ± 2 at first; their sum is seen to be 5 ± 1.
	var s system
	s.reset([]float64{2, 0}, []float64{1, 2})
	s.observe([]uint8{0, 1}, []float64{1, 1}, 5, 1)
	likelihood := s.factor()
	theta := s.solve()
	assert.InDelta(t, 2+3*1.0/6, theta[0], 1e-12)
	assert.InDelta(t, 0+3*4.0/6, theta[1], 1e-12)
	assert.InDelta(t, 1-1.0/6, s.variance([]float64{1, 0}), 1e-12)
	assert.InDelta(t, 5.0/6, s.variance([]float64{1, 1}), 1e-12, "of the sum")
	// The sum is normal about 2 with a variance of 6; the value has its own share, of 5²/2.
	assert.InDelta(t, -math.Log(6)/2-sq(3)/6/2, likelihood-sq(5)/2, 1e-12)
}
