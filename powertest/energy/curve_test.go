package energy

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

var epoch = time.Unix(1e9, 0)

func at(ms float64) time.Time { return epoch.Add(time.Duration(ms * 1e6)) }

// joules is a reading of a counter taken at ms.
func joules(ms, j float64) Reading {
	return Reading{Before: at(ms), After: at(ms), Joules: j, HasJoules: true}
}

// watts is a reading of a gauge taken at ms.
func watts(ms, w float64) Reading {
	return Reading{Before: at(ms), After: at(ms), Watts: w, HasWatts: true}
}

func counterCurve() *curve { return newCurve(Device{UUID: "GPU-1", Method: Counter}, epoch, 0) }

// gaugeCurve is of a gauge that shows means of 100 ms as they are made.
func gaugeCurve() *curve {
	s := Sensor{Kernels: []Kernel{{Manner: Boxcar, Shortest: 100 * time.Millisecond, Longest: 100 * time.Millisecond}}, Refresh: 100 * time.Millisecond, Stamped: true}
	return newCurve(Device{UUID: "GPU-1", Method: Gauge, Sensor: s}, epoch, 0)
}

// tickEvery fills a counter curve with reads every 5 ms of a device at 600 W
// that ticks every 100 ms.
func tickEvery(c *curve, from, to float64) { readEvery(c, 5, from, to) }

// readEvery is tickEvery with a read every few ms.
func readEvery(c *curve, every, from, to float64) {
	for ms := from; ms <= to; ms += every {
		c.add(joules(ms, 60*math.Floor(ms/100)))
	}
}

// measureCurves measures spans by curves of one base.
func measureCurves(curves []*curve, spans []Span) Measurement {
	base := epoch
	if len(curves) > 0 {
		base = curves[0].base
	}
	m := measure(Info{Name: "test"}, curves, base, family{spans: toSpans(base, spans)})[0]
	m.total()
	return m
}

func window(from, to float64) []Span { return []Span{{at(from), at(to)}} }

func TestMeasureACounter(t *testing.T) {
	c := counterCurve()
	tickEvery(c, 0, 2000)
	m := measureCurves([]*curve{c}, window(430, 1470))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 600*1.04, m.Energy.Joules, 0.005)
	assert.InEpsilon(t, 600, m.Watts, 0.005)
	assert.Equal(t, 1040*time.Millisecond, m.Duration)
	assert.Equal(t, 10, m.Devices[0].Ticks)
	assert.InDelta(t, 100*time.Millisecond, m.Devices[0].Period, float64(time.Millisecond))
	assert.True(t, m.HasBefore)
	assert.InEpsilon(t, 600, m.BeforeWatts, 0.1)
	assert.Empty(t, m.Reasons)
}

// Contradictory windows get a reason, never a number.
func TestBadWindows(t *testing.T) {
	c := counterCurve()
	tickEvery(c, 0, 1000)
	tests := map[string]struct {
		spans []Span
		want  Reason
	}{
		"none":           {nil, InvalidBenchmarkWindow},
		"empty":          {window(500, 500), InvalidBenchmarkWindow},
		"reversed":       {window(700, 300), InvalidBenchmarkWindow},
		"overlapping":    {append(window(300, 600), window(500, 700)...), InvalidBenchmarkWindow},
		"out of order":   {append(window(600, 800), window(300, 400)...), InvalidBenchmarkWindow},
		"before it all":  {window(-900, -500), BenchmarkWindowNotBracketed},
		"after it all":   {window(5000, 6000), BenchmarkWindowNotBracketed},
		"over the end":   {window(500, 1500), BenchmarkWindowNotBracketed},
		"over the start": {window(-500, 500), BenchmarkWindowNotBracketed},
		"a nanosecond":   {[]Span{{at(500), at(500).Add(1)}}, WindowTooShort},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := measureCurves([]*curve{c}, tt.spans)
			assert.False(t, m.Valid)
			assert.Zero(t, m.Energy)
			assert.Zero(t, m.Watts)
			assert.True(t, m.Has(tt.want), "%v", m.Reasons)
		})
	}
	m := measureCurves(nil, window(0, 1))
	assert.False(t, m.Valid)
	assert.True(t, m.Has(ExpectedGPUCountMismatch))
}

