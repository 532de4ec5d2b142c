package raplsource

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// counter continues a raw counter that comes round.
type counter struct {
	unit  float64 // joules of a step
	wraps bool    // it is of 32 bits, and else of 64
	most  float64 // watts, more than is ever drawn

	seen   bool
	raw    uint64
	before time.Time // when the newest reading began
	total  uint64    // steps
}

// round is how many steps a counter that wraps takes to come round.
const round = 1 << 32

// What no package and no memory draws, in watts: where the limit is not known. The largest
// packages of 2026 have a limit of 600 W.
const (
	mostPackage = 2000
	mostMemory  = 1000
)

// stepOf returns the unit of a counter in joules by its greatest value in µJ, which the
// kernel computes as (2^32-1) units: a wrap is of one unit more than that value.
func stepOf(maxMicrojoules uint64) float64 { return float64(maxMicrojoules) / (round - 1) / 1e6 }

// steps returns the raw value that the kernel shows as µJ, which it rounds down: a unit has
// several.
func (c *counter) steps(microjoules uint64) uint64 {
	return min(uint64(math.Round(float64(microjoules)/(c.unit*1e6))), round-1)
}

// within is how long the counter may go unread for its wraps to be counted, with room for a
// reading that is late; 0 is any time.
func (c *counter) within() time.Duration {
	if !c.wraps {
		return 0
	}
	return time.Duration(c.unit * round / (2 * c.most) * float64(time.Second))
}

// errLate says that nobody knows how often a counter has come round.
var errLate = fmt.Errorf("rapl: %w: the counter was read too late to know how often it has come round", energy.ErrStalled)

// add takes in a raw value that was read between two times, and returns the joules so far.
//
// What goes down has come round, or was reset, as by suspending the machine. It was reset if
// coming round takes more than can be drawn since the reading before: then the joules go
// down, too. The error is errLate if more than a whole round can have been drawn; it is of
// this reading, and the next has none.
func (c *counter) add(raw uint64, before, after time.Time) (joules float64, err error) {
	delta := raw - c.raw
	if c.wraps {
		delta %= round
	}
	canDraw := c.most * (after.Sub(c.before) + period).Seconds()
	switch {
	case !c.seen:
		c.total = raw
	case c.wraps && canDraw >= c.unit*round:
		c.total += delta
		err = errLate
	case raw < c.raw && (!c.wraps || float64(delta)*c.unit > canDraw):
		c.total = raw
	default:
		c.total += delta
	}
	c.seen, c.raw, c.before = true, raw, before
	return float64(c.total) * c.unit, err
}
