package energy

import (
	"slices"
	"sort"
)

// thin drops every other tick but the oldest and newest quarter: the start of a
// window, and what is recent, keep their detail.
func thin(s []tick) []tick {
	keep := len(s) / 4
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
		if last.reason == r && from-last.to <= int64(3*c.pace.Nominal()) {
			last.to = max(last.to, to)
			return
		}
	}
	if len(c.events) == maxEvents {
		// Nothing is forgotten: the oldest two become one, which spoils the time
		// between them, too.
		a, b := c.events[0], c.events[1]
		b.from, b.to = min(a.from, b.from), max(a.to, b.to)
		if a.reason == DeviceLost {
			b.reason, b.detail = a.reason, a.detail
		}
		c.events = slices.Delete(c.events, 0, 1)
		c.events[0] = b
	}
	c.events = append(c.events, event{from: from, to: to, reason: r, detail: detail})
}

// nearby is how many ticks and points before a window tell of the power before
// it, and of how the counter ticks.
const nearby = 64

// clone returns a copy that can be measured while the curve grows, of what is
// known since shortly before from.
func (c *Curve) clone(from int64) *Curve {
	d := *c
	first := sort.Search(len(c.ticks), func(i int) bool { return c.ticks[i].hi >= from })
	d.ticks = slices.Clone(c.ticks[max(first-nearby, 0):])
	d.events = slices.Clone(c.events)
	first = c.power.before(from - int64(c.device.Lag))
	d.power.points = slices.Clone(c.power.points[max(first-nearby, 0):])
	return &d
}

// forget drops what is older than t, but for the newest keep ticks and points
// before it, once that is most of it: whoever forgets often copies little.
func (c *Curve) forget(t int64, keep int) {
	i := sort.Search(len(c.ticks), func(i int) bool { return c.ticks[i].hi >= t }) - keep
	if i > len(c.ticks)/2 {
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