func TestOutOfOrderReadings(t *testing.T) {
	c := counterCurve()
	tickEvery(c, 0, 700)
	c.add(joules(600, 1e6))
	tickEvery(c, 705, 1500)
	m := measureCurves([]*curve{c}, window(300, 1200))
	assert.False(t, m.Valid)
	assert.True(t, m.Has(InvalidPowerSample), "%v", m.Reasons)
	// Outside of the window it does no harm.
	m = measureCurves([]*curve{c}, window(1150, 1300))
	assert.True(t, m.Valid, "%v", m.Reasons)
}

func TestCurveIsBounded(t *testing.T) {
	c := counterCurve()
	readEvery(c, 50, 0, 3*maxTicks*100)
	assert.LessOrEqual(t, len(c.ticks), maxTicks)
	// No energy is lost: the first and the last tick are still there.
	m := measureCurves([]*curve{c}, window(1030, 3*maxTicks*100-530))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 0.6*(3*maxTicks*100-1560), m.Energy.Joules, 1e-4)
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.add(joules(c.last.at(), c.last.value+1)) }))
}

// TestCurvesShareTheirMemory: what a recorder holds does not grow with the number of
// its devices.
func TestCurvesShareTheirMemory(t *testing.T) {
	for devices, most := range map[int]int{1: maxTicks, 2: maxTicks, 8: allTicks / 8, 1000: minTicks} {
		c := counterCurve()
		c.reserve(devices)
		readEvery(c, 50, 0, 100*(maxTicks+10))
		assert.LessOrEqual(t, len(c.ticks), most, "of %d devices", devices)
		assert.Equal(t, most, c.power.Limit)
	}
}

// at is the time of the point in ms since epoch.
func (p point) at() float64 { return float64(p.hi)/1e6 + 1 }

func TestCounted(t *testing.T) {
	assert.EqualValues(t, 15, counted([]span{{0, 10, 10}, {10, 20, 5}}))
	assert.Zero(t, counted(nil))
	assert.Zero(t, counted([]span{{0, 10, 10}, {9, 20, 11}}), "they overlap")
	assert.Zero(t, counted([]span{{10, 5, -5}}))
}

// TestTooWide: what is withheld since it is too short says what there was in words that
// are numbers, and without what is not known.
func TestTooWide(t *testing.T) {
	ms := time.Millisecond
	for want, d := range map[string]DeviceMeasurement{
		"window_too_short: 500ms, with 1 tick of 100ms, leaves ±40 %: ADVICE":                                {Ticks: 1, Period: 100 * ms, Energy: Estimate{100, 60, 140}},
		"window_too_short: 500ms, with 0 ticks, leaves 0 J ± 3 J: ADVICE":                                    {Energy: Estimate{0, -3, 3}},
		"window_too_short: 500ms, with 9 ticks of 1.25ms, leaves ±40 %: ADVICE":                              {Ticks: 9, Period: 1250 * time.Microsecond, Energy: Estimate{100, 60, 140}},
		"window_too_short: 500ms, with 0 ticks of 100ms, leaves 0 J ± 0 J: ADVICE":                           {Period: 100 * ms},
		"invalid_power_sample: 5 readings of the power are all 0 W: the device does not report what it uses": {Ticks: 5, Device: Device{Method: Gauge}},
	} {
		d.tooWide(500*ms, 1, "ADVICE")
		assert.Equal(t, want, d.Reasons[0].String())
		assert.False(t, d.Valid)
	}
	var d DeviceMeasurement
	d.Energy = Estimate{100, 60, 140}
	d.tooWide(500*ms, 3, "ADVICE")
	assert.Contains(t, d.Reasons[0].Detail, "500ms in 3 pieces, with")
}

