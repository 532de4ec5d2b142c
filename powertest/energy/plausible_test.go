package energy

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limited is an empty curve of a device with a power limit in watts; 0 is unknown.
func limited(m Method, limit float64) *curve {
	return newCurve(Device{UUID: "GPU-1", Method: m, PowerLimit: limit}, epoch, 0)
}

// follow fills a counter curve with reads every 5 ms for 4 s, of a counter that ticks
// every 100 ms and shows the joules of energy at that time in ms.
func follow(c *curve, energy func(ms float64) float64) {
	for ms := 0.0; ms <= 4000; ms += 5 {
		c.add(joules(ms, energy(100*math.Floor(ms/100))))
	}
}

// steady is the joules that so many watts have added up to.
func steady(watts float64) func(ms float64) float64 {
	return func(ms float64) float64 { return watts * ms / 1000 }
}

// jumping is a steady power with some joules more from a time on.
func jumping(watts, more, from float64) func(ms float64) float64 {
	return func(ms float64) float64 {
		if ms >= from {
			return steady(watts)(ms) + more
		}
		return steady(watts)(ms)
	}
}

func TestCounterJumps(t *testing.T) {
	for name, tt := range map[string]struct {
		limit  float64
		energy func(ms float64) float64
		says   string
	}{
		"1 MJ":                     {700, jumping(350, 1e6, 2000), "the power limit is 700 W"},
		"1 MJ, no limit":           {0, jumping(350, 1e6, 2000), "it draws 333.3 W at most otherwise"},
		"two jumps, no limit":      {0, func(ms float64) float64 { return jumping(350, 1e6, 2000)(ms) + jumping(0, 1e6, 3000)(ms) }, "333.3 W at most"},
		"once 1.7 times its limit": {700, jumping(700, 0.7*70, 2000), "the power limit is 700 W"},
		"60 J more than it can":    {700, jumping(600, 60, 2000), "the power limit is 700 W"},
		"before the window":        {700, jumping(350, 1e6, 900), "the power limit is 700 W"},
		"900 W of 700 W":           {700, steady(900), "900 W over the window"},
		"1300 W of 700 W":          {700, steady(1300), "W or more, and the power limit is 700 W"},
		"350 kW, no limit":         {0, steady(350e3), "no device draws more than 20 kW"},
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(Counter, tt.limit)
			follow(c, tt.energy)
			m := measureCurves([]*curve{c}, window(1050, 3550))
			assert.False(t, m.Valid)
			assert.Zero(t, m.Devices[0].Watts)
			require.True(t, m.Has(CounterJump), "%v", m.Reasons)
			assert.Contains(t, fmt.Sprint(m.Reasons), tt.says)
		})
	}
}

// What a device can draw is published, however close it is to what it cannot.
func TestWhatDevicesDraw(t *testing.T) {
	boost := func(ms float64) float64 { return steady(700)(ms) + 0.07*min(max(ms-2000, 0), 100) }
	for name, tt := range map[string]struct {
		limit, watts float64
		energy       func(ms float64) float64
	}{
		"700 W of 700 W":            {700, 700, steady(700)},
		"a boost for 100 ms":        {700, 702.8, boost},
		"a limit kept after 0.9 s":  {700, 728.8, func(ms float64) float64 { return steady(700)(ms) + 0.08*min(max(ms-1050, 0), 900) }},
		"half as much again once":   {700, 424.6, jumping(400, 61.5, 2000)},
		"1000 W, no limit":          {0, 1000, steady(1000)},
		"from 60 W to 1000 W":       {0, 636, func(ms float64) float64 { return steady(60)(ms) + 0.94*max(ms-2020, 0) }},
		"a jump after the window":   {700, 350, jumping(350, 1e6, 3950)},
		"a jump before what counts": {700, 350, jumping(350, 1e6, 700)},
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(Counter, tt.limit)
			follow(c, tt.energy)
			m := measureCurves([]*curve{c}, window(1050, 3550))
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.InEpsilon(t, tt.watts, m.Watts, 0.01)
			assert.Less(t, m.BeforeWatts, 1001.0)
			assert.Empty(t, m.Reasons)
		})
	}
}

// TestBurst: for a second a board may draw far more than its limit, until it is kept.
func TestBurst(t *testing.T) {
	c := limited(Counter, 700)
	follow(c, func(ms float64) float64 { return 130*ms/1000 + 0.66*min(max(ms-2000, 0), 500) })
	m := measureCurves([]*curve{c}, window(2000, 2500))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 790, m.Watts, 0.03)
	assert.Equal(t, 1.5*700, limited(Counter, 700).device.MostWatts(100*time.Millisecond))
	assert.InDelta(t, 1.14*700, limited(Counter, 700).device.MostWatts(10*time.Second), 1e-9)
	assert.InDelta(t, 1.1*700, limited(Counter, 700).device.MostWatts(math.MaxInt64), 1e-3)
	for _, none := range []time.Duration{0, -1} {
		assert.InDelta(t, 1.5*700, limited(Counter, 700).device.MostWatts(none), 1e-9, "%v", none)
	}
}

