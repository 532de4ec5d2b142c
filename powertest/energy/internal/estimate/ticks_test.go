package estimate

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = 1e6

// regular is a counter that ticks each 100 ms, as was seen well.
func regular(n int64) Input {
	in := Input{Period: Period{Nominal: 100 * ms, Seen: 100 * ms, Variance: 1e8, JitterVariance: sq(ms), Known: true, Stride: 1}}
	for k := range n {
		at := k * 100 * ms
		in.Ticks = append(in.Ticks, Tick{Lo: at - ms, Hi: at + ms/2, Joules: float64(k)})
	}
	return in
}

// TestTickOfTheFirstRead: where the first read that looks for a tick shows it, it is the one
// that was due, and none that came with the one before.
func TestTickOfTheFirstRead(t *testing.T) {
	in := regular(12)
	early := &in.Ticks[9]
	early.Lo, early.Hi = in.Ticks[8].Hi, early.Lo+ms/2
	list := in.timeTicks(in.Ticks)
	require.Len(t, list, 12)
	assert.InDelta(t, 0.899, list[9].t, 0.001)
	assert.Less(t, list[9].sd, 0.003)
}

// TestTickTwice: a counter that ticks twice at times may have done so again.
func TestTickTwice(t *testing.T) {
	in := regular(12)
	for _, k := range []int{9, 6, 3} {
		again := in.Ticks[k]
		again.Lo, again.Hi, again.Joules = again.Hi, again.Hi+5*ms, again.Joules+0.1
		if k == 9 {
			again.Hi += 93 * ms // nobody looked before the next one was due
		}
		in.Ticks = slices.Insert(in.Ticks, k+1, again)
	}
	list := in.timeTicks(in.Ticks)
	require.Len(t, list, 15)
	assert.Greater(t, list[12].sd, 0.008)
}