// TestUncovered: what is not bracketed says on which side.
func TestUncovered(t *testing.T) {
	readings := &gauge.Series{Limit: 10}
	readings.Add(10e9, 300)
	readings.Add(20e9, 400)
	assert.Equal(t, "the readings do not reach back to the start of the window: the first is 5s later", uncovered(readings, 5e9, 15e9))
	assert.Equal(t, "the readings do not reach the end of the window: the last is 2s earlier", uncovered(readings, 12e9, 22e9))
	for want, ticks := range map[string][]estimate.Tick{
		"no tick was seen before the start of the window": {{Lo: 6e9, Hi: 7e9}},
		"no tick was seen after the end of the window":    {{Lo: 1e9, Hi: 2e9}, {Lo: 7e9, Hi: 7.1e9}},
	} {
		c := newCurve(Device{Method: Counter}, time.Now(), time.Second)
		c.ticks, c.last.hi = ticks, 8e9
		var d DeviceMeasurement
		explain(c, &d, []span{{5e9, 8e9, 3e9}})
		assert.Equal(t, want, d.Reasons[0].Detail)
	}
}

// TestAdvice: the window that would do is about twenty refresh periods long, or five of
// a slow counter.
func TestAdvice(t *testing.T) {
	d := Device{Hint: "start the exporter with -c 1000"}
	assert.Equal(t, "measure for 2s or longer", advice(d, 100e6, false))
	assert.Equal(t, "measure for 1s or longer", advice(d, 10e6, false))
	assert.Equal(t, "measure for 2m30s or longer, or start the exporter with -c 1000", advice(d, 30e9, false))
	assert.Contains(t, advice(d, 100e6, true), "pauses")
}

func TestMergeSpans(t *testing.T) {
	s := []span{{0, 10, 10}, {20, 30, 10}, {40, 50, 10}}
	assert.Equal(t, []span{{0, 30, 20}, {40, 50, 10}}, merge(s))
}

func TestGauge(t *testing.T) {
	c := gaugeCurve()
	for ms := 0.0; ms <= 3000; ms += 100 {
		c.add(watts(ms, 100+0.2*(ms-50))) // a ramp of 0.2 W/ms, by means
	}
	m := measureCurves([]*curve{c}, window(450, 2450))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 2*(100+0.2*1450), m.Energy.Joules, 0.001)
	assert.Greater(t, m.Energy.HalfWidth(), 0.0)
	assert.Equal(t, 20, m.Devices[0].Ticks)
	assert.InEpsilon(t, 170, m.BeforeWatts, 1e-9)

	// Gaps are left out.
	m = measureCurves([]*curve{c}, append(window(500, 1000), window(2000, 2500)...))
	require.True(t, m.Valid)
	assert.InEpsilon(t, 0.5*(100+0.2*750)+0.5*(100+0.2*2250), m.Energy.Joules, 0.001)
}

func TestGaugeWithheld(t *testing.T) {
	c := gaugeCurve()
	for ms := 0.0; ms <= 3000; ms += 100 {
		if ms < 1000 || ms > 1600 {
			c.add(watts(ms, 300))
		}
	}
	bad := gaugeCurve()
	for ms := 0.0; ms <= 3000; ms += 100 {
		bad.add(watts(ms, 300))
		if ms == 1500 {
			bad.add(watts(ms, math.Inf(1)))
		}
	}
	long := newCurve(Device{Method: Gauge, Sensor: Sensor{Kernels: []Kernel{{Manner: Boxcar, Shortest: time.Second, Longest: time.Second}}}}, epoch, 0)
	for ms := 0.0; ms <= 4000; ms += 100 {
		long.add(watts(ms, 100+0.4*math.Abs(ms-2000)))
	}
	few := gaugeCurve()
	few.add(watts(0, 300))
	tests := map[string]struct {
		c        *curve
		from, to float64
		want     Reason
	}{
		"gap":       {c, 500, 2500, SamplingGapExceeded},
		"left":      {c, -100, 500, BenchmarkWindowNotBracketed},
		"right":     {c, 2500, 3500, BenchmarkWindowNotBracketed},
		"infinite":  {bad, 500, 2500, InvalidPowerSample},
		"too short": {long, 2000, 2200, WindowTooShort},
		"few":       {few, 500, 2500, InsufficientPowerSamples},
		"none":      {gaugeCurve(), 500, 2500, InsufficientPowerSamples},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := measureCurves([]*curve{tt.c}, window(tt.from, tt.to))
			assert.False(t, m.Valid)
			assert.True(t, m.Has(tt.want), "%v", m.Reasons)
		})
	}
	// Between two readings there is a number, with a mark.
	m := measureCurves([]*curve{c}, window(505, 595))
	assert.True(t, m.Valid, "%v", m.Reasons)
	assert.True(t, m.Has(NoInWindowSamples))
}

