package energy

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBuckets(t *testing.T) {
	assert.Equal(t, 0, bucketOf(0))
	assert.Equal(t, buckets-1, bucketOf(math.MaxInt64))
	last := -1
	for d := time.Duration(1); d < 1<<mostBits; d += d/100 + 1 {
		i := bucketOf(d)
		assert.GreaterOrEqual(t, i, last)
		assert.LessOrEqual(t, math.Abs(float64(bucketMiddle(i)-d)), 0.0313*float64(d)+1, "%v", d)
		last = i
	}
}

func TestQuantilesOfDurations(t *testing.T) {
	var h durations
	assert.Zero(t, h.quantile(0.5))
	for range 5 {
		h.add(4 * time.Millisecond)
	}
	assert.Equal(t, 4*time.Millisecond, h.quantile(0.5), "where all are equal it is exact")

	rng := rand.New(rand.NewPCG(1, 2))
	h = durations{}
	var all []time.Duration
	for range 5000 {
		d := time.Duration(math.Exp(5 + 15*rng.Float64()))
		h.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.99, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		assert.InEpsilon(t, want, h.quantile(q), 0.05, "%v", q)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { h.add(time.Second) }))
}
