package energy

import "slices"

// thin drops every other tick but the oldest and newest quarter: the start of a
// window, and what is recent, keep their detail.
func thin(s []tick) []tick {
	const keep = maxTicks / 4
	n := keep
	for i := keep; i < len(s)-keep; i += 2 {
		s[n] = s[i]
		n++
	}
	n += copy(s[n:], s[len(s)-keep:])
	return s[:n]
}

// note remembers an event. One that goes on is one event.
func (c *Curve) note(from, to int64, r Reason, detail string) {
	if n := len(c.events); n > 0 {
		last := &c.events[n-1]
		if last.reason == r && from-last.to <= int64(3*c.pace.nominal) {
			last.to = max(last.to, to)
			return
		}
	}
	if len(c.events) == maxEvents {
		// The loss of a device is for ever.
		c.events = slices.Delete(c.events, 1, 2)
	}
	c.events = append(c.events, event{from: from, to: to, reason: r, detail: detail})
}

// clone returns a copy that can be measured while the curve grows.
func (c *Curve) clone() *Curve {
	d := *c
	d.ticks, d.events = slices.Clone(c.ticks), slices.Clone(c.events)
	d.power.points = slices.Clone(c.power.points)
	return &d
}

// forget drops what is older than t, but for the newest keep ticks and points
// before it.
func (c *Curve) forget(t int64, keep int) {
	i := 0
	for i < len(c.ticks) && c.ticks[i].hi < t {
		i++
	}
	if i -= keep; i > 0 {
		c.ticks = append(c.ticks[:0], c.ticks[i:]...)
	}
	c.power.forget(t-int64(c.device.Lag), keep)
	n := 0
	for _, e := range c.events {
		if e.to >= t {
			c.events[n] = e
			n++
		}
	}
	c.events = c.events[:n]
}
