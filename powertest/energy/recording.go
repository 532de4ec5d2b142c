package energy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Recording is what a source reported around a window: enough to measure the window
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
	// Apart is what [Window.Cut] had cut off: from, to, in ns since Base.
	Apart [][2]int64 `json:"apart,omitempty"`
	// Findings are what was found of the recorded window beside the readings: other
	// processes, clocks that were held down, what its source noticed. They hold for
	// whatever is measured of it again.
	Findings []Finding `json:"findings,omitempty"`
	// LeftOut are devices that were not measured although nobody chose to leave them out.
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

// DeviceRecording is what was seen of one device.
type DeviceRecording struct {
	Device Device `json:"device"`
	// Ticks are the changes of a counter: it changed after the first time and not
	// after the second, and from then on showed the third number, in joules. That
	// of the first is not a change, but when the counter was first read.
	Ticks [][3]float64 `json:"ticks,omitempty"`
	// Power is what the power gauge showed when it was read: a time, watts, and the
	// longest time without a reading since the one before, in ns. Of readings of the same
	// value in a row only the first and the last are there.
	Power [][3]float64 `json:"power,omitempty"`
	// PowerPeriod is the refresh period of the gauge, in ns, where it was learnt.
	PowerPeriod int64 `json:"power_period,omitempty"`
	// PowerLate is by how much readings of the gauge may be late, in ns.
	PowerLate int64 `json:"power_late,omitempty"`
	// TickPeriod is the refresh period that was seen, and TickJitter the standard
	// deviation of ticks from it, both in ns; 0 for readings that were made by
	// someone else.
	TickPeriod float64 `json:"tick_period,omitempty"`
	TickJitter float64 `json:"tick_jitter,omitempty"`
	// Trouble is findings because of which times cannot be measured.
	Trouble []Trouble `json:"trouble,omitempty"`
	// Doubts are times in which the power may be off by so many watts either way: from,
	// to, and watts.
	Doubts [][3]float64 `json:"doubts,omitempty"`
	// MeanPower is the mean of the power gauge of a counter where its readings were too
	// many: from, to, and watts; nil if there was none.
	MeanPower *[3]float64 `json:"mean_power,omitempty"`
	// Lag is by how much the counter was taken to be late when it was recorded, its
	// standard deviation, the time over which it averages, and a lag that was refuted,
	// all in seconds; nil if it was not late.
	Lag *[4]float64 `json:"lag,omitempty"`
	// Seen is when the newest value was read, and Failed what all readings since failed
	// with: since From, its last at To. Failed is nil if none has.
	Seen   int64    `json:"seen,omitempty"`
	Failed *Trouble `json:"failed,omitempty"`
	// Logged reports whether the readings of a gauge were made by someone else.
	Logged bool `json:"logged,omitempty"`
}

// Trouble is a finding about a stretch of time, in ns since the recording's base.
type Trouble struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// record copies curves with a common base.
func record(info Info, base time.Time, curves []*curve) Recording {
	r := Recording{Source: info, Base: base.Round(0), Step: clockStep(base)}
	for _, c := range curves {
		d := DeviceRecording{Device: c.device}
		for _, t := range c.ticks {
			d.Ticks = append(d.Ticks, [3]float64{float64(t.Lo), float64(t.Hi), t.Joules})
		}
		for _, p := range c.power.Samples() {
			d.Power = append(d.Power, [3]float64{float64(p.At), p.Watts, 0})
			if p.Until > p.At {
				d.Power = append(d.Power, [3]float64{float64(p.Until), p.Watts, float64(p.Gap)})
			}
		}
		d.PowerPeriod, d.PowerLate = c.power.Sensor.Refresh, c.power.Sensor.Late
		if p := c.learnt(); !c.recorded && p.Known {
			d.TickPeriod, d.TickJitter = p.Seen, math.Sqrt(p.JitterVariance)
		}
		c.recordDoubts(&d)
		r.Devices = append(r.Devices, d)
	}
	return r
}

