package energy

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

// TestLooks: readings in pairs count about as one each, and those that are evenly spread in full.
func TestLooks(t *testing.T) {
	ticks := func(gaps ...int64) *curve {
		c := &curve{}
		at := int64(0)
		for range 10 {
			for _, g := range gaps {
				at += g
				c.ticks = append(c.ticks, estimate.Tick{Lo: at - 1, Hi: at})
			}
		}
		return c
	}
	assert.InDelta(t, 20, ticks(80, 80).looks(0, 1600), 1e-9)
	assert.InDelta(t, 12.8, ticks(20, 140).looks(0, 1600), 1e-9)
	assert.InDelta(t, 10, ticks(1, 159).looks(0, 1600), 0.2)
	assert.InDelta(t, 5, ticks(80, 80).looks(800, 1200), 1e-9)
	assert.Zero(t, ticks(80).looks(2000, 3000))
}
