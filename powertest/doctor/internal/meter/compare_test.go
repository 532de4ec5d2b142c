package meter

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A plan is power over time, in steps: what the device draws.
type plan []struct{ seconds, watts float64 }

func (p plan) length() (sum float64) {
	for _, x := range p {
		sum += x.seconds
	}
	return sum
}

func (p plan) at(t float64) float64 {
	for _, x := range p {
		if t -= x.seconds; t < 0 {
			return x.watts
		}
	}
	return p[len(p)-1].watts
}

// show is what an instrument shows of a plan: the mean over the last seconds each time it
// refreshes, as gain × watts + offset, with noise, by a clock of its own.
type show struct{ every, over, gain, offset, noise, clock float64 }

func (p plan) shown(s show, from, to float64) (list Series) {
	r := rand.New(rand.NewPCG(1, 2))
	for t := from; t < to; t += s.every {
		sum := 0.0
		const parts = 20
		for k := range parts {
			sum += p.at(t-s.over*(float64(k)+0.5)/parts) / parts
		}
		list = append(list, Segment{t + s.clock, t + s.every + s.clock, s.gain*sum + s.offset + s.noise*r.NormFloat64()})
	}
	return list
}

var threeLevels = plan{{6, 100}, {8, 650}, {5, 100}, {4, 380}, {7, 100}}

var good = show{every: 0.001, over: 0.001, gain: 1}

// TestCompare: gain, offset and shift are found for all kinds of sensors, whatever the clocks.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		meter, device show
		late          float64 // of the readings
	}{
		"instant":         {good, show{every: 0.1, over: 0.1, gain: 0.95, offset: -1, noise: 1}, 0.1},
		"offset":          {good, show{every: 0.1, over: 0.1, gain: 1.05, offset: -22, noise: 1}, 0.1},
		"part-time":       {good, show{every: 0.104, over: 0.025, gain: 0.957, offset: -2, noise: 2}, 0.06},
		"1 s mean":        {good, show{every: 0.1, over: 1, gain: 0.95, noise: 1}, 0.55},
		"another zone":    {show{every: 0.01, over: 0.01, gain: 1, noise: 2, clock: 3600}, show{every: 0.1, over: 0.1, gain: 0.95, noise: 1}, 0.1},
		"elapsed seconds": {show{every: 0.05, over: 0.05, gain: 1, clock: -1.7e9}, show{every: 0.02, over: 0.01, gain: 0.95}, 0},
		"slow meter":      {show{every: 0.5, over: 0.5, gain: 1}, show{every: 0.1, over: 0.1, gain: 0.95, noise: 1}, -0.2},
		"a second each":   {show{every: 1, over: 1, gain: 1}, show{every: 1, over: 1, gain: 0.95, noise: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := threeLevels
			if c.meter.every == 1 {
				p = plan{{12, 100}, {16, 650}, {10, 100}, {9, 380}, {14, 100}}
			}
			got, err := Compare(p.shown(c.meter, 0, p.length()), p.shown(c.device, 1, p.length()-0.5))
			require.NoError(t, err)
			assert.Len(t, got.Levels, 3)
			assert.InDelta(t, c.device.gain, got.Gain, 2*got.GainSD+1e-3)
			assert.InDelta(t, c.device.offset, got.Offset, 2*got.OffsetSD+0.2)
			assert.Less(t, got.GainSD, 0.01)
			assert.Less(t, math.Abs(got.Correlation), 1.0)
			assert.InDelta(t, c.meter.clock-c.late, got.Ahead.Seconds(), 0.06+c.meter.every/2)
			for _, watts := range []float64{100, 380, 650} {
				x, sd := got.Watts(c.device.gain*watts + c.device.offset)
				assert.InDelta(t, watts, x, 2*sd)
				assert.Less(t, sd, 0.02*watts+2)
			}
		})
	}
}