// A counter that goes down was reset, also where it then comes back as if it jumped.
func TestResetIsNoJump(t *testing.T) {
	for name, low := range map[string]func(ms float64) bool{
		"for good":        func(ms float64) bool { return ms >= 2000 },
		"for one reading": func(ms float64) bool { return ms == 2005 },
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(Counter, 700)
			for ms := 0.0; ms <= 4000; ms += 5 {
				j := 5e6 + steady(350)(100*math.Floor(ms/100))
				if low(ms) {
					j -= 5e6
				}
				c.add(joules(ms, j))
			}
			m := measureCurves([]*curve{c}, window(1050, 3550))
			assert.False(t, m.Valid)
			assert.True(t, m.Has(CounterReset), "%v", m.Reasons)
			assert.False(t, m.Has(CounterJump), "%v", m.Reasons)
		})
	}
}

func TestGaugesThatCannotBe(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, watts float64
		valid        bool
	}{
		"its limit":               {700, 700, true},
		"a quarter above it":      {700, 875, true},
		"more, for two seconds":   {700, 920, false},
		"far more":                {700, 2000, false},
		"1000 W, no limit":        {0, 1000, true},
		"a decimal comma misread": {0, 490500, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(Gauge, tt.limit)
			for ms := 0.0; ms <= 3000; ms += 100 {
				c.add(watts(ms, tt.watts))
			}
			m := measureCurves([]*curve{c}, window(500, 2500))
			assert.Equal(t, tt.valid, m.Valid, "%v", m.Reasons)
			assert.Equal(t, !tt.valid, m.Has(InvalidPowerSample), "%v", m.Reasons)
		})
	}
}

// One reading that cannot be is enough.
func TestOneReadingThatCannotBe(t *testing.T) {
	c := limited(Gauge, 700)
	for ms := 0.0; ms <= 3000; ms += 100 {
		w := 300.0
		if ms == 1500 {
			w = 1051
		}
		c.add(watts(ms, w))
	}
	m := measureCurves([]*curve{c}, window(500, 2500))
	assert.False(t, m.Valid)
	require.True(t, m.Has(InvalidPowerSample), "%v", m.Reasons)
	assert.Contains(t, m.Reasons[0].Detail, "1051 W")
	m = measureCurves([]*curve{c}, window(1700, 2500))
	assert.True(t, m.Valid, "%v", m.Reasons)
}

// A total with one device whose counter jumped is partial; the others keep theirs.
func TestTotalWithAJump(t *testing.T) {
	good, bad := limited(Counter, 700), limited(Counter, 700)
	bad.device.UUID = "GPU-2"
	follow(good, steady(350))
	follow(bad, jumping(350, 1e6, 2000))
	m := measureCurves([]*curve{good, bad}, window(1050, 3550))
	assert.False(t, m.Valid)
	assert.Zero(t, m.Energy)
	assert.True(t, m.Devices[0].Valid)
	assert.True(t, m.Has(PartialCohort))
	require.True(t, m.Devices[1].Has(CounterJump))
	assert.Equal(t, "GPU-2", m.Devices[1].Reasons[0].Device)
}

// FuzzPlausible: whatever is read, no number is above what the device can draw.
func FuzzPlausible(f *testing.F) {
	f.Add([]byte{100, 0, 35, 0, 100, 0, 35, 0, 100, 0, 0, 255, 100, 0, 35, 0})
	f.Add([]byte{10, 0, 80, 0, 10, 0, 80, 0, 10, 0, 80, 0, 10, 0, 80, 0, 10, 0, 80, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 700
		c, g := limited(Counter, limit), limited(Gauge, limit)
		ms, j := 0.0, 0.0
		for ; len(data) >= 4; data = data[4:] {
			dt, dj := binary.LittleEndian.Uint16(data), binary.LittleEndian.Uint16(data[2:])
			ms, j = ms+float64(dt%500), j+float64(dj)
			c.add(joules(ms, j))
			g.add(watts(ms, float64(dj)))
		}
		for _, w := range [][]Span{window(0, ms), window(ms/4, ms/2), append(window(ms/8, ms/4), window(ms/2, ms*0.9)...)} {
			for _, d := range measureCurves([]*curve{c, g}, w).Devices {
				length := time.Duration(0)
				for _, s := range w {
					length += s.End.Sub(s.Start)
				}
				assert.LessOrEqual(t, d.Watts, d.Device.MostWatts(length), "%+v", d)
				assert.LessOrEqual(t, d.BeforeWatts, d.Device.MostWatts(time.Second), "%+v", d)
				assert.LessOrEqual(t, d.Idle.Watts, d.Device.MostWatts(math.MaxInt64), "%+v", d)
				if d.Check != nil {
					assert.LessOrEqual(t, max(d.Check.Counter.Watts, d.Check.Gauge.Watts), 1.5*limit)
				}
			}
		}
	})
}