// recordDoubts copies what is known of the readings beside their values.
func (c *curve) recordDoubts(d *DeviceRecording) {
	for _, e := range c.events {
		d.Trouble = append(d.Trouble, Trouble{From: e.from, To: e.to, Reason: e.reason, Detail: e.detail})
	}
	for _, x := range c.doubts {
		d.Doubts = append(d.Doubts, [3]float64{float64(x.from), float64(x.to), x.watts})
	}
	if m := c.mean; m.To > m.From {
		d.MeanPower = &[3]float64{float64(m.From), float64(m.To), m.Watts}
	}
	if l := c.lag; !l.measured && (l != lag{}) {
		d.Lag = &[4]float64{l.by, l.sd, l.mean, l.refuted}
	}
	if c.last.ok {
		d.Seen = c.last.hi
	}
	if f := c.failure; f.err != nil {
		d.Failed = &Trouble{From: f.since, To: f.last, Reason: reasonOf(f.err), Detail: f.err.Error()}
	}
	d.Logged = c.recorded
}

// Check returns an error that wraps [ErrMalformed] if the recording cannot be one:
// numbers that are not finite, or times that go back.
func (r Recording) Check() error {
	for i, a := range r.Apart {
		if a[0] >= a[1] || i > 0 && a[0] < r.Apart[i-1][1] || min(a[0], -a[1]) < -math.MaxInt64/2 {
			return fmt.Errorf("recording: %w: the times that were cut off are out of order", ErrMalformed)
		}
	}
	for _, d := range r.Devices {
		if d.Device.UUID == "" || d.Device.Method.String() == "unknown method" || d.PowerPeriod < 0 || d.PowerLate < 0 || !(d.TickPeriod >= 0 && d.TickJitter >= 0 && d.TickPeriod < math.MaxInt64/2) {
			return fmt.Errorf("recording: %w: a device has no UUID, no method, or a negative period", ErrMalformed)
		}
		if err := d.Device.checkKnown(); err != nil {
			return fmt.Errorf("recording: %s: %w", d.Device.UUID, err)
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
		if err := d.checkDoubts(); err != nil {
			return err
		}
	}
	return nil
}

// checkDoubts is Check of what is known beside the readings.
func (d *DeviceRecording) checkDoubts() error {
	list := slices.Clone(d.Doubts)
	if d.MeanPower != nil {
		list = append(list, *d.MeanPower)
	}
	for _, x := range list {
		if !(math.Abs(x[0]) <= math.MaxInt64/2 && x[0] <= x[1] && x[1] <= math.MaxInt64/2) || !(x[2] >= 0) || math.IsInf(x[2], 0) {
			return fmt.Errorf("recording: %w: a doubt or a mean of %s is no time, or no power", ErrMalformed, d.Device.UUID)
		}
	}
	if d.Lag != nil && (!finite(d.Lag[:]...) || slices.Min(d.Lag[:]) < 0 || slices.Max(d.Lag[:]) > maxDelay.Seconds()) {
		return fmt.Errorf("recording: %w: no counter is late by %v s, as %s", ErrMalformed, *d.Lag, d.Device.UUID)
	}
	return nil
}

// Replay is a source of what was recorded, and of nothing new.
type Replay struct {
	recording Recording
	devices   []Device
}

var _ HistorySource = (*Replay)(nil)

// NewReplay returns a source of the recording, for [MeasurePast]. The
// error is that of [Recording.Check].
func NewReplay(r Recording) (*Replay, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	p := &Replay{recording: r}
	for _, d := range r.Devices {
		p.devices = append(p.devices, d.Device)
	}
	return p, nil
}

// Info describes the source that was recorded.
func (p *Replay) Info() Info { return p.recording.Source }

// Devices lists the devices that were recorded.
func (p *Replay) Devices() []Device { return p.devices }

// Read fails for each device with [ErrNoAnswer].
func (p *Replay) Read(dst []Reading) {
	for i := range dst {
		now := time.Now()
		dst[i] = Reading{Device: dst[i].Device, Before: now, After: now, Err: errReplay}
	}
}

var errReplay = fmt.Errorf("a recording has the past only: %w", ErrNoAnswer)

// LeftOut implements [PartialSource].
func (p *Replay) LeftOut() []LeftOut { return p.recording.LeftOut }

// Close does nothing.
func (p *Replay) Close() error { return nil }

// ReadRange is [HistorySource.ReadRange]. It does not wait: nothing will be known later.
func (p *Replay) ReadRange(_ context.Context, _ []Span, to []*History) ([]Finding, error) {
	for i, d := range p.recording.Devices {
		if to[i] != nil {
			p.fill(to[i].curve, d)
		}
	}
	found := slices.Clone(p.recording.Findings)
	if step := p.recording.Step; step != 0 {
		found = append(found, Finding{Reason: ClockStep, Detail: fmt.Sprintf("the clock was set by %v while this was recorded: times from elsewhere can't be joined to it", step.Round(time.Millisecond))})
	}
	return found, nil
}

// fill makes the curve what it was when it was recorded.
func (p *Replay) fill(c *curve, d DeviceRecording) {
	at := func(ns float64) int64 { return c.at(p.recording.Base.Add(time.Duration(ns))) }
	for i, t := range d.Ticks {
		if i > 0 && t[2] < d.Ticks[i-1][2] {
			c.epoch++
			c.note(at(d.Ticks[i-1][1]), at(t[1]), CounterReset, fmt.Sprintf("the counter went down from %.3f J to %.3f J", d.Ticks[i-1][2], t[2]))
		}
		first := i == 0 || c.epoch != c.ticks[len(c.ticks)-1].Epoch
		c.push(estimate.Tick{Lo: at(t[0]), Hi: at(t[1]), Joules: t[2], Epoch: c.epoch, Inferred: first})
	}
	if n := len(c.ticks); n > 0 {
		c.last = point{lo: c.ticks[n-1].Hi, hi: c.ticks[n-1].Hi, value: c.ticks[n-1].Joules, ok: true}
	}
	if d.TickPeriod > 0 {
		c.recorded = false
		c.pace = pace.New(pace.Config{Nominal: time.Duration(c.pace.Nominal()), Poll: p.recording.Source.Poll})
		c.pace.Know(d.TickPeriod, d.TickJitter*d.TickJitter)
	}
	for _, s := range d.Power {
		c.power.Restore(at(s[0]), s[1], int64(s[2]))
	}
	c.power.Sensor.Refresh, c.power.Sensor.Late = d.PowerPeriod, d.PowerLate
	for _, a := range p.recording.Apart {
		from, to := at(float64(a[0])), at(float64(a[1]))
		c.apart = append(c.apart, span{from, to, to - from})
	}
	base := p.recording.Base
	for _, e := range d.Trouble {
		if e.Reason != CounterReset && e.Reason != CounterJump { // the ticks show them
			c.note(c.at(base.Add(time.Duration(e.From))), c.at(base.Add(time.Duration(e.To))), e.Reason, e.Detail)
		}
	}
	p.fillDoubts(c, d, at)
}

// fillDoubts restores what was known beside the readings.
func (p *Replay) fillDoubts(c *curve, d DeviceRecording, at func(ns float64) int64) {
	for _, x := range d.Doubts {
		c.doubts = append(c.doubts, doubt{at(x[0]), at(x[1]), x[2]})
	}
	if m := d.MeanPower; m != nil {
		c.mean = gauge.Mean{From: at(m[0]), To: at(m[1]), Watts: m[2]}
	}
	if l := d.Lag; l != nil && !c.lag.measured {
		c.lag = lag{by: l[0], sd: l[1], mean: l[2], refuted: l[3]}
	}
	if d.Seen != 0 {
		seen := at(float64(d.Seen))
		c.last.lo, c.last.hi, c.last.ok = seen, seen, true
	}
	if f := d.Failed; f != nil {
		c.failure = failure{err: recordedError(*f), since: at(float64(f.From)), last: at(float64(f.To))}
	}
	if d.Device.Method == Gauge {
		c.recorded = d.Logged
	}
}

// reasonOf says what kind of error a reading has failed with; empty if it is none of those
// that count.
func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, ErrNoDevice):
		return DeviceLost
	case errors.Is(err, ErrNoAnswer):
		return SourceStalled
	}
	return ""
}

// recordedError is an error that readings had failed with.
type recordedError Trouble

func (e recordedError) Error() string { return e.Detail }

func (e recordedError) Is(target error) bool {
	return e.Reason == DeviceLost && target == ErrNoDevice || e.Reason == SourceStalled && target == ErrNoAnswer
}
