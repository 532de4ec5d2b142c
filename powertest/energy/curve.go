package energy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Curve is the cumulative energy of one device over time, as far as its
// readings pin it down. For a counter it holds the ticks: between two of them
// the true energy is unknown, but it is monotone, so it lies between their
// values. For a gauge it holds the readings of power.
//
// A Curve is bounded: old ticks away from the edges of interest are thinned
// out, which loses no energy, only detail. It is not safe for concurrent use.
type Curve struct {
	device Device
	base   time.Time
	pace   pace.Pace

	last   point // the newest good reading
	ticks  []tick
	power  power // of gauges, and of counters that also tell power
	events []event
	epoch  int32 // counts the resets
	lost   bool
	// limit is how many ticks, and how many points, are kept.
	limit int
	// recorded says that the readings were made by someone else.
	recorded bool
	// coarse says that the measurement had edges near which ticks were passed over.
	coarse bool
	// brief says that it is one of so many that it must be measured quickly.
	brief bool
	// average is the mean of the power gauge over a stretch of time, if that is
	// known beside the readings.
	average struct {
		from, to int64
		watts    float64
	}
	// failing is what the newest readings failed with, all since failed.
	failing error
	failed  int64
}

// tick is the moment at which the counter's visible value became joules: after
// lo and not after hi.
type tick struct {
	lo, hi   int64 // ns since the curve's base
	joules   float64
	epoch    int32
	inferred bool // not seen to change: the value that was found
}

func (t tick) mid() float64 { return float64(t.lo)/2 + float64(t.hi)/2 }

// point is a reading: a value taken between lo and hi.
type point struct {
	lo, hi int64
	value  float64
	ok     bool
}

func (p point) mid() int64 { return p.lo + (p.hi-p.lo)/2 }

// event is something that spoils the measurement of the time between from and
// to.
type event struct {
	from, to int64
	reason   Reason
	detail   string
}

// staleAfter is how many refresh periods a working counter never stays still:
// even an idle device uses far more than its counter resolves.
const staleAfter = 10

const (
	maxTicks  = 1 << 16 // of a curve
	minTicks  = 1 << 12
	allTicks  = 1 << 17 // of a recorder: 10 MB, with as many points of power
	reserved  = 8192
	maxEvents = 64
)

// NewCurve returns an empty curve of the device. base is any time near the
// first reading. period is the nominal refresh period.
func NewCurve(d Device, base time.Time, period time.Duration) *Curve {
	if period <= 0 {
		period = defaultPeriod
	}
	c := &Curve{
		device: d,
		base:   base,
		pace:   pace.New(pace.Config{Nominal: period}),
		limit:  maxTicks,
	}
	c.power = power{held: d.Held, period: int64(c.pace.Nominal()), limit: maxTicks}
	return c
}

// reserve makes room for readings of some ten minutes, so that adding them does
// not allocate. Of a curve among many it bounds the memory: to less detail of the
// past, and not to less of it.
func (c *Curve) reserve(among int) {
	c.limit = min(max(allTicks/among, minTicks), maxTicks)
	c.power.limit = c.limit
	room := min(reserved, c.limit)
	c.ticks = slices.Grow(c.ticks, room)
	c.events = slices.Grow(c.events, maxEvents)
	c.power.points = slices.Grow(c.power.points, room)
}

func (c *Curve) at(t time.Time) int64 { return int64(t.Sub(c.base)) }

// Add takes in a reading and reports whether it showed something new: a tick
// of the counter, or a value of the gauge. Readings come in order of time; one
// that does not is noted as invalid, and left out.
func (c *Curve) Add(r Reading) bool {
	p := point{lo: c.at(r.Before), hi: c.at(r.After)}
	c.pace.Called(p.lo)
	if r.Err != nil {
		c.addError(p, r.Err)
		return false
	}
	if p.hi < p.lo || c.last.ok && p.hi < c.last.hi {
		c.invalid(p, "a reading is out of order")
		return false
	}
	c.failing = nil
	if r.HasWatts {
		c.addWatts(p, r.Watts)
	}
	switch {
	case c.device.Method == Gauge && r.HasWatts:
		return true // also if it shows the same power still
	case c.device.Method == Counter && r.HasJoules:
		return c.addJoules(p, r.Joules)
	}
	c.pace.Failed(p.hi)
	return false
}

func (c *Curve) addError(p point, err error) {
	if c.failing == nil {
		c.failed = p.lo
	}
	c.failing = err
	switch {
	case errors.Is(err, ErrDeviceLost):
		if !c.lost {
			c.note(p.lo, math.MaxInt64, DeviceLost, err.Error())
		}
		c.lost = true
	case errors.Is(err, ErrStalled):
		c.note(p.lo, p.hi, SourceStalled, err.Error())
	}
	// Any other error costs one reading: if it matters, the ticks will not
	// bracket the window.
	c.pace.Failed(p.hi)
}

