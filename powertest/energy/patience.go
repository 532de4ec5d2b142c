package energy

import (
	"fmt"
	"time"
)

// patience is how long a device that does not answer, or whose counter stands still, is
// waited for beyond its refresh period: an exporter reloads within this time.
const patience = 5 * time.Second

// dead returns why the device is not worth waiting for; nil if it is. It was read since a
// time, in vain, and had been before for longer than it can be expected to take. It is
// remembered as dead until it answers, or ticks, again.
func (c *curve) dead(since int64) error {
	usual := int64(0) // a gauge need not change
	if c.device.Method == Counter {
		usual = int64(c.pace.Period()) // as last seen, also if it is hunted for again
	}
	if f := c.failure; f.err != nil {
		if f.last >= since && f.last-f.since > usual+int64(patience) {
			return fmt.Errorf("no answer for %v: %w", time.Duration(f.last-f.since).Round(time.Second), f.err)
		}
		return nil
	}
	if c.device.Method != Counter || len(c.ticks) == 0 || c.last.lo < since {
		return nil
	}
	// One tick may have been missed.
	if still := c.last.hi - c.ticks[len(c.ticks)-1].Hi; still > 2*usual+int64(patience) {
		return fmt.Errorf("the counter has not changed for %v", time.Duration(still).Round(time.Second))
	}
	return nil
}
