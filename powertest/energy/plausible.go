package energy

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

const (
	// limitShare is by how much of itself a device may draw more than its power limit on
	// average: boards hold it to within a few per cent, and their sensors have a gain.
	limitShare = 0.1
	// burstShare is by how much of it more, besides, for as long as settle, and for a refresh
	// period at least: a limit is kept by a control loop that needs some time. An H100 of
	// 700 W draws 780 to 816 W for the first 0.9 s of a load (docs/hardware.md).
	burstShare = 0.4
	settle     = time.Second
	// levelFactor is by how much one interval between ticks may exceed all levels of power
	// that last, where no limit is known, and levelWatts what any device may draw.
	levelFactor = 4
	levelWatts  = 2000
	// invalidShare is up to how much of its power limit a reading of a gauge can show.
	invalidShare = 1.5
	// greatest is more than one device draws, in watts: the largest GPU of 2026 draws 1.4 kW,
	// the largest server with eight of them 15 kW.
	greatest = 20_000
)

// MostWatts returns the most that the device can draw on average over a time, in watts: 1.1
// times its power limit, and 0.4 times more for the first second, which is 1.5 times over up
// to a second, 1.3 times over two and 1.14 times over ten. Where the limit is not known it is
// more than any device draws. A mean power above it is not published.
func (d Device) MostWatts(over time.Duration) float64 {
	if d.PowerLimit <= 0 {
		return greatest
	}
	if over <= 0 {
		return d.PowerLimit * (1 + limitShare + burstShare) // what it is as the time gets short
	}
	return d.mostJoules(over.Seconds(), settle.Seconds()) / over.Seconds()
}

// mostJoules returns the most that a device with a power limit can use in a time, of which
// a burst takes a part, both in seconds.
func (d Device) mostJoules(secs, burst float64) float64 {
	return d.PowerLimit * ((1+limitShare)*secs + burstShare*min(secs, burst))
}

// canDraw reports whether a mean power over a time is one that the device can have.
func (d Device) canDraw(watts float64, over time.Duration) bool { return watts <= d.MostWatts(over) }

// limit says in words what the device can draw.
func (d Device) limit() string {
	if d.PowerLimit > 0 {
		return fmt.Sprintf("the power limit is %.4g W", d.PowerLimit)
	}
	return fmt.Sprintf("no device draws more than %d kW", greatest/1000)
}

// judgeMean withholds a mean power over a window that the device cannot have.
func (d *DeviceMeasurement) judgeMean(over time.Duration) {
	switch watts, most := d.Watts, d.Device.MostWatts(over); {
	case watts <= most:
	case d.Device.Method == Gauge:
		d.withhold(InvalidPowerSample, "the readings say %.4g W over the window, and %s: the unit, or the limit, is not what it is taken for", watts, d.Device.limit())
	case d.Energy.Low*watts <= most*d.Energy.Joules:
		d.withhold(WindowTooShort, "%.4g W ± %.0f %% over the window reaches above what the device can draw (%s): measure for longer", watts, d.Energy.ErrPercent(), d.Device.limit())
	default:
		d.withhold(CounterJump, "the counter says %.4g W over the window, and %s: it has jumped, or its unit, or the limit, is not what it is taken for", watts, d.Device.limit())
	}
}

// splitAtJumps makes what follows an interval between ticks, in which the counter went up
// by more than the device can draw, an epoch of its own, as after a reset, and notes the
// event. One that comes back after a single reading that was too low is part of that reset.
func (c *curve) splitAtJumps() {
	level := math.NaN() // known when it is needed
	for i, jumps := 1, int32(0); i < len(c.ticks); i++ {
		a, b := c.ticks[i-1], &c.ticks[i]
		same := a.Epoch-jumps == b.Epoch
		b.Epoch += jumps
		if !same {
			continue
		}
		joules, secs := b.Joules-a.Joules, c.between(a, *b)
		if !c.tooMuch(joules, secs, &level) {
			continue
		}
		jumps++
		b.Epoch++
		c.epoch++
		if i > 1 && c.ticks[i-2].Epoch != a.Epoch && a.Joules < c.ticks[i-2].Joules && b.Joules >= c.ticks[i-2].Joules {
			c.note(a.Lo, b.Hi, CounterReset, fmt.Sprintf("the counter went down to %.3f J for one reading", a.Joules))
			continue
		}
		than := fmt.Sprintf("the power limit is %.4g W", c.device.PowerLimit)
		if c.device.PowerLimit <= 0 {
			than = fmt.Sprintf("it draws %.4g W at most otherwise", level)
		}
		c.note(a.Lo, b.Hi, CounterJump, fmt.Sprintf("the counter went up by %.4g J within %v, which is %.4g W or more, and %s",
			joules, time.Duration(secs*float64(time.Second)).Round(time.Millisecond), joules/secs, than))
	}
}

// between returns the longest time in which the energy between two ticks can have been
// used, in seconds, and at least a refresh period: what is used in less shows up at once.
func (c *curve) between(a, b estimate.Tick) float64 {
	period := c.expected()
	ns := float64(b.Hi-a.Lo) + float64(c.device.Behind)
	if a.Inferred {
		ns += period // its value is that of a tick before it was read
	}
	return max(ns, period) / float64(time.Second)
}

// tooMuch reports whether an energy between two ticks is more than the device can use in
// a time in seconds. level is the highest level of power, once it is known.
func (c *curve) tooMuch(joules, secs float64, level *float64) bool {
	joules -= c.device.Resolution
	if c.device.PowerLimit > 0 {
		return joules > c.device.mostJoules(secs, max(settle.Seconds(), c.expected()/float64(time.Second)))
	}
	if joules <= levelWatts*secs {
		return false
	}
	if math.IsNaN(*level) {
		*level = c.highestLevel()
	}
	return joules > levelFactor**level*secs
}

// highestLevel returns the highest power in watts that lasted for two intervals between
// ticks in a row; 0 if there are none.
func (c *curve) highestLevel() (level float64) {
	before := 0.0
	for i := 1; i < len(c.ticks); i++ {
		a, b := c.ticks[i-1], c.ticks[i]
		watts := 0.0
		if a.Epoch == b.Epoch {
			watts = (b.Joules - a.Joules) / c.between(a, b)
		}
		level = max(level, min(before, watts))
		before = watts
	}
	return level
}

// setBefore sets the power before the window, if it can be.
func (d *DeviceMeasurement) setBefore(watts float64, known bool) {
	if known && d.Device.canDraw(watts, settle) {
		d.BeforeWatts, d.HasBefore = watts, true
	}
}
