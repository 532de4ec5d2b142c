package estimate

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is a level of power from a time on, in seconds and watts.
type step struct{ from, watts float64 }

// energyOf returns the joules that the steps use up to t.
func energyOf(steps []step, t float64) (joules float64) {
	for i, s := range steps {
		end := t
		if i+1 < len(steps) {
			end = min(t, steps[i+1].from)
		}
		joules += s.watts * max(end-s.from, 0)
	}
	return joules
}

// seen returns what is known of a counter that ticks every period up to until, each
// tick seen between reads that are width apart.
func seen(steps []step, period, until, width float64, spans ...Span) Input {
	in := Input{
		Spans: spans, Resolution: 1e-3, PowerLimit: 700,
		Period: Period{Nominal: period * second, Seen: period * second, JitterVariance: sq(period / 500 * second), Known: true, Stride: 1},
	}
	for k := 0; float64(k)*period < until; k++ {
		t := (float64(k) + 0.37) * period
		in.Ticks = append(in.Ticks, Tick{Lo: int64((t - width*0.3) * second), Hi: int64((t + width*0.7) * second), Joules: energyOf(steps, t)})
	}
	return in
}

func span(from, to float64) Span {
	return Span{int64(from * second), int64(to * second), int64((to - from) * second)}
}

// cold is a load between idle times.
var cold = []step{{0, 100}, {1, 600}, {3, 100}}

func truth(steps []step, spans []Span) (joules float64) {
	for _, s := range spans {
		joules += energyOf(steps, float64(s.End)/second) - energyOf(steps, float64(s.Start)/second)
	}
	return joules
}

// Estimate is EstimateAlike of one device.
func Estimate(in Input) ([]Result, error) {
	e := EstimateAlike([]Input{in})[0]
	return e.Results, e.Err
}

// estimated returns the result of the whole window.
func estimated(in Input) (Result, error) {
	list, err := Estimate(in)
	if err != nil {
		return Result{}, err
	}
	return list[0], list[0].Err
}

func TestEstimate(t *testing.T) {
	for name, tt := range map[string]struct {
		steps  []step
		spans  []Span
		change func(*Input)
		within float64 // relative error
	}{
		"cold":                       {cold, []Span{span(1, 3)}, nil, 0.002},
		"warm":                       {cold, []Span{span(1.52, 2.61)}, nil, 0.002},
		"part of it":                 {cold, []Span{span(0.5, 2.5)}, nil, 0.1},
		"short":                      {cold, []Span{span(0.95, 3.05)}, nil, 0.02},
		"pauses":                     {[]step{{0, 100}, {1, 600}, {2, 100}, {3, 600}, {4, 100}}, []Span{span(1, 2), span(3, 4)}, nil, 0.002},
		"brief":                      {cold, []Span{span(1, 3)}, func(in *Input) { in.Brief = true }, 0.005},
		"recorded":                   {cold, []Span{span(1, 3)}, func(in *Input) { in.Recorded = true }, 0.01},
		"recorded fleet":             {cold, []Span{span(1, 3)}, func(in *Input) { in.Recorded, in.Brief = true, true }, 0.01},
		"far, pauses":                {[]step{{0, 100}, {1, 600}, {2, 100}, {3, 600}, {4, 100}}, []Span{span(1, 2), span(3, 4)}, func(in *Input) { in.Far = true }, 0.002},
		"a period that is not known": {cold, []Span{span(1, 3)}, func(in *Input) { in.Period.Known = false }, 0.005},
		"no power limit":             {cold, []Span{span(1, 3)}, func(in *Input) { in.PowerLimit = 0 }, 0.002},
	} {
		t.Run(name, func(t *testing.T) {
			in := seen(tt.steps, 0.1, 6, 0.004, tt.spans...)
			if tt.change != nil {
				tt.change(&in)
			}
			r, err := estimated(in)
			require.NoError(t, err)
			want := truth(tt.steps, tt.spans)
			assert.InEpsilon(t, want, r.Mean, tt.within)
			assert.LessOrEqual(t, r.Low, want)
			assert.GreaterOrEqual(t, r.High, want)
			assert.LessOrEqual(t, r.Low, r.Mean)
			assert.GreaterOrEqual(t, r.High, r.Mean)
			assert.False(t, r.Coarse)
			assert.True(t, r.HasBefore)
		})
	}
}

// TestEstimateOverrun: of a load that runs on after the end, the window has no more than its
// level, nor than the device can draw in what lies before the end.
func TestEstimateOverrun(t *testing.T) {
	for _, over := range []float64{0.02, 0.05, 0.08} {
		for end := 2.91; end < 3.01; end += 0.02 {
			steps := []step{{0, 100}, {1, 400}, {end + over, 100}}
			in := seen(steps, 0.1, 6, 0.004, span(1, end))
			r, err := estimated(in)
			require.NoError(t, err)
			want := truth(steps, in.Spans)
			assert.InEpsilon(t, want, r.Mean, 0.003, "%v after %v", over, end)
			assert.LessOrEqual(t, r.Low, want)
			assert.GreaterOrEqual(t, r.High, want)
		}
	}
}

