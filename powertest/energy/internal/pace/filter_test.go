package pace

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Where many ticks are passed over, each that was looked for may be far from where it
// is due; what is believed stays a number.
func TestFilterOfDistantTicks(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f := newFilter(1e6)
		f.begin(0, 1e5, 1e6)
		f.interval(1e6, 1.1e6)
		last := 1.05e6
		for f.known() {
			last += math.Round(math.Exp(9*rng.Float64()))*1e6 + 0.3e6*rng.NormFloat64()
			half := 0.2e6 * rng.Float64()
			if f.correct(last-half, last+half, closely) || f.ticks > 30 {
				break
			}
			for _, b := range f.beliefs {
				for _, x := range []float64{b.weight, b.tick, b.period, b.vTick, b.vPeriod, b.cov} {
					require.False(t, math.IsNaN(x), "seed %d: %+v", seed, f)
				}
				require.GreaterOrEqual(t, b.vPeriod, 0.0, "seed %d: %+v", seed, f)
				require.LessOrEqual(t, b.cov*b.cov, b.vTick*b.vPeriod*(1+1e-9)+1e-6, "seed %d: %+v", seed, f)
			}
		}
	}
}

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