// beside fills a counter curve with reads every 5 ms for so many seconds, of a device
// of a steady power whose gauge shows another.
func beside(c *curve, secs, counter, gauge float64) {
	for ms := 0.0; ms <= 1000*secs; ms += 5 {
		r := joules(ms, steady(counter)(100*math.Floor(ms/100)))
		r.Watts, r.HasWatts = gauge, true
		c.add(r)
	}
}

func TestCounterAgainstGauge(t *testing.T) {
	const marked, withheld = "marked", "withheld"
	for name, tt := range map[string]struct {
		secs, limit, counter, gauge float64
		want                        string
	}{
		"the same":                        {1, 700, 350, 350, ""},
		"a gain":                          {20, 700, 350, 350 * 1.11, ""},
		"another gain":                    {20, 700, 350, 350 * 0.9, ""},
		"an offset":                       {20, 700, 50, 28, ""},
		"a fifth more":                    {20, 700, 350, 350 * 1.2, marked},
		"a fifth less":                    {20, 700, 350, 350 * 0.82, marked},
		"a third more":                    {20, 700, 350, 350 * 1.35, withheld},
		"half":                            {5, 700, 350, 175, withheld},
		"twice, in a second":              {1, 700, 350, 700, withheld},
		"joules for mJ, in a second":      {1, 700, 0.35, 350, withheld},
		"joules for mJ, no limit":         {1, 0, 0.35, 350, withheld},
		"joules for mJ":                   {20, 0, 0.35, 350, withheld},
		"mJ for joules":                   {20, 0, 350e3, 350, withheld},
		"a gauge that cannot be true":     {20, 700, 350, 1000, ""},
		"a gauge that no device can have": {20, 0, 350, 30e3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := limited(Counter, tt.limit)
			beside(c, tt.secs+2, tt.counter, tt.gauge)
			m := measureCurves([]*curve{c}, window(1030, 1030+1000*tt.secs))
			assert.Equal(t, tt.want != withheld, m.Valid, "%v", m.Reasons)
			if tt.counter > 20e3 {
				assert.True(t, m.Has(CounterJump), "%v", m.Reasons)
				return
			}
			assert.Equal(t, tt.want != "", m.Has(CounterDisagrees), "%v", m.Reasons)
			assert.Equal(t, tt.want == withheld, slices.ContainsFunc(m.Reasons, Finding.Withholds), "%v", m.Reasons)
			if d := m.Devices[0]; tt.gauge < 1000 {
				require.NotNil(t, d.Check)
				assert.InEpsilon(t, tt.counter, d.Check.Counter.Watts, 0.02)
				assert.InEpsilon(t, tt.gauge, d.Check.Gauge.Watts, 1e-6)
				assert.InEpsilon(t, tt.gauge*tt.secs, d.GaugeJoules, 1e-6)
			}
			if tt.counter < 1 {
				require.NotEmpty(t, m.Reasons)
				assert.Contains(t, m.Reasons[0].Detail, "joules under a name of millijoules")
			}
		})
	}
}

// A power gauge that is a mean over a second says little of a second's load, and is no
// reason to withhold what the counter says of it.
func TestSlowGaugeBesideAShortWindow(t *testing.T) {
	c := limited(Counter, 700)
	power := func(ms float64) float64 {
		if ms >= 2000 && ms < 3000 {
			return 600
		}
		return 60
	}
	sum := make([]float64, 6001) // joules up to each ms
	for ms := 1; ms <= 6000; ms++ {
		sum[ms] = sum[ms-1] + power(float64(ms-1))/1000
	}
	for ms := 1000; ms <= 6000; ms += 5 {
		tick := ms / 100 * 100
		r := joules(float64(ms), sum[tick])
		r.Watts, r.HasWatts = sum[tick]-sum[tick-1000], true
		c.add(r)
	}
	m := measureCurves([]*curve{c}, window(2000, 3000))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 600, m.Watts, 0.01)
	assert.InDelta(t, 330, m.Devices[0].Check.Gauge.Watts, 30, "far from it")
	assert.Less(t, m.Devices[0].Check.Gauge.High, 2000.0)
	assert.Empty(t, m.Reasons)
	assert.Equal(t, time.Second, m.Duration)
}