func (c *Curve) addWatts(p point, watts float64) {
	gauge := c.device.Method == Gauge
	if !(watts >= 0) || math.IsInf(watts, 0) {
		if gauge {
			c.invalid(p, fmt.Sprintf("a power reading is %v W", watts))
		}
		// A cross-check that fails does not spoil the counter.
		return
	}
	if c.recorded {
		c.power.late = max(c.power.late, (p.hi-p.lo)/2)
	}
	c.power.add(p.mid()-int64(c.device.Lag), watts)
	if gauge {
		c.pace.Sample(p.hi, c.last.ok && watts != c.last.value)
		p.value, p.ok = watts, true
		c.last = p
		c.power.period = int64(min(c.pace.Nominal(), c.pace.Period()))
	}
}

func (c *Curve) addJoules(p point, joules float64) bool {
	if !(joules >= 0) || math.IsInf(joules, 0) {
		c.invalid(p, fmt.Sprintf("an energy reading is %v J", joules))
		return false
	}
	p.value, p.ok = joules, true
	prev := c.last
	c.last = p
	switch {
	case !prev.ok:
		c.push(tick{lo: c.freshest(p, p.lo-int64(c.pace.Nominal())), hi: p.hi, joules: joules, epoch: c.epoch, inferred: true})
		c.pace.Unchanged(p.hi)
		return false
	case joules == prev.value:
		c.pace.Unchanged(p.hi)
		return false
	case joules < prev.value:
		c.epoch++
		c.note(prev.lo, p.hi, CounterReset, fmt.Sprintf("the counter went down from %.3f J to %.3f J", prev.value, joules))
		c.push(tick{lo: prev.lo, hi: p.hi, joules: joules, epoch: c.epoch, inferred: true})
		c.pace.Unchanged(p.hi)
		return false
	}
	if still := prev.lo - c.ticks[len(c.ticks)-1].hi; c.pace.Phase() != pace.Hunting && float64(still) > staleAfter*c.pace.Period() {
		c.note(prev.lo-still, prev.lo, CounterStale, fmt.Sprintf("the counter did not change for %v", time.Duration(still).Round(time.Millisecond)))
	}
	c.push(tick{lo: c.freshest(p, prev.lo), hi: p.hi, joules: joules, epoch: c.epoch})
	c.pace.Ticked(prev.mid(), p.mid(), p.hi)
	if c.pace.Phase() != pace.Hunting {
		c.power.period = int64(c.pace.Period()) // both are refreshed at once
	}
	return true
}

// freshest returns from when on the value that was read at p may have been
// visible: lo, or later if the source says so.
func (c *Curve) freshest(p point, lo int64) int64 {
	if f := int64(c.device.Fresh); f > 0 {
		return max(lo, p.lo-f)
	}
	return lo
}

// invalid notes a reading that cannot be right. It is left out.
func (c *Curve) invalid(p point, detail string) {
	c.note(min(p.lo, p.hi), max(p.hi, c.last.hi), InvalidPowerSample, detail)
	c.pace.Failed(max(p.hi, c.last.hi))
}

func (c *Curve) push(t tick) {
	if len(c.ticks) >= c.limit {
		c.ticks = thin(c.ticks)
	}
	c.ticks = append(c.ticks, t)
}

// firstAfter returns the index of the first tick after t; the number of ticks if
// there is none.
func (c *Curve) firstAfter(t int64) int {
	return sort.Search(len(c.ticks), func(i int) bool { return int64(c.ticks[i].mid()) > t })
}

// Band returns the energies between which the counter's true energy lies at t,
// in joules since the device's counter began. ok is false where no two ticks
// enclose t, and for gauges.
func (c *Curve) Band(t time.Time) (low, high float64, ok bool) {
	x := c.at(t)
	for i := 1; i < len(c.ticks); i++ {
		a, b := c.ticks[i-1], c.ticks[i]
		if a.lo <= x && x <= b.hi && a.epoch == b.epoch {
			if !ok {
				low = a.joules
			}
			high, ok = b.joules, true
		}
	}
	return low, high, ok
}

// Period returns the refresh period that was seen, or 0 if none was yet.
func (c *Curve) Period() time.Duration {
	if c.pace.Phase() == pace.Hunting {
		return 0
	}
	return time.Duration(c.pace.Period())
}

// steady returns how many ticks in a row were seen up to now, at distances of
// a few periods, since shortly before the time from.
func (c *Curve) steady(from int64) int {
	n := 0
	from -= int64(3 * c.expected())
	for i := len(c.ticks) - 1; i >= 0; i-- {
		if t := c.ticks[i]; t.inferred || t.epoch != c.epoch || t.lo < from {
			break
		}
		n++
	}
	return n
}
