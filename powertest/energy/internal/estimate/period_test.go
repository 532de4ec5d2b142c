package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// divided returns ticks each 100 ms with a jitter in ns, seen as two reads divide what is
// believed of each: the first of them often shows it, so that the middle is no mean.
func divided(n int, jitter, believed float64) (ticks []Tick) {
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range n {
		due, off := float64(k)*0.1*second, jitter*rng.NormFloat64()
		lo, hi := -3.5*believed, -0.6*believed
		switch {
		case off > 1.2*believed:
			lo, hi = 1.2*believed, 3.5*believed
		case off > -0.6*believed:
			lo, hi = -0.6*believed, 1.2*believed
		}
		ticks = append(ticks, Tick{Lo: int64(due + lo), Hi: int64(due + hi), Joules: float64(k)})
	}
	return ticks
}

// TestLearnt: ticks tell their period and jitter, though what was believed of both is wrong.
func TestLearnt(t *testing.T) {
	before := Period{Nominal: 0.1 * second, Seen: 99.7 * ms, Variance: sq(0.3 * ms), JitterVariance: sq(2 * ms), Known: true}
	p := before.Learnt(divided(250, 1.2*ms, 1.5*ms))
	assert.InDelta(t, 100*ms, p.Seen, 0.02*ms)
	assert.InEpsilon(t, 1.2*ms, math.Sqrt(p.JitterVariance), 0.1)
	assert.Less(t, math.Sqrt(p.Variance), 0.1*ms)

	assert.Equal(t, before, before.Learnt(divided(leastLearnt-1, ms, ms)), "too few")
	before.Variance = 0
	assert.Equal(t, before, before.Learnt(divided(250, ms, ms)), "known for certain")
}

// TestLearntWithOneCrookedLine: a stretch in which ticks scatter does not decide.
func TestLearntWithOneCrookedLine(t *testing.T) {
	ticks := divided(250, ms, ms)
	for k := 40; k < 60; k++ {
		off := int64(20 * ms * math.Sin(float64(k*k)))
		ticks[k].Lo, ticks[k].Hi = ticks[k].Lo+off, ticks[k].Hi+off
	}
	p := Period{Nominal: 0.1 * second, Seen: 0.1 * second, Variance: sq(0.1 * ms), JitterVariance: sq(ms), Known: true}.Learnt(ticks)
	assert.InDelta(t, 100*ms, p.Seen, 0.05*ms)
	assert.InEpsilon(t, ms, math.Sqrt(p.JitterVariance), 0.3)
}