// A power reading that makes no sense costs the cross-check, not the joules.
func TestBadCrossCheck(t *testing.T) {
	c := counterCurve()
	for i := range 600 {
		r := joules(5*float64(i), 60*math.Floor(float64(i)/20))
		r.Watts, r.HasWatts = 600, true
		if i%7 == 0 {
			r.Watts = math.NaN()
		}
		c.add(r)
	}
	m := measureCurves([]*curve{c}, window(1000, 2000))
	assert.True(t, m.Valid, "%v", m.Reasons)
}

// Two stalls do not spoil what lies between them.
func TestFaultsAreWhereTheyWere(t *testing.T) {
	c := counterCurve()
	for i := range 6000 {
		r := joules(5*float64(i), 60*math.Floor(float64(i)/20))
		if i == 1000 || i == 5000 {
			r.Err = ErrStalled
		}
		c.add(r)
	}
	for from, want := range map[float64]bool{4: false, 12: true, 24: false} {
		m := measureCurves([]*curve{c}, window(1000*from, 1000*(from+2)))
		assert.Equal(t, want, m.Valid, "from %v s: %v", from, m.Reasons)
	}
}

// Whatever is read, a curve neither panics nor publishes a number that is not
// finite, positive and inside its interval.
func FuzzCurve(f *testing.F) {
	f.Add([]byte{0, 10, 0, 60, 0, 10, 0, 120})
	f.Add([]byte{255, 255, 255, 255, 1, 0, 0, 0, 9, 9, 9, 9})
	f.Add([]byte("\x00\x00@\x00\x00@\a\a\a\a\ar")) // a gauge that rises steeply
	f.Fuzz(func(t *testing.T, data []byte) {
		c, g := counterCurve(), gaugeCurve()
		ms, j := 0.0, 0.0
		for ; len(data) >= 4; data = data[4:] {
			dt, dj := binary.LittleEndian.Uint16(data), binary.LittleEndian.Uint16(data[2:])
			ms += float64(int16(dt)) / 100
			switch {
			case dj == 0xffff:
				j = math.NaN()
			case dj == 0xfffe:
				j = 0
			case dj%3 != 0:
				j += float64(dj) / 100
			}
			c.add(joules(ms, j))
			g.add(watts(ms, j))
		}
		for _, w := range [][]Span{window(0, ms), window(ms/4, ms/2), append(window(ms/8, ms/4), window(ms/2, ms*0.9)...)} {
			m := measureCurves([]*curve{c, g}, w)
			for _, d := range m.Devices {
				if !d.Valid {
					assert.True(t, withheld(d.Reasons), "a reason")
					continue
				}
				assert.Less(t, d.Energy.Joules, math.Inf(1))
				assert.GreaterOrEqual(t, d.Energy.Joules, d.Energy.Low)
				assert.LessOrEqual(t, d.Energy.Joules, d.Energy.High)
				assert.GreaterOrEqual(t, d.Energy.Low, 0.0)
			}
		}
	})
}
