package estimate

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMostPower: what a device can draw is known by its limit, and by pieces that are long
// enough to show a power. One between ticks of which one is mistimed is not.
func TestMostPower(t *testing.T) {
	steady := func(lengths ...float64) (list []piece) {
		from := 0.0
		for _, d := range lengths {
			list = append(list, piece{t0: from, t1: from + d, energy: 40})
			from += d
		}
		return list
	}
	const period = 0.1
	assert.InDelta(t, 840, mostPower(0, steady(0.1, 0.1, 0.1), period), 1, "twice what was seen")
	assert.InDelta(t, 840, mostPower(0, steady(0.1, 0.193, 0.007, 0.1), period), 1, "5,700 W for 7 ms are of no device")
	assert.InDelta(t, 700, mostPower(700, steady(0.1, 0.193, 0.007, 0.1), period), 1)
	assert.InDelta(t, 420, mostPower(390, steady(0.1, 0.1, 0.1), period), 1, "above the limit for a moment")
	assert.InDelta(t, 300, mostPower(200, steady(0.1, 0.1, 0.1), period), 1, "by half of it at the most")
	assert.InDelta(t, 840, mostPower(0, steady(0.1, 0.1), 30), 1, "all pieces are short for a period that is not known well")
	assert.Positive(t, mostPower(0, []piece{{t1: 0.1}}, period))
}

// TestMistimedTick: where ticks were passed over at an edge, what the device can draw bounds
// what the load did there; a tick that seems to come just before the next does not show it.
func TestMistimedTick(t *testing.T) {
	width := func(limit float64, moved int64) float64 {
		in := seen([]step{{0, 400}}, 0.1, 5.6, 0.004, span(4, 4.55))
		in.PowerLimit = limit
		k := &in.Ticks[43]
		k.Lo, k.Hi = k.Lo+moved, k.Hi+moved
		in.Ticks = slices.Delete(in.Ticks[34:], 4, 7)
		r, err := estimated(in)
		require.NoError(t, err)
		assert.InEpsilon(t, truth([]step{{0, 400}}, in.Spans), r.Mean, 0.05)
		return (r.High - r.Low) / 2 / r.Mean
	}
	const late = int64(0.093 * second)
	for _, limit := range []float64{0, 500} {
		assert.Less(t, width(limit, late), 1.25*width(limit, 0), "limit %v W", limit)
	}
}
