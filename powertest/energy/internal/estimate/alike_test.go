package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// overruns is a window of 2 s of a load that runs on for 50 ms. The counter ticks at a time
// after its start, and each 100 ms.
func overruns(tick, over float64) (in Input, joules float64) {
	steps := []step{{0, 100}, {1 - tick + 0.037, 400}, {3 - tick + 0.037 + over, 100}}
	in = seen(steps, 0.1, 6, 0.004, span(steps[1].from, steps[1].from+2))
	return in, truth(steps, in.Spans)
}

func half(r Result) float64 { return (r.High - r.Low) / 2 }

// TestEstimateAlike: what hides between two ticks of one device is seen by those of another.
func TestEstimateAlike(t *testing.T) {
	const over = 0.05
	blind, want := overruns(0.06, over)
	sees, _ := overruns(0.03, over)
	alone, err := estimated(blind)
	require.NoError(t, err)
	together := EstimateAlike([]Input{sees, blind, sees})[1]
	require.NoError(t, together.Err)
	r := together.Results[0]
	assert.Less(t, math.Abs(r.Mean-want), 0.7*math.Abs(alone.Mean-want))
	assert.Less(t, half(r), 0.95*half(alone))
	assert.LessOrEqual(t, r.Low, want)
	assert.GreaterOrEqual(t, r.High, want)
}

// TestEstimateNotAlike: a device that does otherwise than the others is as well known as it is
// by itself, or nearly.
func TestEstimateNotAlike(t *testing.T) {
	exact, want := overruns(0.03, 0)
	sees, _ := overruns(0.03, 0.05)
	r := EstimateAlike([]Input{sees, exact, sees, {Spans: exact.Spans}})[1].Results[0]
	assert.InEpsilon(t, want, r.Mean, 0.001)
	assert.LessOrEqual(t, r.Low, want)
	assert.GreaterOrEqual(t, r.High, want)
}

// TestEdges: the windows of a process learn from those before, and forget.
func TestEdges(t *testing.T) {
	const over = 0.05
	blind, want := overruns(0.06, over)
	alone, err := estimated(blind)
	require.NoError(t, err)
	sees, _ := overruns(0.03, over)
	for range 3 {
		sees.Edges = EstimateAlike([]Input{sees})[0].Edges
	}
	blind.Edges = sees.Edges
	r, err := estimated(blind)
	require.NoError(t, err)
	assert.Less(t, math.Abs(r.Mean-want), 0.9*math.Abs(alone.Mean-want))
	assert.GreaterOrEqual(t, r.High, want)

	exact, want := overruns(0.06, 0)
	for range 10 {
		e := EstimateAlike([]Input{exact})[0]
		exact.Edges = e.Edges
		r = e.Results[0]
		assert.LessOrEqual(t, r.Low, want)
		assert.GreaterOrEqual(t, r.High, want)
	}
	alone, err = estimated(exact)
	require.NoError(t, err)
	assert.InDelta(t, want, alone.Mean, 0.5)
}
