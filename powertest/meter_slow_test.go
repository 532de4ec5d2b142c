//go:build slow

package powertest

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

func TestSlowMeterForHours(t *testing.T) { testMeterFor(t, time.Hour) }

func TestSlowSpansBetweenTicks(t *testing.T) { testSpansBetweenTicks(t, 60) }

// TestSlowSpansOfForgottenTicks: of a window of hours only some ticks are kept.
// One that is moved to where they were forgotten is wide, or withheld, and not wrong.
func TestSlowSpansOfForgottenTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		sim := simsource.New(simsource.Config{History: 1 << 16})
		m := newMeter(t, From(sim))
		var windows []*Window
		for range 60 {
			windows = append(windows, m.Start("a"))
		}
		begin := time.Now()
		bursts(sim, rng, 5*time.Hour)
		missed := 0
		for _, w := range windows {
			start := begin.Add(time.Duration((1.5 + 2*rng.Float64()) * float64(time.Hour)))
			w.SetSpans(energy.Span{Start: start, End: start.Add(time.Duration((1 + 30*rng.Float64()) * 1e9))})
			if outside(sim, *stop(t, w).Measurement) {
				missed++
			}
		}
		assert.LessOrEqual(t, missed, 4)
	})
}
