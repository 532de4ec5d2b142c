package energy

import "math"

// settled reports whether enough is known beyond the end of the window: three
// ticks, or two where they show that no tail decays there.
func (c *Curve) settled(spans []span, end int64) bool {
	if c.lost {
		return true
	}
	if c.device.Method == Gauge {
		return c.power.known() >= end
	}
	n := len(c.ticks) - c.firstAfter(end)
	return n >= edgeTicks || n == edgeTicks-1 && c.calm(spans[0].start)
}

// calm reports whether the power between the last two ticks, after the window,
// is that before the window or that inside it: the device is idle again, or its
// load goes on.
func (c *Curve) calm(start int64) bool {
	first := c.firstAfter(start)
	last := len(c.ticks) - edgeTicks // the last one inside
	if first < 2 || last <= first {
		return false
	}
	before, inside := c.mean(first-2, first-1), c.mean(first, last)
	now := c.mean(len(c.ticks)-2, len(c.ticks)-1)
	const alike = 0.1
	return math.Abs(now-before) <= alike*math.Abs(inside-before) || math.Abs(now-inside) <= alike*inside
}

// mean returns the mean power between two ticks, in W.
func (c *Curve) mean(i, j int) float64 {
	a, b := c.ticks[i], c.ticks[j]
	return (b.joules - a.joules) / (b.mid() - a.mid()) * second
}
