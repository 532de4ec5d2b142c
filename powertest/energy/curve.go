package energy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// curve is the cumulative energy of one device over time, as far as its
// readings pin it down. For a counter it holds the ticks: between two of them
// the true energy is unknown, but it is monotone, so it lies between their
// values. For a gauge it holds the readings of power.
//
// A curve is bounded: old ticks away from the edges of interest are thinned
// out, which loses no energy, only detail. It is not safe for concurrent use.
type curve struct {
	device Device
	base   time.Time // times in ns count from it
	pace   pace.Pace

	last    point // the newest good reading
	unseen  int64 // since when the newest tick may have come if it was not when it was due
	ticks   []estimate.Tick
	power   gauge.Series // of gauges, and of counters that report power, too
	doubts  []doubt      // of the readings of a gauge, in a history
	mean    gauge.Mean   // of the power gauge of a counter, where that is known beside
	events  events
	failure failure
	epoch   int32 // counts the resets
	lost    bool
	// limit is how many ticks, and how many samples of the power, are kept.
	limit int
	// recorded reports whether the readings were made at times of someone else's choosing.
	recorded bool
	lag      lag            // of the counter
	edges    estimate.Edges // that windows showed
	apart    []span         // that was cut off, in a recording
}

// point is a reading: a value taken between lo and hi.
type point struct {
	lo, hi int64
	value  float64
	ok     bool
}

func (p point) mid() int64 { return p.lo + (p.hi-p.lo)/2 }

// failure is what the newest readings failed with, all of them since a time, and when the
// last of them began; err is nil if the newest did not fail.
type failure struct {
	err         error
	since, last int64
}

// staleAfter is how many refresh periods a working counter never stays still:
// even an idle device uses far more than its counter resolves.
const staleAfter = 10

const (
	maxTicks = 1 << 16 // of a curve
	minTicks = 1 << 12
	allTicks = 1 << 17 // of a recorder: 10 MB, with as many samples of the power
	reserved = 8192
)

// newCurve returns an empty curve of the device. base is any time near the
// first reading. period is the nominal refresh period.
func newCurve(d Device, base time.Time, period time.Duration) *curve {
	if period <= 0 {
		period = defaultPeriod
	}
	return &curve{
		device: d,
		base:   base,
		pace:   pace.New(pace.Config{Nominal: period}),
		power:  gauge.Series{Sensor: sensorOf(d), Limit: maxTicks},
		limit:  maxTicks,
		lag:    knownLag(d),
	}
}

// reserve makes room for readings of some ten minutes, so that adding them does
// not allocate. Of a curve among many it bounds the memory: to less detail of the
// past, and not to less of it.
func (c *curve) reserve(among int) {
	c.limit = min(max(allTicks/among, minTicks), maxTicks)
	c.power.Limit = c.limit
	room := min(reserved, c.limit)
	c.ticks = slices.Grow(c.ticks, room)
	c.events = slices.Grow(c.events, maxEvents)
	c.power.Reserve(room)
}

func (c *curve) at(t time.Time) int64 { return int64(t.Sub(c.base)) }

