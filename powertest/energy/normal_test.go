package energy

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
}

func TestMixture(t *testing.T) {
	m, _ := mixture{{mean: 1, sd: 1, weight: math.Log(3)}, {mean: 5, sd: 1, weight: 0}, {mean: 99, sd: 1, weight: -50}}.normalize(3e-5)
	assert.Len(t, m, 2, "what does not matter is dropped")
	assert.InEpsilon(t, 2, m.mean(), 1e-9)
	one := mixture{{mean: 10, sd: 2, weight: 1}}
	assert.InDelta(t, 10, one.quantile(0.5), 0.01)
	assert.InDelta(t, 10-2*1.96, one.quantile(0.025), 0.02)
}
