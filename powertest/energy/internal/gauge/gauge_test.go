package gauge

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = 1_000_000

// tenth is a sensor whose readings are means of 100 ms, as they are made.
var tenth = Sensor{Kernels: []Kernel{{Shortest: 100 * ms, Longest: 100 * ms}}, Refresh: 100 * ms, Stamped: true}

// ramp is a gauge of a power that rises from 100 W by 0.2 W/ms, read every 100 ms for
// 3 s, by the sensor tenth.
func ramp(sensor Sensor) *Series {
	s := &Series{Sensor: sensor, Limit: 1000}
	for at := int64(0); at <= 3000; at += 100 {
		s.Add(at*ms, 100+0.2*float64(at-50))
	}
	return s
}

func span(from, to int64) Span { return Span{from * ms, to * ms, (to - from) * ms} }

func TestIntegrate(t *testing.T) {
	r, err := Integrate(Input{Series: ramp(tenth), Spans: []Span{span(450, 2450)}, MaxGap: 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 2*(100+0.2*1450), r.Mean, 0.001)
	assert.Less(t, r.Low, r.Mean)
	assert.Greater(t, r.High, r.Mean)
	assert.Equal(t, 20, r.Readings)
	assert.False(t, r.Interpolated)
	assert.False(t, r.PartTime)
	assert.InEpsilon(t, 170, r.BeforeWatts, 1e-9)

	r, err = Integrate(Input{Series: ramp(tenth), Spans: []Span{span(500, 1000), span(2000, 2500)}, MaxGap: 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 0.5*(100+0.2*750)+0.5*(100+0.2*2250), r.Mean, 0.002)

	half := span(500, 2500)
	half.On /= 2
	r, err = Integrate(Input{Series: ramp(tenth), Spans: []Span{half}, MaxGap: 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 100+0.2*1500, r.Mean, 0.002, "of a merged span a part counts")

	r, err = Integrate(Input{Series: ramp(tenth), Spans: []Span{span(520, 580)}, MaxGap: 500 * ms})
	require.NoError(t, err)
	assert.True(t, r.Interpolated)
	assert.Zero(t, r.Readings)
}

func TestIntegrateRefuses(t *testing.T) {
	for _, s := range []Span{span(-100, 500), span(2500, 3100)} {
		_, err := Integrate(Input{Series: ramp(tenth), Spans: []Span{s}, MaxGap: 500 * ms})
		assert.ErrorIs(t, err, ErrNotBracketed)
	}
	r, err := Integrate(Input{Series: ramp(tenth), Spans: []Span{span(500, 2500)}, MaxGap: 90 * ms})
	assert.ErrorIs(t, err, ErrGap)
	assert.EqualValues(t, 100*ms, r.Gap)
	one := &Series{Limit: 10}
	_, err = Integrate(Input{Series: one, Spans: []Span{span(0, 1)}, MaxGap: 500 * ms})
	assert.ErrorIs(t, err, ErrTooFew)
	one.Add(0, 100)
	_, err = Integrate(Input{Series: one, Spans: []Span{span(0, 1)}, MaxGap: 500 * ms})
	assert.ErrorIs(t, err, ErrTooFew)
}

// A gauge that never moves is none; one of a log that has whole watts only may not move for
// a while, and one that moves elsewhere does.
func TestStatic(t *testing.T) {
	still := func(watts float64, n int64) *Series {
		s := &Series{Sensor: tenth, Limit: 1000}
		for k := range n {
			s.Add(k*100*ms, watts)
		}
		return s
	}
	in := Input{Series: still(300.25, 25), Spans: []Span{span(500, 1500)}, MaxGap: 500 * ms}
	_, err := Integrate(in)
	assert.ErrorIs(t, err, ErrStatic)
	in.Series.Add(2500*ms, 300.26)
	_, err = Integrate(in)
	assert.NoError(t, err)
	in.Series = still(300.25, 19)
	_, err = Integrate(in)
	assert.NoError(t, err)
	in.Series, in.Logged = still(300, 25), true
	_, err = Integrate(in)
	assert.NoError(t, err)
	in.Series = still(300, 310)
	_, err = Integrate(in)
	assert.ErrorIs(t, err, ErrStatic)
}

// TestSensorDecides: the same readings are another energy, and known worse, by another sensor,
// and not known any better if there are more of them.
func TestSensorDecides(t *testing.T) {
	of := func(step int64, kernels ...Kernel) Result {
		s := &Series{Sensor: Sensor{Kernels: kernels}, Limit: 10_000}
		for at := int64(0); at < 10_000; at += step {
			refreshed := float64(at / 100 * 100)
			s.Add(at*ms, 100+300/(1+math.Exp((2980-refreshed)/10))+math.Mod(refreshed/100, 7)/10)
		}
		r, err := Integrate(Input{Series: s, Spans: []Span{span(2000, 7000)}, MaxGap: 500 * ms})
		require.NoError(t, err)
		return r
	}
	width := func(r Result) float64 { return r.High - r.Low }
	late := kWhole
	late.Earliest, late.Latest = 200*ms, 200*ms
	sharp, delayed, unknown := of(20, kWhole), of(20, late), of(20)
	assert.InDelta(t, sharp.Mean+0.2*300, delayed.Mean, 8, "the load began that much earlier")
	assert.Greater(t, width(unknown), 3*width(sharp))
	assert.Greater(t, width(unknown), 0.65*300.0, "the change of power times the largest delay")
	assert.Greater(t, width(of(5)), 0.95*width(unknown), "no denser log makes up for that")
	assert.Greater(t, width(of(5, kSecond, kWhole)), 0.9*width(of(20, kSecond, kWhole)))

	// A step within a refresh is no mean over a second.
	assert.InDelta(t, sharp.Mean, of(20, kSecond, kWhole).Mean, 1e-9)
	part := of(20, kPart)
	assert.True(t, part.PartTime)
	assert.False(t, sharp.PartTime)
}

// TestLate: all readings may be late, or early, by the same.
func TestLate(t *testing.T) {
	width := func(late int64) float64 {
		sensor := tenth
		sensor.Late = late
		r, err := Integrate(Input{Series: ramp(sensor), Spans: []Span{span(1000, 2000)}, MaxGap: 500 * ms})
		require.NoError(t, err)
		return r.High - r.Low
	}
	assert.Greater(t, width(500*ms), width(0)+0.9*2*0.2*1000*0.5)
}

// TestSeriesKeepsRuns: readings of one value are a sample, with the longest gap among them;
// one that is much longer than before divides it.
func TestSeriesKeepsRuns(t *testing.T) {
	s := &Series{Limit: 100}
	for at := int64(0); at <= 1000; at += 50 {
		s.Add(at*ms, 300)
	}
	s.Add(1050*ms, 500)
	s.Add(1020*ms, 7) // is late
	assert.Equal(t, []Sample{{0, 1000 * ms, 300, 50 * ms}, {1050 * ms, 1050 * ms, 500, 0}}, s.Samples())
	assert.EqualValues(t, 1050*ms, s.Seen())
	assert.EqualValues(t, 50*ms, s.longest(100*ms, 1050*ms))
	s.Add(1100*ms, 500)
	s.Add(1500*ms, 500)
	assert.Len(t, s.Samples(), 3)
	assert.EqualValues(t, 400*ms, s.longest(0, 1200*ms))
	assert.EqualValues(t, 50*ms, s.longest(0, 1080*ms))
	assert.InDelta(t, 300*0.9, s.Joules(0, 900*ms), 1e-9)
	assert.EqualValues(t, math.MinInt64, (&Series{}).Seen())
}

func TestSeriesIsBounded(t *testing.T) {
	s := &Series{Sensor: tenth, Limit: 64}
	for k := range int64(10_000) {
		s.Add(k*100*ms, 300+float64(k%2))
	}
	assert.LessOrEqual(t, len(s.Samples()), 64)
	r, err := Integrate(Input{Series: s, Spans: []Span{span(1000, 990_000)}, MaxGap: math.MaxInt64})
	require.NoError(t, err)
	assert.InEpsilon(t, 300.5*989, r.Mean, 1e-3, "thinning keeps the energy")
	_, err = Integrate(Input{Series: s, Spans: []Span{span(1000, 990_000)}, MaxGap: 500 * ms})
	assert.NoError(t, err, "and the gaps between readings")

	late := s.Since(900_000*ms, 4)
	assert.Less(t, len(late.Samples()), len(s.Samples()))
	newest := s.Samples()[len(s.Samples())-1]
	s.Forget(newest.At, 2)
	assert.Len(t, s.Samples(), 3)
	assert.Equal(t, newest, s.Samples()[2])
}

// TestStall: a long mean that is refreshed once a second when idle is not taken to have been
// idle for all of that second.
func TestStall(t *testing.T) {
	s := &Series{Sensor: Sensor{Kernels: []Kernel{kSecond}, Refresh: 100 * ms}, Limit: 10_000}
	watts := func(at int64) float64 { // the mean over 1075 ms of 100 W, and of 400 W since 5 s
		at -= 5000
		return 100 + 300*float64(min(max(at, 0), 1075))/1075 + float64(at/100%7)/50
	}
	for at := int64(0); at < 10_000; at += 20 {
		refreshed := at / 100 * 100
		if at < 5400 {
			refreshed = at / 1000 * 1000
			if at > 5000 {
				refreshed = 4000
			}
		}
		s.Add(at*ms, watts(refreshed))
	}
	r, err := Integrate(Input{Series: s, Spans: []Span{span(3000, 8000)}, MaxGap: 500 * ms})
	require.NoError(t, err)
	assert.InEpsilon(t, 2*100+3*400, r.Mean, 0.04)
	assert.Less(t, r.Low, 1400.0)
	assert.Greater(t, r.High, 1400.0)
}

func TestCrossCheck(t *testing.T) {
	in := Input{Series: ramp(tenth), Spans: []Span{span(450, 2450)}, MaxGap: 500 * ms}
	c, ok := CrossCheck(in, Mean{})
	require.True(t, ok)
	assert.InEpsilon(t, 760, c.Joules, 0.01, "of 100 ms before")
	assert.Less(t, c.Low, 780.0)
	assert.Greater(t, c.High, 780.0)

	far := in
	far.Spans = []Span{span(450, 4450)}
	_, ok = CrossCheck(far, Mean{})
	assert.False(t, ok, "the readings do not reach that far")
	mean := Mean{From: 450 * ms, To: 4450 * ms, Watts: 250, Period: 20 * ms}
	c, ok = CrossCheck(far, mean)
	require.True(t, ok)
	assert.InEpsilon(t, 1000, c.Joules, 1e-9)
	assert.InDelta(t, 250*(0.02+0.05), c.High-c.Joules, 0.1)
	mean.To++
	_, ok = CrossCheck(far, mean)
	assert.False(t, ok, "the mean of another time")
}