// add takes in a reading and reports whether it showed something new: a tick
// of the counter, or a value of the gauge. Readings come in order of time; one
// that does not is noted as invalid, and left out.
func (c *curve) add(r Reading) bool {
	p := point{lo: c.at(r.Before), hi: c.at(r.After)}
	c.pace.Called(p.lo, p.hi)
	if r.Err != nil {
		c.addError(p, r.Err)
		return false
	}
	if p.hi < p.lo || c.last.ok && p.hi < c.last.hi {
		c.invalid(p, "a reading is out of order")
		return false
	}
	c.failure = failure{}
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

func (c *curve) addError(p point, err error) {
	if c.failure.err == nil {
		c.failure.since = p.lo
	}
	c.failure.err, c.failure.last = err, p.lo
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

func (c *curve) addWatts(p point, watts float64) {
	byGauge := c.device.Method == Gauge
	if !(watts >= 0) || math.IsInf(watts, 0) {
		if byGauge {
			c.invalid(p, fmt.Sprintf("a power reading is %v W", watts))
		}
		// A cross-check that fails does not concern the counter.
		return
	}
	if limit := c.device.PowerLimit; limit > 0 && watts > invalidShare*limit {
		if byGauge {
			c.invalid(p, fmt.Sprintf("a power reading is %.4g W, and the power limit is %.4g W", watts, limit))
		}
		return
	}
	if c.recorded {
		c.power.Sensor.Late = max(c.power.Sensor.Late, (p.hi-p.lo)/2)
	}
	c.power.Add(p.mid(), watts)
	if byGauge {
		c.pace.Sample(p.hi, c.last.ok && watts != c.last.value)
		p.value, p.ok = watts, true
		c.last = p
		if c.device.Sensor.Refresh == 0 && c.pace.Poll() > 0 {
			// What is far away refreshes more seldom than any sensor.
			c.power.Sensor.Refresh = int64(min(c.pace.Nominal(), c.pace.Period()))
		}
	}
}

func (c *curve) addJoules(p point, joules float64) bool {
	if !(joules >= 0) || math.IsInf(joules, 0) {
		c.invalid(p, fmt.Sprintf("an energy reading is %v J", joules))
		return false
	}
	p.value, p.ok = joules, true
	prev := c.last
	c.last = p
	tick := estimate.Tick{Lo: prev.lo, Hi: p.hi, Joules: joules, Epoch: c.epoch}
	switch {
	case !prev.ok:
		tick.Lo, tick.Inferred = c.freshest(p, p.lo-int64(c.pace.Nominal())), true
		c.push(tick)
		c.pace.Unchanged(p.hi)
		return false
	case joules == prev.value:
		c.pace.Unchanged(p.hi)
		return false
	case joules < prev.value:
		c.reset(prev, p)
		c.pace.Unchanged(p.hi)
		return false
	}
	if still := prev.lo - c.ticks[len(c.ticks)-1].Hi; c.pace.Phase() != pace.Hunting && float64(still) > staleAfter*c.pace.Period() {
		c.note(prev.lo-still, prev.lo, CounterStale, fmt.Sprintf("the counter did not change for %v", time.Duration(still).Round(time.Millisecond)))
	}
	// The tick of a reset was not presumed to be any.
	if newest := &c.ticks[len(c.ticks)-1]; !newest.Inferred && c.pace.Refutes(p.mid()) {
		newest.Lo = c.unseen
	}
	c.unseen = c.freshest(p, prev.lo)
	tick.Lo = c.freshest(p, c.pace.Since(prev.lo))
	c.push(tick)
	c.pace.Ticked(prev.mid(), p.mid(), p.hi)
	return true
}

// reset takes in that the counter went down from one reading to the next.
func (c *curve) reset(from, to point) {
	c.epoch++
	c.note(from.lo, to.hi, CounterReset, fmt.Sprintf("the counter went down from %.3f J to %.3f J", from.value, to.value))
	c.push(estimate.Tick{Lo: from.lo, Hi: to.hi, Joules: to.value, Epoch: c.epoch, Inferred: true})
}

// freshest returns from when on the value that was read at p may have been
// visible: lo, or later if the source says so.
func (c *curve) freshest(p point, lo int64) int64 {
	if f := int64(c.device.Fresh); f > 0 {
		return max(lo, p.lo-f)
	}
	return lo
}

// invalid notes a reading that cannot be right. It is left out.
func (c *curve) invalid(p point, detail string) {
	c.note(min(p.lo, p.hi), max(p.hi, c.last.hi), InvalidPowerSample, detail)
	c.pace.Failed(max(p.hi, c.last.hi))
}

func (c *curve) push(t estimate.Tick) {
	if len(c.ticks) >= c.limit {
		c.ticks = thin(c.ticks)
	}
	c.ticks = append(c.ticks, t)
}

// thin drops every other tick but the oldest and newest quarter: the start of a
// window, and what is recent, keep their detail.
func thin(s []estimate.Tick) []estimate.Tick {
	keep := len(s) / 4
	n := keep
	for i := keep; i < len(s)-keep; i += 2 {
		s[n] = s[i]
		n++
	}
	n += copy(s[n:], s[len(s)-keep:])
	return s[:n]
}

// firstSeen returns the index of the first tick that was seen at t or later.
func (c *curve) firstSeen(t int64) int {
	return sort.Search(len(c.ticks), func(i int) bool { return c.ticks[i].Hi >= t })
}

// note notes an event. One that goes on is one event.
func (c *curve) note(from, to int64, r Reason, detail string) {
	c.events = c.events.add(event{from: from, to: to, reason: r, detail: detail}, int64(3*c.pace.Nominal()))
}

// nearby is how many ticks and samples before a window show the power before
// it, and how the counter ticks.
const nearby = 64

// clone returns a copy that can be measured while the curve grows, of what is
// known since shortly before from.
func (c *curve) clone(from int64) *curve {
	d := *c
	d.ticks = slices.Clone(c.ticks[max(c.firstSeen(from)-nearby, 0):])
	d.events = slices.Clone(c.events)
	d.power = c.power.Since(from, nearby)
	return &d
}

// forget drops what is older than t, but for the newest keep ticks and samples
// before it, once that is most of it: so that the copying is amortised.
func (c *curve) forget(t int64, keep int) {
	if i := c.firstSeen(t) - keep; i > len(c.ticks)/2 {
		c.ticks = append(c.ticks[:0], c.ticks[i:]...)
	}
	c.power.Forget(t, keep)
	c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.to < t })
}