// TestCompareFails where there is nothing to find a gain by, and says what to do.
func TestCompareFails(t *testing.T) {
	device := show{every: 0.1, over: 0.1, gain: 0.95, noise: 1}
	compare := func(p plan, d Series) error {
		_, err := Compare(p.shown(show{every: 0.01, over: 0.01, gain: 1, noise: 1}, 0, p.length()), d)
		return err
	}
	one := plan{{20, 440}}
	err := compare(one, one.shown(device, 0, 20))
	require.ErrorIs(t, err, ErrLevels)
	assert.ErrorContains(t, err, "there is one, of 440.")

	near := plan{{10, 440}, {10, 460}}
	require.ErrorIs(t, compare(near, near.shown(device, 0, 20)), ErrLevels)

	var steps plan
	for i := range 100 {
		steps = append(steps, struct{ seconds, watts float64 }{0.2, 100 + 400*float64(i%7)/7})
	}
	err = compare(steps, steps.shown(device, 0, 20))
	require.ErrorIs(t, err, ErrLevels)
	assert.ErrorContains(t, err, "there is none")

	err = compare(threeLevels, plan{{3, 300}, {2, 50}, {9, 60}, {3, 300}, {8, 50}, {5, 300}}.shown(device, 0, 30))
	require.ErrorIs(t, err, ErrUnlike)

	var again plan
	for range 6 {
		again = append(again, plan{{5, 100}, {5, 500}}...)
	}
	err = compare(again, again.shown(show{every: 0.1, over: 0.1, gain: 0.95, clock: 1000}, 0, 55))
	require.ErrorIs(t, err, ErrAmbiguous)
	require.NoError(t, compare(again, again.shown(device, 0, 55)), "both clocks tell the time of day")
	require.ErrorIs(t, compare(again, nil), ErrUnlike)
}

// TestRippleIsNoLevel: a load of fast steps has a steady mean, of which a sensor that samples
// a part of the time sees anything.
func TestRippleIsNoLevel(t *testing.T) {
	p := plan{{5, 100}}
	for range 60 {
		p = append(p, plan{{0.052, 500}, {0.052, 100}}...)
	}
	p = append(p, plan{{5, 100}}...)
	_, err := Compare(p.shown(good, 0, p.length()), p.shown(show{every: 0.104, over: 0.025, gain: 1}, 0, p.length()))
	require.ErrorIs(t, err, ErrLevels)
}

// TestLongFiles: an hour takes about as long as ten minutes.
func TestLongFiles(t *testing.T) {
	long := plan{{600, 100}, {1000, 650}, {200, 100}, {1700, 400}, {100, 100}}
	got, err := Compare(long.shown(show{every: 0.05, over: 0.05, gain: 1}, 0, 3600), long.shown(show{every: 0.1, over: 0.1, gain: 0.95}, 0, 3500))
	require.NoError(t, err)
	assert.InDelta(t, 0.95, got.Gain, 0.001)
}

// TestShortIdle: a second of idle before the load is enough, also where readings are the mean
// over a second, which changes as soon as the load begins and is late by half of it.
func TestShortIdle(t *testing.T) {
	p := plan{{1.1, 100}, {6, 500}}
	got, err := Compare(p.shown(good, 0, 7), p.shown(show{every: 0.1, over: 1, gain: 0.95}, 0, 7))
	require.NoError(t, err)
	assert.InDelta(t, 0.95, got.Gain, 0.003)
	assert.InDelta(t, 100, got.Levels[0].Meter, 1)
}

// TestErrorOfALine: at a level that was compared, the power is known as well as the level is,
// and as devices are straight; between two levels better, and beyond them worse.
func TestErrorOfALine(t *testing.T) {
	s := line([]Level{{100, 93, 5}, {500, 473, 5}})
	assert.InDelta(t, 0.95, s.Gain, 1e-9)
	assert.InDelta(t, -2, s.Offset, 1e-9)
	at := func(reported float64) float64 {
		_, sd := s.Watts(reported)
		return sd
	}
	level := math.Hypot(s.Floor/s.Gain, s.Floor)
	assert.InEpsilon(t, level, at(93), 1e-6)
	assert.InEpsilon(t, level, at(473), 1e-6)
	assert.Less(t, at(283), 0.9*level)
	assert.Greater(t, at(853), 1.3*level)
	more := line([]Level{{100, 93, 5}, {300, 303, 5}, {500, 473, 5}})
	assert.Greater(t, more.Floor, 4*s.Floor, "they are not on a line")
}
