package doctor

import (
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExtrapolate: what is not known of a window is at its edges; of a gauge it is in
// every interval.
func TestExtrapolate(t *testing.T) {
	k := measuredErrors{lengths: []time.Duration{time.Second, 2 * time.Second}, percents: []float64{9, 4}}
	for _, c := range []struct {
		length time.Duration
		gauge  bool
		want   float64
	}{
		{time.Second, false, 9}, {2 * time.Second, true, 4}, {20 * time.Second, false, 0.4}, {50 * time.Second, true, 0.8},
	} {
		k.gauge = c.gauge
		got, ok := k.at(c.length)
		assert.True(t, ok)
		assert.InDelta(t, c.want, got, 1e-9)
	}
	_, ok := k.at(100 * time.Millisecond)
	assert.False(t, ok, "a shorter one may be withheld, and is not guessed at")
}

// TestRecommend: a length that is good by chance, while a longer one is not, is not
// recommended; and where nothing is good the reason says so.
func TestRecommend(t *testing.T) {
	none := &loadStep{}
	s := time.Second
	r := recommend(measuredErrors{lengths: []time.Duration{s / 5, s / 2, s, 2 * s, 5 * s}, percents: []float64{0.9, 3, 2, 0.8, 0.3}}, none)
	assert.Equal(t, ptr(2*s), r.Recommended)
	assert.Equal(t, ptr(0.8), r.ErrPercent)
	assert.False(t, r.Extrapolated)
	r = recommend(measuredErrors{lengths: []time.Duration{s}, percents: []float64{9}}, none)
	assert.Equal(t, ptr(10*s), r.Recommended)
	assert.True(t, r.Extrapolated)
	r = recommend(measuredErrors{lengths: []time.Duration{s}, percents: []float64{900}}, none)
	assert.Nil(t, r.Recommended)
	assert.Equal(t, "none up to 10m gives ±1 %: 10m has ±1.5 %", r.Reason)
	assert.NotEmpty(t, recommend(measuredErrors{}, none).Reason)
}

// TestUnknownPeak: a load of which nothing is known is taken to be the worst that
// there can be.
func TestUnknownPeak(t *testing.T) {
	for _, c := range []struct{ idle, limit, seen, want float64 }{
		{100, 700, 0, 700}, {100, 700, 450, 450}, {100, 0, 0, 1000}, {500, 0, 0, mostWatts}, {690, 700, 0, mostWatts}, {1900, 0, 0, 2280},
	} {
		d := &device{Device: energy.Device{Method: energy.Counter, PowerLimit: c.limit}}
		for k := range 4 {
			at := float64(k) * 1e9
			d.ticks = append(d.ticks, tick{lo: at, hi: at, value: c.idle * float64(k)})
		}
		l := newLoadStep(&observation{devices: []*device{d}}, []float64{c.seen})
		assert.InDelta(t, c.want, l.loads[0].peak, 1e-6)
	}
}

// TestLoadStep: the energy of a load that is made up is that of its power and time, for
// every kind of device, and a longer one is known better.
func TestLoadStep(t *testing.T) {
	const second = float64(time.Second)
	for name, d := range map[string]*device{
		"counter": {Device: energy.Device{Method: energy.Counter, Resolution: 0.001}, learnt: struct{ period, jitter float64 }{second, second / 100}},
		"scraped": {Device: energy.Device{Method: energy.Counter}, past: true},
		"gauge":   {Device: energy.Device{Method: energy.Gauge}},
		"log":     {Device: energy.Device{Method: energy.Gauge, Sensor: energy.Sensor{Kernels: []energy.Kernel{{Manner: energy.Boxcar, Shortest: time.Second, Longest: time.Second}}}}, past: true},
	} {
		t.Run(name, func(t *testing.T) {
			d.UUID, d.PowerLimit = "GPU-0", 700
			width := second / 50
			if d.past {
				width = 0
			}
			for k := range 20 {
				at := float64(k) * second
				value := 100.0
				if d.Method == energy.Counter {
					value = 100 * float64(k)
				}
				d.ticks = append(d.ticks, tick{lo: at - width/2, hi: at + width/2, value: value})
			}
			d.gauge = &struct{ from, until, watts float64 }{0, 19 * second, 100}
			l := newLoadStep(&observation{devices: []*device{d}, base: time.Now()}, nil)
			require.True(t, l.usable())
			m := l.measure(20*time.Second, 0.3)
			require.True(t, m.Valid, m.Reasons)
			assert.InEpsilon(t, 700*20, m.Energy.Joules, 0.03)
			assert.Less(t, m.Energy.Low, 14000.0)
			assert.Greater(t, m.Energy.High, 14000.0)
			short, ok := l.errAt(20 * time.Second)
			assert.True(t, ok)
			long, ok := l.errAt(2 * time.Minute)
			assert.True(t, ok)
			assert.Less(t, long, short)
		})
	}
}

// TestSharp: ticks that were seen much less well than most do not count as jitter, and
// hide no missing tick.
func TestSharp(t *testing.T) {
	d := &device{}
	for _, at := range []float64{0, 100, 200, 300, 500, 600, 700, 840, 900, 1000} {
		half := 1.0
		if at == 840 {
			half = 60 // it came at 800
		}
		d.ticks = append(d.ticks, tick{lo: at - half, hi: at + half})
	}
	assert.Equal(t, 100*time.Nanosecond, d.period())
	assert.Equal(t, 1, d.missed(d.period()))
	assert.Equal(t, ptr(time.Duration(0)), d.jitter(d.period()))
	assert.Equal(t, 4, d.first())
}
