package energytest

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkMonotone(c *check) {
	const reads = 30
	pause := c.longestPeriod() / 10
	if c.static {
		pause = 0
	}
	r, last := c.all(), c.all()
	for range reads {
		c.src.Read(r)
		for i := range r {
			if !r[i].HasJoules {
				continue
			}
			if last[i].HasJoules && r[i].Joules < last[i].Joules {
				c.errorf("device %d: the counter went down from %v J to %v J", i, last[i].Joules, r[i].Joules)
			}
			last[i] = r[i]
		}
		time.Sleep(pause)
	}
}

func checkTicks(c *check) {
	if c.static {
		return
	}
	for i, d := range c.src.Devices() {
		if d.Method == energy.Counter {
			c.checkTick(i, c.src.Info().PeriodOf(d))
		}
	}
}

// checkTick waits for the counter of device i to change.
func (c *check) checkTick(i int, period time.Duration) {
	r := []energy.Reading{{Device: i}}
	c.src.Read(r)
	first, start := r[0], time.Now()
	limit := 10*period + c.maxWait
	for time.Since(start) <= limit {
		time.Sleep(period / 4)
		c.src.Read(r)
		switch {
		case r[0].Err != nil || !r[0].HasJoules:
			return // the case "presence" says what is wrong with that
		case r[0].Joules != first.Joules:
			return
		case !time.Now().After(start):
			return // a clock that stands still shows no ticks
		}
	}
	c.errorf("device %d: the counter stood at %v J for %v; its refresh period is said to be %v",
		i, first.Joules, limit, period)
}
