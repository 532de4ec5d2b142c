package edgecount

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const second = 1_000_000_000

func scraped(every int64, values ...float64) (list []Reading) {
	for i, v := range values {
		list = append(list, Reading{int64(i) * every, int64(i) * every, v})
	}
	return list
}

func unlimited(at int64) Edge { return Edge{at, math.Inf(1)} }

func TestQuotientOfNothing(t *testing.T) {
	assert.Equal(t, Count{0, 0, 0.2}, Quotient(Count{0, 0, 10}, Count{50, 40, 60}))
	assert.True(t, math.IsNaN(Quotient(Count{}, Count{}).Value))
}

func TestOver(t *testing.T) {
	readings := scraped(10*second, 0, 100, 300, 300, 700)
	c, err := Over(readings, unlimited(10*second), unlimited(30*second))
	require.NoError(t, err)
	assert.Equal(t, Count{200, 200, 200}, c, "edges at readings are exact")

	c, err = Over(readings, unlimited(5*second), unlimited(35*second))
	require.NoError(t, err)
	assert.Equal(t, Count{450, 200, 700}, c)

	c, err = Over(readings, Edge{9 * second, 20}, Edge{31 * second, 50})
	require.NoError(t, err)
	assert.Equal(t, Count{340 - 90, 300 - 100, 350 - 80}, c, "a limit narrows the side that is away from the nearer reading")
	c, err = Over(readings, Edge{second, 0}, Edge{39 * second, 0})
	require.NoError(t, err)
	assert.Equal(t, Count{700, 700, 700}, c)

	_, err = Over(readings, unlimited(-1), unlimited(35*second))
	assert.ErrorIs(t, err, ErrNotBracketed)
	_, err = Over(readings, unlimited(0), unlimited(41*second))
	assert.ErrorIs(t, err, ErrNotBracketed)
	_, err = Over(nil, unlimited(0), unlimited(1))
	assert.ErrorIs(t, err, ErrNotBracketed)
}

func TestReset(t *testing.T) {
	readings := scraped(second, 10, 20, 5, 30, 40)
	_, err := Over(readings, unlimited(second/2), unlimited(3*second))
	assert.ErrorIs(t, err, ErrReset)
	_, err = Over(readings, unlimited(2*second), unlimited(4*second))
	assert.NoError(t, err, "it was before")
	_, err = Over(readings, unlimited(second+second/2), unlimited(4*second))
	assert.ErrorIs(t, err, ErrReset, "it may have been after the edge")
}

// TestInside: whatever a counter does between readings, its increase is in the interval.
func TestInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var truth []float64 // at each tenth of a second
		v := 0.0
		for range 200 {
			if rng.IntN(3) == 0 {
				v += rng.ExpFloat64() * 100
			}
			truth = append(truth, v)
		}
		var readings []Reading
		for i := rng.IntN(5); i < len(truth); i += 1 + rng.IntN(30) {
			at := int64(i) * second / 10
			readings = append(readings, Reading{at, at, truth[i]})
		}
		edges := []int{rng.IntN(200), rng.IntN(200)}
		slices.Sort(edges)
		c, err := Over(readings, unlimited(int64(edges[0])*second/10), unlimited(int64(edges[1])*second/10))
		if err != nil {
			continue
		}
		d := truth[edges[1]] - truth[edges[0]]
		assert.LessOrEqual(t, c.Low, d+1e-9)
		assert.GreaterOrEqual(t, c.High, d-1e-9)
		assert.True(t, c.Low <= c.Value && c.Value <= c.High, "%v", c)
	}
}
