package energy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// PowerEstimate is a mean power in watts and the interval in which the true one lies, as
// for [Estimate].
type PowerEstimate struct {
	Watts float64 `json:"watts"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// halfWidth returns half the width of the interval, in watts.
func (p PowerEstimate) halfWidth() float64 { return (p.High - p.Low) / 2 }

const (
	// idleTicks is how many intervals between ticks must agree for the power to have
	// settled, and leastIdle how many show a power at all.
	idleTicks = 5
	leastIdle = 2
	// The wait for idle power is bounded by this many refresh periods, and idleWait.
	idlePeriods = 10
	idleWait    = 2 * time.Second
	// idleShare is by how much of itself idle power wanders within seconds, as a standard
	// deviation: that of real boards does, since one that is warmer leaks more.
	idleShare = 0.01
	// idlePrecision is how well idle power is to be known, as half-width by power, as long
	// as there is time.
	idlePrecision = 0.035
	// maxIdleNames bounds the names that a recorder remembers the idle power of.
	maxIdleNames = 1024
)

// ErrNotIdle says that the power did not settle before a window, or that other windows
// were open.
var ErrNotIdle = errors.New("the devices are not idle")

// idling is what a window knows of the power before it.
type idling struct {
	asked   bool
	name    string
	devices []idlePower // of each device; nil if it is not known
}

// idlePower is the idle power of a device; the zero value knows none.
type idlePower struct {
	PowerEstimate
	known, settled bool
	intervals      int           // between ticks that show it
	lowest         PowerEstimate // of the same name before, if compared
	compared       bool
}

// good reports whether the power need not be waited for any longer.
func (p idlePower) good() bool {
	return p.settled && p.intervals >= idleTicks && p.halfWidth() <= idlePrecision*p.Watts && (p.Watts <= p.lowest.Watts || !p.differs())
}

// differs reports whether the power is another than that before an earlier window of the
// same name, by more than both errors.
func (p idlePower) differs() bool {
	return p.compared && math.Abs(p.Watts-p.lowest.Watts) > math.Hypot(p.halfWidth(), p.lowest.halfWidth())
}

// WaitIdle waits until the power of every device that the measurement is of has settled after the last edge of any
// other window of the recorder: until successive ticks agree, and agree with the idle
// power before earlier windows of the same name, if that was lower. It returns just after
// a tick, or at once where [Recorder.KeepWarm] has seen enough; it waits for at most ten
// refresh periods and two seconds.
//
// What it saw becomes [Measurement.Idle]. If the power did not settle in time that is
// marked with [IdleUnsettled]; if other windows are open there is none. In both cases the
// error wraps [ErrNotIdle], and the window can be used all the same. A source that knows
// the past is not waited for: its idle power is that of the last ticks before the window.
func (w *Window) WaitIdle(ctx context.Context, name string) error {
	r := w.rec
	r.mu.Lock()
	w.idle = idling{asked: true, name: name}
	if _, remembers := r.src.(HistorySource); remembers {
		r.mu.Unlock()
		return nil
	}
	began := r.now()
	limit, seen := r.watchIdle(began)
	r.mu.Unlock()
	edge, quiet, done := int64(0), true, 0
	ok := w.wait(ctx, limit, func() bool {
		before := edge
		if edge, quiet = r.lastEdge(w, r.now()); !quiet {
			return true
		}
		if edge != before {
			done = 0
		}
		for ; done < len(r.curves); done++ {
			c := r.curves[done]
			if !r.leads[done] || r.gone(done, began) != nil {
				continue
			}
			fresh := c.device.Method == Gauge || len(c.ticks) > seen[done]
			if !fresh || !r.idlePower(done, name, c.pointsBetween(edge, r.now())).good() {
				return false
			}
		}
		return true
	})
	if !quiet {
		return fmt.Errorf("%w: another window is open", ErrNotIdle)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w.takeIdle(r.curves, func(c *curve) []energyPoint { return c.pointsBetween(edge, r.now()) })
	if ok {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for idle power before the window: %w", err)
	}
	return fmt.Errorf("%w: the power did not settle within %v", ErrNotIdle, time.Duration(limit-began).Round(time.Millisecond))
}

// watchIdle makes the next ticks be seen. It returns until when they are waited for, and
// how many of each device are not fresh: where nobody has read on, the caller goes on from
// a fresh tick. The caller holds mu.
func (r *Recorder) watchIdle(now int64) (limit int64, seen []int) {
	limit, seen = now, make([]int, len(r.curves))
	warm := slices.ContainsFunc(r.windows, func(w *Window) bool { return w.keepsWarm })
	for i, c := range r.curves {
		limit = max(limit, now+int64(idlePeriods*c.expected())+c.reach()+c.late()+int64(idleWait))
		if seen[i] = len(c.ticks); warm {
			seen[i] = -1
		}
		c.pace.Watch(idleTicks + pace.EdgeTicks)
	}
	return limit, seen
}

// takeIdle takes the idle power of the window from what points show of each device, and
// remembers it for later windows. The caller holds mu.
func (w *Window) takeIdle(curves []*curve, points func(*curve) []energyPoint) {
	w.idle.devices = make([]idlePower, len(curves))
	for i, c := range curves {
		w.idle.devices[i] = w.rec.idlePower(i, w.idle.name, points(c))
	}
	w.rec.rememberIdle(w.idle.name, w.idle.devices)
}

// lastEdge returns the last edge before a time of any window but w, or what was released.
// quiet is false if one is open at that time. The caller holds mu.
func (r *Recorder) lastEdge(w *Window, at int64) (edge int64, quiet bool) {
	edge, quiet = math.MinInt64, true
	add := func(s span) {
		if s.start < at {
			edge = max(edge, s.start, min(s.end, at))
			quiet = quiet && s.end <= at
		}
	}
	for _, s := range r.past {
		add(s)
	}
	for _, other := range r.windows {
		if other.keepsWarm || other.root() == w.root() {
			continue
		}
		for i, s := range other.spans {
			if other.open && i == len(other.spans)-1 {
				s.end = math.MaxInt64
			}
			add(s)
		}
	}
	return edge, quiet
}

// idlePower returns the power that points show of a device, beside the lowest before
// earlier windows of the same name. The caller holds mu.
func (r *Recorder) idlePower(device int, name string, points []energyPoint) idlePower {
	p := settledPower(points)
	if before := r.idles[name]; before != nil {
		p.lowest, p.compared = before[device].PowerEstimate, before[device].known
	}
	return p
}

// rememberIdle keeps the idle power of each device that was surely the lowest, to compare
// what comes. The caller holds mu.
func (r *Recorder) rememberIdle(name string, found []idlePower) {
	before := r.idles[name]
	if before == nil {
		if len(r.idles) >= maxIdleNames {
			return
		}
		if r.idles == nil {
			r.idles = map[string][]idlePower{}
		}
		before = make([]idlePower, len(found))
		r.idles[name] = before
	}
	for i, p := range found {
		if p.known && (!before[i].known || p.High < before[i].High) {
			before[i] = p
		}
	}
}

// idlePast finds out the idle power before a window by what a source remembers. The last
// tick before it does not count: when that was, and when the load began, is known only to
// within two readings.
func (w *Window) idlePast(curves []*curve) {
	r := w.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	if !w.idle.asked || len(w.spans) == 0 {
		return
	}
	before := w.from() // what runs after the opening may be set-up
	edge, quiet := r.lastEdge(w, before)
	if !quiet {
		return
	}
	w.takeIdle(curves, func(c *curve) []energyPoint {
		points := c.pointsBetween(edge, before)
		return points[:max(len(points)-1, 0)]
	})
}

// reportIdle adds the idle power to a measurement, and what is doubtful about it.
func (w *Window) reportIdle(m *Measurement) {
	w.rec.mu.Lock()
	name, list := w.idle.name, w.idle.devices
	w.rec.mu.Unlock()
	for i, p := range list {
		if !w.rec.leads[i] {
			continue // a processor is never idle, and nobody asks for it
		}
		d := &m.Devices[i]
		if p.known = p.known && d.Device.canDraw(p.Watts, math.MaxInt64); p.known {
			d.Idle, d.HasIdle = d.Device.Calibration.idle(p.PowerEstimate), true
		}
		switch {
		case p.known && p.differs():
			d.find(IdleUnsettled, "idle power is %.4g W, and was %.4g W before an earlier window of %q: boards hold their clocks for seconds after a load, so leave more time between", d.Idle.Watts, d.Device.Calibration.idle(p.lowest).Watts, name)
		case p.known && !p.settled:
			d.find(IdleUnsettled, "idle power was still changing before the window: by the last ticks it is %.4g W", d.Idle.Watts)
		}
	}
}
