package estimate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// square is a load that goes on at two levels in turn.
func square(period, duty, until float64) []step {
	steps := []step{{0, 200}}
	for t := 0.01; t < until; t += period {
		steps = append(steps, step{t, 600}, step{t + duty*period, 200})
	}
	return steps
}

// TestLoadInStep: all ticks of a load that repeats with them look alike, and what it does
// between two of them is mostly within the interval all the same.
func TestLoadInStep(t *testing.T) {
	held, n := 0, 0
	for _, period := range []float64{0.05, 0.1, 0.101} {
		for k := range 8 {
			steps := square(period, 0.7, 6)
			window := span(1+float64(k)/80, 1.25+float64(k)/80)
			in := seen(steps, 0.1, 1.7, 0.004, window)
			in.Ticks = in.Ticks[5:]
			r, err := estimated(in)
			require.NoError(t, err)
			want := truth(steps, in.Spans)
			if n++; r.Low <= want && want <= r.High {
				held++
			}
		}
	}
	assert.GreaterOrEqual(t, held, n*3/4)
}

// TestSteadyForLong: the longer a load has looked steady, the less it can hide; and over
// whole periods it hides next to nothing.
func TestSteadyForLong(t *testing.T) {
	width := func(from, to, skip float64) float64 {
		in := seen([]step{{0, 400}}, 0.1, to+0.4, 0.004, span(from, to))
		in.Ticks = in.Ticks[int(skip/0.1):]
		r, err := estimated(in)
		require.NoError(t, err)
		assert.InEpsilon(t, truth([]step{{0, 400}}, in.Spans), r.Mean, 0.01)
		return (r.High - r.Low) / 2 / r.Mean
	}
	brief := width(12, 12.25, 11.5)
	assert.Greater(t, brief, 0.04)
	assert.Less(t, width(40, 40.25, 0), 0.75*brief)
	assert.Less(t, width(12, 12.2, 11.5), brief)
	assert.Less(t, width(12, 13, 0), width(12, 13, 11.5)/2)
}

// TestBeat: a load that is nearly in step betrays itself by a beat, and the interval is
// wide enough for it, however long it has been seen; that of a load without a beat is not,
// over whole periods.
func TestBeat(t *testing.T) {
	held, n, widest := 0, 0, 0.0
	for _, period := range []float64{0.097, 0.103, 0.106} {
		for k := range 12 {
			steps := square(period, 0.6, 12)
			from := 3 + float64(k)/60
			in := seen(steps, 0.1, 9, 0.004, span(from, from+3.05))
			r, err := estimated(in)
			require.NoError(t, err)
			want := truth(steps, in.Spans)
			if n++; r.Low <= want && want <= r.High {
				held++
			}
			widest = max(widest, (r.High-r.Low)/r.Mean)
		}
	}
	assert.GreaterOrEqual(t, held, n*9/10)
	steady, err := estimated(seen([]step{{0, 440}}, 0.1, 9, 0.004, span(3, 6)))
	require.NoError(t, err)
	assert.Less(t, 2*(steady.High-steady.Low)/steady.Mean, widest)
}
