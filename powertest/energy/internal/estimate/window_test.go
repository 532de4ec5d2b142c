package estimate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPowerJustBefore: the power just before a window is not that of an earlier load, however
// sparsely the ticks between were seen.
func TestPowerJustBefore(t *testing.T) {
	steps := []step{{0, 700}, {2, 130}, {3.2, 700}}
	for name, seenOf := range map[string]int{"all": 1, "each second": 2, "each third": 3} {
		in := seen(steps, 0.1, 4, 0.007, span(3.2, 3.7))
		in.Period.Stride = seenOf
		all := in.Ticks
		in.Ticks = nil
		for i := range all {
			if i%seenOf == 0 {
				in.Ticks = append(in.Ticks, all[i])
			}
		}
		watts, ok := powerBefore(&in, in.Spans[0].Start)
		require.True(t, ok, name)
		assert.InDelta(t, 130, watts, 8, name)
	}
}
