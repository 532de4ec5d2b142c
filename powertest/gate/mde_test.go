package gate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// detectable is the table "What can be found" of the documentation: with so many
// samples on each side, and so many comparisons, a change of so many standard
// deviations of the noise is significant in 9 of 10 cases.
var detectable = []struct {
	samples, family int
	change          float64
}{
	{5, 1, 2.7}, {5, 6, 3.6},
	{6, 1, 2.2}, {6, 6, 3.2}, {6, 20, 3.7},
	{8, 1, 1.8}, {8, 6, 2.4}, {8, 20, 2.8}, {8, 100, 3.6},
	{10, 1, 1.6}, {10, 6, 2.05}, {10, 20, 2.3}, {10, 100, 2.7},
	{20, 1, 1.1}, {20, 6, 1.3}, {20, 20, 1.5}, {20, 100, 1.7},
}

// power is the share of comparisons in which a change is significant, as the only
// one of a family: at Holm's first step.
func power(random *rand.Rand, samples, family int, change float64, trials int) float64 {
	found := 0
	for range trials {
		old, newer := make([]float64, samples), make([]float64, samples)
		for i := range old {
			old[i], newer[i] = random.NormFloat64(), change+random.NormFloat64()
		}
		if compare(old, newer, false, DefaultAlpha).p*float64(family) < DefaultAlpha {
			found++
		}
	}
	return float64(found) / float64(trials)
}

func TestDetectable(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 6))
	for _, row := range detectable {
		assert.InDelta(t, 0.9, power(random, row.samples, row.family, row.change, 1000), 0.035, "%+v", row)
	}
}
