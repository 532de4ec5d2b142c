package gauge

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCrossCheck(t *testing.T) {
	in := Input{ramp(Sensor{}), []Span{span(450, 2450)}, 500 * ms}
	c, ok := CrossCheck(in, Mean{}, 1000)
	require.True(t, ok)
	assert.InEpsilon(t, 780, c.Joules, 1e-9)
	// The power rises by 0.2 W/ms: if the readings are late by 250 ms it was 50 W more, and
	// if they are means over 1.2 s that are late by 100 ms, 140 W.
	assert.InDelta(t, 780, c.Low, 60)
	assert.Greater(t, c.High, 780+2*140.0)
	assert.Less(t, c.High, 780+2*400.0)

	few := in
	few.Spans = []Span{span(450, 550)}
	c, ok = CrossCheck(few, Mean{}, 1000)
	require.True(t, ok, "one reading")
	assert.InEpsilon(t, 20, c.Joules, 1e-9)
}

// Means that are their own length apart add up to the energy, whatever that did between.
func TestByMeans(t *testing.T) {
	energy := func(at int64) float64 { // joules up to a ms: 600 W from 1500 on to 2300, else 60 W
		return 0.06*float64(at) + 0.54*float64(min(max(at-1500, 0), 800))
	}
	s := &Series{Limit: 1000}
	for at := int64(1000); at <= 4000; at += 10 {
		s.Add(at*ms, energy(at)-energy(at-1000))
	}
	for _, v := range []Span{span(1500, 2300), span(1500, 3500), span(1400, 3900), span(2000, 2400)} {
		truth := energy(v.End/ms) - energy(v.Start/ms)
		low, high := s.byMeans([]Span{v}, 1000*ms, 700)
		assert.LessOrEqual(t, low, truth+1e-9, "%v", v)
		assert.GreaterOrEqual(t, high, truth-1e-9, "%v", v)
		if (v.End-v.Start)%(1000*ms) == 0 {
			assert.InDelta(t, low, high, 1e-9, "%v", v)
		}
	}
}

// A mean is taken where the readings themselves do not reach over the window.
func TestCrossCheckByAMean(t *testing.T) {
	far := Input{ramp(Sensor{}), []Span{span(450, 4450)}, 500 * ms}
	mean := Mean{From: 450 * ms, To: 4450 * ms, Watts: 250, Period: 20 * ms}
	c, ok := CrossCheck(far, mean, 1000)
	require.True(t, ok)
	assert.InEpsilon(t, 1000, c.Joules, 1e-9)
	assert.InDelta(t, 250*(1.2+2.6*0.02/2.45), c.High-c.Joules, 0.1)
	mean.To++
	_, ok = CrossCheck(far, mean, 1000)
	assert.False(t, ok, "the mean of another time")
}
