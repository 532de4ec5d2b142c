package energy

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Recording is what a source told around a window: enough to measure the window
// again, or another one inside of it. Its JSON is part of traces. Times are in ns
// since Base, by the monotonic clock.
type Recording struct {
	Source Info `json:"source"`
	// Base is the wall-clock time that the others count from.
	Base time.Time `json:"base"`
	// Step is by how much the wall clock was set while it was recorded, as far as
	// that is more than clocks drift; otherwise 0. Outside records can't be joined
	// to a recording with a step.
	Step    time.Duration     `json:"clock_step_ns,omitempty"`
	Devices []DeviceRecording `json:"devices"`
}

// DeviceRecording is what was seen of one device.
type DeviceRecording struct {
	Device Device `json:"device"`
	// Ticks are the changes of a counter: it changed after the first time and not
	// after the second, and from then on showed the third number, in joules. That
	// of the first is not a change, but when the counter was first read.
	Ticks [][3]float64 `json:"ticks,omitempty"`
	// Power is what the power gauge showed: a time, watts, and the longest time
	// without a reading since the one before, in ns.
	Power [][3]float64 `json:"power,omitempty"`
	// PowerUntil is when the gauge was last read, and PowerPeriod its refresh
	// period, both in ns.
	PowerUntil  int64 `json:"power_until,omitempty"`
	PowerPeriod int64 `json:"power_period,omitempty"`
	// PowerLate is by how much readings of the gauge may be late, in ns.
	PowerLate int64 `json:"power_late,omitempty"`
	// TickPeriod is the refresh period that was seen, and TickJitter the standard
	// deviation of ticks from it, both in ns; 0 for readings that were made by
	// someone else.
	TickPeriod float64 `json:"tick_period,omitempty"`
	TickJitter float64 `json:"tick_jitter,omitempty"`
	// Trouble is what spoils measurements of the time between From and To.
	Trouble []Trouble `json:"trouble,omitempty"`
}

// Trouble is a finding about a stretch of time, in ns since the recording's base.
type Trouble struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// clockStep returns by how much the wall clock was set since base; 0 if it was not.
func clockStep(base time.Time) time.Duration {
	if by, set := ClockSetBetween(base, time.Now()); set {
		return by
	}
	return 0
}

// record copies curves with a common base.
func record(info Info, base time.Time, curves []*Curve) Recording {
	r := Recording{Source: info, Base: base.Round(0), Step: clockStep(base)}
	for _, c := range curves {
		d := DeviceRecording{Device: c.device}
		for _, t := range c.ticks {
			d.Ticks = append(d.Ticks, [3]float64{float64(t.lo), float64(t.hi), t.joules})
		}
		for _, p := range c.power.points {
			d.Power = append(d.Power, [3]float64{float64(p.at), p.watts, float64(p.gap)})
		}
		d.PowerUntil, d.PowerPeriod, d.PowerLate = c.power.seen, c.power.period, c.power.late
		if !c.recorded && c.pace.Phase() != pace.Hunting {
			d.TickPeriod, d.TickJitter = c.pace.Period(), math.Sqrt(c.pace.JitterVariance())
		}
		for _, e := range c.events {
			d.Trouble = append(d.Trouble, Trouble{From: e.from, To: e.to, Reason: e.reason, Detail: e.detail})
		}
		r.Devices = append(r.Devices, d)
	}
	return r
}

// Check returns an error that wraps [ErrMalformed] if the recording cannot be one:
// numbers that are not finite, or times that go back.
func (r Recording) Check() error {
	for _, d := range r.Devices {
		if d.Device.UUID == "" || d.Device.Method.String() == "unknown method" || d.PowerPeriod < 0 || d.PowerLate < 0 || !(d.TickPeriod >= 0 && d.TickJitter >= 0 && d.TickPeriod < math.MaxInt64/2) {
			return fmt.Errorf("recording: %w: a device has no UUID, no method, or a negative period", ErrMalformed)
		}
		last := math.Inf(-1)
		for i, t := range d.Ticks {
			if !(t[0] <= t[1] && t[1] > last && math.Abs(t[0]) <= math.MaxInt64/2 && t[1] <= math.MaxInt64/2) || !(t[2] >= 0) || math.IsInf(t[2], 0) {
				return fmt.Errorf("recording: %w: tick %d of %s is out of order, or is no number", ErrMalformed, i, d.Device.UUID)
			}
			last = t[1]
		}
		last = math.Inf(-1)
		for i, p := range d.Power {
			if !(p[0] > last && math.Abs(p[0]) <= math.MaxInt64/2) || !(p[1] >= 0) || math.IsInf(p[1], 0) || !(p[2] >= 0 && p[2] <= math.MaxInt64/2) {
				return fmt.Errorf("recording: %w: power reading %d of %s is out of order, or is no number", ErrMalformed, i, d.Device.UUID)
			}
			last = p[0]
		}
	}
	return nil
}

// Record makes the window keep what the source tells, for Recording. Call it before
// Measure.
func (w *Window) Record() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	w.records = true
}

func (w *Window) keep(curves []*Curve) {
	if w.records {
		w.recording = record(w.rec.info, w.rec.base, curves)
	}
}

// Recording returns what the source told around the window, after Measure and if
// Record was called before. The times of a source that knows the past are joined
// to this machine's clock as far as the source does so.
func (w *Window) Recording() Recording { return w.recording }