// TestEstimateGolden: a change of the estimator that is meant to change nothing does
// not. One that is meant to changes these numbers, and says so.
func TestEstimateGolden(t *testing.T) {
	two := []step{{0, 100}, {1, 600}, {2, 100}, {3, 600}, {4, 100}}
	pauses := []Span{span(1, 2), span(3, 4)}
	recorded := seen(cold, 0.1, 6, 0.1, span(1, 3))
	recorded.Recorded = true
	brief := recorded
	brief.Brief = true
	far := seen(two, 0.1, 6, 0.02, pauses...)
	far.Far = true
	behind := seen(cold, 0.1, 6, 0.004, span(1, 3))
	behind.Behind = 0.05 * second
	for _, tt := range []struct {
		name string
		in   Input
		want string
	}{
		{"cold", seen(cold, 0.1, 6, 0.004, span(1, 3)), "1199.99733 [1198.82406, 1201.05744] 20 ticks, before 100"},
		{"warm", seen(cold, 0.1, 6, 0.004, span(1.52, 2.61)), "654.005971 [650.065804, 661.542445] 11 ticks, before 412.142857"},
		{"edge in the load", seen(cold, 0.1, 6, 0.004, span(0.5, 2.5)), "949.634284 [945.414135, 956.008374] 20 ticks, before 99.9999999"},
		{"pauses", seen(two, 0.1, 6, 0.004, pauses...), "1200.07718 [1198.78508, 1201.367] 30 ticks, before 100"},
		{"far", far, "1195.63643 [1190.595, 1202.4169] 30 ticks, before 100"},
		{"recorded", recorded, "1196.97828 [1182.02849, 1208.81138] 20 ticks, before 100"},
		{"brief", brief, "1200.21996 [1191.04585, 1210.10062] 20 ticks, before 100"},
		{"behind", behind, "1193.96606 [1168.14414, 1214.06857] 20 ticks, before 100"},
		{"short", seen(cold, 0.1, 6, 0.004, span(1.52, 1.57)), "29.886797 [0, 120.001] 1 ticks, before 412.142857"},
	} {
		r, err := estimated(tt.in)
		require.NoError(t, err)
		assert.Equal(t, tt.want, fmt.Sprintf("%.9g [%.9g, %.9g] %d ticks, before %.9g", r.Mean, r.Low, r.High, r.Ticks, r.BeforeWatts), tt.name)
	}
}

func TestEstimateRefuses(t *testing.T) {
	for _, s := range []Span{span(-1, 2), span(2, 9), span(7, 8), span(-2, -1)} {
		_, err := estimated(seen(cold, 0.1, 6, 0.004, s))
		assert.ErrorIs(t, err, ErrNotBracketed, "%v", s)
	}
	_, err := estimated(Input{Spans: []Span{span(1, 2)}})
	assert.ErrorIs(t, err, ErrNotBracketed, "without ticks")

	// Of a window with pauses the ticks are known between its ends.
	in := seen(cold, 0.1, 9, 0.004, span(1, 2), span(7, 8))
	in.Ticks = append(in.Ticks[:30:30], in.Ticks[50:]...)
	r, err := estimated(in)
	assert.ErrorIs(t, err, ErrGap)
	assert.InDelta(t, 2.1, r.Gap, 0.01)
	in.Period.Stride = 3
	_, err = estimated(in)
	assert.NoError(t, err, "where every third tick is looked for, that is no gap")
}

// TestCoarse: where ticks next to an edge were passed over the interval holds whatever
// the device can have drawn there.
func TestCoarse(t *testing.T) {
	in := seen(cold, 0.1, 6, 0.004, span(1.5, 2.5))
	fine, err := estimated(in)
	require.NoError(t, err)
	in.Ticks = append(in.Ticks[:12:12], in.Ticks[18:]...)
	coarse, err := estimated(in)
	require.NoError(t, err)
	assert.True(t, coarse.Coarse)
	assert.Greater(t, coarse.High-coarse.Low, 2*(fine.High-fine.Low))
}

// TestUndetermined: load that goes on over a window that holds no refresh period is
// known by what the counter allows only.
func TestUndetermined(t *testing.T) {
	r, err := estimated(seen(cold, 0.1, 6, 0.004, span(1.55, 1.58)))
	require.NoError(t, err)
	assert.Less(t, r.Low, 0.1)
	assert.Greater(t, r.High, 59.0, "all of the tick interval")
}

