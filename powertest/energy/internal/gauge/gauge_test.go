package gauge

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = 1_000_000

// ramp is a gauge of a power that rises from 100 W by 0.2 W/ms, read every 100 ms for
// 3 s.
func ramp(sensor Sensor) *Series {
	s := &Series{Sensor: sensor, Limit: 1000}
	for at := int64(0); at <= 3000; at += 100 {
		s.Add(at*ms, 100+0.2*float64(at))
	}
	return s
}

func span(from, to int64) Span { return Span{from * ms, to * ms, (to - from) * ms} }

func TestIntegrate(t *testing.T) {
	r, err := Integrate(Input{ramp(Sensor{}), []Span{span(450, 2450)}, 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 2*(100+0.2*1450), r.Mean, 1e-9, "trapezoids are exact on a ramp")
	assert.Less(t, r.Low, r.Mean)
	assert.Greater(t, r.High, r.Mean)
	assert.Equal(t, 20, r.Readings)
	assert.False(t, r.Interpolated)
	assert.InEpsilon(t, 180, r.BeforeWatts, 1e-9)

	r, err = Integrate(Input{ramp(Sensor{}), []Span{span(500, 1000), span(2000, 2500)}, 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 0.5*(100+0.2*750)+0.5*(100+0.2*2250), r.Mean, 1e-9)

	r, err = Integrate(Input{ramp(Sensor{}), []Span{span(520, 580)}, 500 * ms})
	require.NoError(t, err)
	assert.True(t, r.Interpolated)
	assert.Zero(t, r.Readings)
}

func TestIntegrateRefuses(t *testing.T) {
	for _, s := range []Span{span(-100, 500), span(2500, 3100)} {
		_, err := Integrate(Input{ramp(Sensor{}), []Span{s}, 500 * ms})
		assert.ErrorIs(t, err, ErrNotBracketed)
	}
	r, err := Integrate(Input{ramp(Sensor{}), []Span{span(500, 2500)}, 90 * ms})
	assert.ErrorIs(t, err, ErrGap)
	assert.EqualValues(t, 100*ms, r.Gap)
	one := &Series{Limit: 10}
	_, err = Integrate(Input{one, []Span{span(0, 1)}, 500 * ms})
	assert.ErrorIs(t, err, ErrTooFew)
	one.Add(0, 100)
	_, err = Integrate(Input{one, []Span{span(0, 1)}, 500 * ms})
	assert.ErrorIs(t, err, ErrTooFew)
}

// TestSensor: what is known of the sensor moves its readings, and widens the interval.
func TestSensor(t *testing.T) {
	width := func(r Result) float64 { return r.High - r.Low }
	in := func(s Sensor) Input { return Input{ramp(s), []Span{span(450, 2450)}, 500 * ms} }
	plain, err := Integrate(in(Sensor{}))
	require.NoError(t, err)

	lag, err := Integrate(in(Sensor{Lag: 100 * ms}))
	require.NoError(t, err)
	assert.InEpsilon(t, plain.Mean+0.2*100*2, lag.Mean, 1e-9, "the power was that earlier")

	late, err := Integrate(in(Sensor{Late: 500 * ms}))
	require.NoError(t, err)
	assert.Equal(t, plain.Mean, late.Mean)
	assert.Greater(t, width(late), width(plain)+2*0.2*2000*0.5/math.Sqrt(3))

	held, err := Integrate(in(Sensor{Held: true, Period: 100 * ms}))
	require.NoError(t, err)
	assert.InEpsilon(t, plain.Mean, held.Mean, 0.05)
	assert.Greater(t, width(held), width(plain)/2)
}

// TestHeldValues: one that shows the same value again has been refreshed, or not.
func TestHeldValues(t *testing.T) {
	s := &Series{Sensor: Sensor{Held: true, Period: 100 * ms}, Limit: 100}
	for at := int64(0); at <= 1000; at += 50 {
		s.Add(at*ms, 300)
	}
	assert.Len(t, s.Samples(), 1)
	assert.EqualValues(t, 900*ms, s.Known())
	assert.EqualValues(t, 1000*ms, s.Seen)
	r, err := Integrate(Input{s, []Span{span(100, 800)}, 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 210, r.Mean, 1e-9)
	assert.False(t, r.Interpolated)

	s.Add(1050*ms, 500)
	assert.Len(t, s.Samples(), 3, "what it was until one period before the refresh")
	assert.EqualValues(t, 925*ms, s.Samples()[1].At)
	assert.EqualValues(t, 1025*ms, s.Samples()[2].At)
	s.Add(1400*ms, 300)
	assert.EqualValues(t, 1050*ms, s.Samples()[3].At, "it may have been refreshed more than once")
	assert.EqualValues(t, math.MinInt64, (&Series{}).Known())
}

func TestSeriesIsBounded(t *testing.T) {
	s := &Series{Limit: 64}
	for at := range int64(10_000) {
		s.Add(at*100*ms, 300)
	}
	assert.LessOrEqual(t, len(s.Samples()), 64)
	r, err := Integrate(Input{s, []Span{span(1000, 990_000)}, math.MaxInt64})
	require.NoError(t, err)
	assert.InEpsilon(t, 300*989, r.Mean, 1e-9, "thinning keeps the energy")
	_, err = Integrate(Input{s, []Span{span(1000, 990_000)}, 500 * ms})
	assert.NoError(t, err, "and the gaps between readings")

	late := s.Since(900_000*ms, 4)
	assert.Less(t, len(late.Samples()), len(s.Samples()))
	newest := s.Samples()[len(s.Samples())-1]
	s.Forget(newest.At, 2)
	assert.Len(t, s.Samples(), 3)
	assert.Equal(t, newest, s.Samples()[2])
}