// learn settles how the readings came about, and takes the median time between ticks
// as the refresh period of recorded ones: the pace had no say in when they were made.
func (c *curve) learn() {
	if c.pace.Poll() > 0 && c.pace.Phase() == pace.Hunting {
		// It ticks about as often as it may be read: nobody aimed at the ticks,
		// and all may be late by the same.
		c.recorded = true
	}
	if !c.recorded || len(c.ticks) < 3 {
		return
	}
	between := make([]float64, 0, len(c.ticks))
	for i := 1; i < len(c.ticks); i++ {
		if a, b := c.ticks[i-1], c.ticks[i]; !a.Inferred && a.Epoch == b.Epoch {
			between = append(between, float64(b.Hi-a.Hi))
		}
	}
	if len(between) == 0 {
		return
	}
	slices.Sort(between)
	c.pace.Know(between[len(between)/2], c.pace.JitterVariance())
}

// period returns what is known of the refresh period.
func (c *curve) period() estimate.Period {
	p := &c.pace
	return estimate.Period{
		Nominal: p.Nominal(), Seen: p.Period(), Variance: p.PeriodVariance(), JitterVariance: p.JitterVariance(),
		Known: p.Phase() != pace.Hunting, Stride: p.Stride(),
	}
}

// learnt returns what the ticks themselves show of the refresh period. It takes longer than
// [curve.period], which is what the next read goes by.
func (c *curve) learnt() estimate.Period { return c.period().Learnt(c.ticks) }

// expected returns the refresh period as far as it is known, in ns.
func (c *curve) expected() float64 { return c.period().Expected() }

// awaited returns the time in which the next tick can be expected to be seen, in ns.
func (c *curve) awaited() float64 { return c.pace.Awaited(c.expected()) }

// steady returns how many ticks in a row were seen up to now, at distances of
// a few periods, since shortly before the time from.
func (c *curve) steady(from int64) int {
	n := 0
	from -= int64(3 * c.expected())
	for _, t := range slices.Backward(c.ticks) {
		if t.Inferred || t.Epoch != c.epoch || t.Lo < from {
			break
		}
		n++
	}
	return n
}

// reach returns until how long after a moment a gauge shows it, in ns.
func (c *curve) reach() int64 {
	if c.device.Method != Gauge {
		return 0
	}
	return c.power.Sensor.Reach()
}

// settled reports whether enough is known beyond the end of the window.
func (c *curve) settled(spans []span, end int64) bool {
	switch {
	case c.lost:
		return true
	case c.device.Method == Gauge:
		return c.power.Seen() >= end+c.reach()
	}
	start, late := spans[0].start, c.late()
	if !estimate.Settled(c.ticks, start+late, end+late) {
		return false
	}
	return estimate.Shows(c.ticks, end+late) || !c.beginsLate(start, end)
}

// beginsLate reports whether the power of a counter seems to rise late in a window.
func (c *curve) beginsLate(start, end int64) bool {
	whole := family{spans: []span{{start: start, end: end, on: end - start}}}
	return c.device.Method == Counter && estimate.BeginsLate(c.ticksAround(whole, c.period(), false))
}

// ticksAround returns what is known of a counter around the spans of a family, whose refresh
// period is p. fleet
// reports whether it is one of so many that it must be quick.
func (c *curve) ticksAround(f family, p estimate.Period, fleet bool) estimate.Input {
	in := estimate.Input{
		Ticks: c.ticks, Spans: toEstimate(f.spans), Others: toEstimate(f.others), Apart: toEstimate(slices.Concat(f.apart, c.apart)), Period: p,
		Resolution: c.device.Resolution, PowerLimit: c.device.PowerLimit, Behind: float64(c.device.Behind),
		Recorded: c.recorded, Far: c.pace.Poll() > 0, Brief: fleet, Edges: c.edges,
	}
	for _, m := range f.members {
		in.Members = append(in.Members, toEstimate(m))
	}
	return in
}