func TestVariableLoadsAreWidened(t *testing.T) {
	steady := seen(cold, 0.1, 6, 0.004, span(1.52, 2.61))
	var rough []step
	for i := range 60 {
		rough = append(rough, step{float64(i) * 0.1, 500 + 80*float64(i/2%2)})
	}
	variable := seen(rough, 0.1, 6, 0.004, span(1.52, 2.61))
	a, err := estimated(steady)
	require.NoError(t, err)
	b, err := estimated(variable)
	require.NoError(t, err)
	assert.Greater(t, b.High-b.Low, 3*(a.High-a.Low))
}

func TestPowerBefore(t *testing.T) {
	in := seen(cold, 0.1, 6, 0.004, span(1, 3))
	r, _ := estimated(in)
	assert.True(t, r.HasBefore)
	assert.InEpsilon(t, 100, r.BeforeWatts, 0.01)
	in.Resolution = 10
	r, _ = estimated(in)
	assert.False(t, r.HasBefore, "the counter does not resolve it")
}

func TestSettled(t *testing.T) {
	in := seen(cold, 0.1, 6, 0.004)
	until := func(t float64) []Tick { return in.Ticks[:firstAfter(in.Ticks, int64(t*second))] }
	start, end := int64(1*second), int64(3*second)
	assert.False(t, Settled(until(3.1), start, end), "one tick")
	assert.True(t, Settled(until(3.4), start, end), "three ticks")
	assert.True(t, Settled(until(3.2), start, int64(3.02*second)), "two, at the power before")
	assert.True(t, Settled(until(2.7), start, int64(2.5*second)), "two, at the power inside")

	decay := []step{{0, 100}, {1, 600}, {3, 450}, {3.15, 300}, {3.3, 100}}
	in = seen(decay, 0.1, 6, 0.004)
	assert.False(t, Settled(until(3.2), start, end), "two, in a tail")
	assert.False(t, Settled(nil, start, end))
}

func TestTrim(t *testing.T) {
	long := span(1, 3)
	crumb := Span{int64(4 * second), int64(4*second) + 1000, 1000}
	assert.Equal(t, []Span{long}, trim([]Span{long, crumb}))
	before := Span{0, 1000, 1000}
	assert.Equal(t, []Span{long}, trim([]Span{before, long}))
	assert.Equal(t, []Span{long, span(4, 5)}, trim([]Span{long, span(4, 5)}))
	assert.Equal(t, []Span{crumb}, trim([]Span{crumb}))
}

func TestExpected(t *testing.T) {
	p := Period{Nominal: 100, Seen: 20}
	assert.Equal(t, 100.0, p.Expected())
	p.Known = true
	assert.Equal(t, 20.0, p.Expected())
}

// TestTickTimes: the line through the ticks places one that was seen roughly.
func TestTickTimes(t *testing.T) {
	in := seen(cold, 0.1, 3, 0.002)
	in.Ticks[10].Lo -= int64(0.04 * second)
	in.Ticks[10].Hi += int64(0.03 * second)
	timed := in.timeTicks(in.Ticks)
	require.Len(t, timed, len(in.Ticks))
	assert.InDelta(t, 1.037, timed[10].t, 0.002)
	assert.Less(t, timed[10].sd, 0.003)
	in.Recorded = true
	timed = in.timeTicks(in.Ticks)
	assert.Greater(t, timed[10].sd, 0.015, "readings of others may all be late")

	line, ok := fit(in.Period, in.Ticks)
	require.True(t, ok)
	assert.InEpsilon(t, 0.1*second, line.period, 1e-4)
	in.Period.Known = false
	_, ok = fit(in.Period, in.Ticks)
	assert.False(t, ok)
	for i := range in.Ticks { // no period at all
		in.Ticks[i].Lo += int64(0.04 * second * math.Sin(float64(i*i)))
		in.Ticks[i].Hi = in.Ticks[i].Lo + 1000
	}
	in.Period.Known = true
	_, ok = fit(in.Period, in.Ticks)
	assert.False(t, ok, "ticks that lie on no line")
}

// TestEstimateLatePrefill: a request that reaches the server late, and is prefilled before it
// is decoded, has the power of decoding at its end.
func TestEstimateLatePrefill(t *testing.T) {
	for _, at := range []float64{1.02, 1.025, 1.03} {
		steps := []step{{0, 100}, {at + 0.02, 650}, {at + 0.12, 400}, {at + 0.27, 100}}
		in := seen(steps, 0.1, 6, 0.004, span(at, at+0.25))
		r, err := estimated(in)
		require.NoError(t, err)
		want := truth(steps, in.Spans)
		assert.InEpsilon(t, want, r.Mean, 0.02, "%v", at)
		assert.LessOrEqual(t, r.Low, want)
		assert.GreaterOrEqual(t, r.High, want)
	}
}
