package energy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// Calibration is what was measured of one device itself, beyond what its source says of
// all that are like it. It comes from a profile: see package profile.
type Calibration struct {
	// Profile identifies the profile: the beginning of the SHA-256 of its file. Numbers
	// are comparable only where it is the same.
	Profile string `json:"profile"`
	// Scale turns what the device reports into what an external meter shows; its zero
	// value leaves it as it is.
	Scale Scale `json:"scale,omitzero"`
	// Delay is by how much a counter is late, known to ± twice DelaySD; 0 if that was not
	// measured, or is too short to be told from the time that loads themselves take to
	// begin: then what is usual for its kind counts, [Device].Delay. Of a gauge it is the
	// mean age of the power in a reading as it is refreshed.
	Delay   time.Duration `json:"delay_ns,omitempty"`
	DelaySD time.Duration `json:"delay_sd_ns,omitempty"`
	// Share is the share of the time that a counter samples; 0 if that is not known, and
	// 1 if it is all.
	Share float64 `json:"share,omitempty"`
}

// Scale is a straight line from the power that a device draws to the power that it reports:
// Gain × watts + Offset. The zero value is not known. It is found by comparing the device
// with an external meter at several levels of power, by least squares.
type Scale struct {
	Gain   float64 `json:"gain"`
	Offset float64 `json:"offset_watts"`
	// GainSD and OffsetSD are the standard deviations of the two, and Correlation is
	// that between them: near -1 where both rest on the same levels.
	GainSD      float64 `json:"gain_sd"`
	OffsetSD    float64 `json:"offset_sd_watts"`
	Correlation float64 `json:"correlation"`
	// Floor is the standard deviation in watts of what is not on a straight line: a board
	// that is warmer, or a level between those that were compared.
	Floor float64 `json:"floor_watts"`
}

// Known reports whether there is a scale.
func (s Scale) Known() bool { return s.Gain != 0 }

// Watts returns the power that a device draws which reports a mean power, with its
// standard deviation, both in watts.
func (s Scale) Watts(reported float64) (watts, sd float64) {
	if !s.Known() {
		return reported, 0
	}
	watts = (reported - s.Offset) / s.Gain
	// The derivatives of watts are -watts/Gain by the gain, and -1/Gain by the offset.
	variance := (sq(watts*s.GainSD) + sq(s.OffsetSD) + 2*watts*s.Correlation*s.GainSD*s.OffsetSD) / sq(s.Gain)
	return watts, math.Sqrt(max(variance, 0) + sq(s.Floor))
}

// Between returns the standard deviation of the difference of two powers, in watts: the
// offset is in both. watts is the difference that the device draws.
func (s Scale) Between(watts float64) (sd float64) {
	if !s.Known() {
		return 0
	}
	return math.Hypot(watts*s.GainSD/s.Gain, math.Sqrt2*s.Floor)
}

// Check returns an error that wraps [ErrMalformed] if the calibration can be that of no
// device.
func (c Calibration) Check() error {
	s := c.Scale
	switch {
	case !finite(s.Gain, s.Offset, s.GainSD, s.OffsetSD, s.Correlation, s.Floor, c.Share):
		return fmt.Errorf("%w: a number is not finite", ErrMalformed)
	case s.Gain < 0, s.Known() && (s.Gain < 0.1 || s.Gain > 10), math.Abs(s.Offset) > 1000:
		return fmt.Errorf("%w: no sensor has a gain of %.4g and an offset of %.4g W", ErrMalformed, s.Gain, s.Offset)
	case s.GainSD < 0, s.OffsetSD < 0, s.Floor < 0, math.Abs(s.Correlation) > 1:
		return fmt.Errorf("%w: a standard deviation is negative, or a correlation beyond 1", ErrMalformed)
	case s.GainSD > 0.1*s.Gain:
		return fmt.Errorf("%w: a gain of %.4g ± %.2g is no calibration", ErrMalformed, s.Gain, s.GainSD)
	case c.Delay < 0, c.Delay > maxDelay, c.DelaySD < 0, c.DelaySD > maxDelay:
		return fmt.Errorf("%w: no counter or gauge is late by %v ± %v", ErrMalformed, c.Delay, c.DelaySD)
	case c.Share < 0, c.Share > 1:
		return fmt.Errorf("%w: a share of the time of %.4g", ErrMalformed, c.Share)
	}
	return nil
}

// checkKnown is [Calibration.Check] of what is known of the delay of the device's kind, and of
// the device itself.
func (d Device) checkKnown() error {
	if err := (Calibration{Delay: d.Delay, DelaySD: d.DelaySD}).Check(); err != nil || d.Calibration == nil {
		return err
	}
	return d.Calibration.Check()
}

// maxDelay is more than any counter is late by.
const maxDelay = 10 * time.Second

func finite(list ...float64) bool {
	return !slices.ContainsFunc(list, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

// sampled widens an energy by a counter that is known to sample a share of the time only.
// What it makes of an interval between ticks is off by as much as power differs within it:
// between ticks of the window, by how much their powers scatter; at its edges, by the change
// of power, of which it sees all or nothing.
func (c *curve) sampled(d *DeviceMeasurement, e Estimate, spans []span) Estimate {
	if c.device.Calibration == nil || c.device.Method != Counter {
		return e
	}
	share := c.device.Calibration.Share
	if share == 0 || share >= fullShare {
		return e
	}
	from, to := spans[0].start, spans[len(spans)-1].end
	period, seconds := c.expected()/float64(time.Second), float64(counted(spans))/float64(time.Second)
	// All or nothing of a step at any time in an interval: a variance of 1/6.
	variance := 2 * float64(len(spans)) * sq(d.step(e, spans)*period) / 6
	if scatter, n := c.scatter(from+c.late(), to+c.late()); n > 1 {
		variance += sq(scatter*seconds) / n
	}
	half := (1 - share) * z99 * math.Sqrt(variance)
	d.find(PartTimeSensor, "the counter samples %.0f %% of the time, as was measured of it: a load that repeats every %v or so can look like another", 100*share, time.Duration(c.expected()).Round(time.Millisecond))
	return e.widened(half)
}

// fullShare is a share from which on a counter counts as one that samples all of the time.
const fullShare = 0.9

// scatter returns the standard deviation of the powers between ticks from one time to
// another, in watts, and how many there are.
func (c *curve) scatter(from, to int64) (watts, n float64) {
	var sum, squares float64
	for i := 1; i < len(c.ticks); i++ {
		if a, b := c.ticks[i-1], c.ticks[i]; a.Lo >= from && b.Hi <= to && a.Epoch == b.Epoch {
			p := (b.Joules - a.Joules) / (b.Mid() - a.Mid()) * float64(time.Second)
			sum, squares, n = sum+p, squares+p*p, n+1
		}
	}
	return math.Sqrt(max(squares/n-sq(sum/n), 0)), n
}

// loadBegins is how long a load may take to begin and to end, which looks like the age of
// a gauge's readings.
const loadBegins = 12 * time.Millisecond

// sensorOf returns what is known of the power readings of a device, by its source and by its
// calibration.
func sensorOf(d Device) gauge.Sensor {
	s := d.Sensor.gauge()
	if c := d.Calibration; c != nil && d.Method == Gauge && c.Delay > 0 {
		s.Youngest, s.Oldest = int64(max(c.Delay-2*c.DelaySD-loadBegins, 0)), int64(c.Delay+2*c.DelaySD)
	}
	return s
}

// Reported returns the power that the device reports when it draws some watts: what its
// limits are about. Without a calibration it is the same.
func (c *Calibration) Reported(watts float64) float64 {
	if c == nil || !c.Scale.Known() {
		return watts
	}
	return c.Scale.Gain*watts + c.Scale.Offset
}

// NotCovered says what an interval of an [Estimate] of the devices does not contain. What
// prints intervals for people prints it once, below them.
func NotCovered(devices []Device) string {
	all := func(known func(*Calibration) bool) bool {
		return !slices.ContainsFunc(devices, func(d Device) bool { return d.Calibration == nil || !known(d.Calibration) })
	}
	const missed = "what a counter misses that samples only a part of the time"
	switch scaled := all(func(c *Calibration) bool { return c.Scale.Known() }); {
	case scaled && all(func(c *Calibration) bool { return c.Share > 0 }):
		return "± is how well the counter was read and calibrated."
	case scaled:
		return "± is how well the counter was read and calibrated. It does not cover " + missed + "."
	}
	return "± is how well the counter was read. It covers neither gain and offset of the board's sensor " +
		"(about ±5 % and up to 22 W, constant on one card) nor " + missed + "."
}

// errCalibrated says that a recorder is in use.
var errCalibrated = errors.New("a recorder is calibrated before its first window is opened")

// Calibrate gives the devices of the recorder what was measured of them: element i is of
// Devices()[i], and nil leaves it as its source describes it. Call it before the first
// window is opened. The error is that of [Calibration.Check].
func (r *Recorder) Calibrate(list []*Calibration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.windows) > 0 || len(list) != len(r.devices) {
		return errCalibrated
	}
	for _, c := range list {
		if c == nil {
			continue
		}
		if err := c.Check(); err != nil {
			return fmt.Errorf("calibration: %w", err)
		}
	}
	r.devices = slices.Clone(r.devices)
	for i, c := range list {
		r.devices[i].Calibration = c
	}
	for i := range r.curves {
		r.curves[i] = r.newCurve(i)
	}
	return nil
}

// calibrate turns the energy of a device, over a time in seconds, into that which an
// external meter would show. It is the last to be done: limits are the board's own, and
// so is the power gauge that a counter is compared with.
func (d *DeviceMeasurement) calibrate(seconds float64) {
	c := d.Device.Calibration
	if c == nil || !c.Scale.Known() || !d.Valid {
		return
	}
	reported := d.Watts
	d.Energy, d.CalibrationJoules = c.Scale.scale(d.Energy, seconds)
	d.Watts = d.Energy.Joules / seconds
	if d.HasBefore {
		before, _ := c.Scale.Watts(d.BeforeWatts)
		d.BeforeWatts = max(before, 0)
	}
	if e := d.Energy.ErrPercent(); !(d.Energy.Joules > 0) || e > d.Device.MaxErrPercent() {
		d.withhold(CalibrationRange, "the device reports %.4g W, and its calibration, of levels far from that, makes %.4g W ± %.2g W of it",
			reported, d.Energy.Joules/seconds, d.Energy.HalfWidth()/seconds)
	}
}

// scale turns an energy over a time in seconds into what a meter would show. common is
// the part of the half-width that is the scale's own: the same in all windows.
func (s Scale) scale(e Estimate, seconds float64) (scaled Estimate, common float64) {
	watts, sd := s.Watts(e.Joules / seconds)
	common = wide95 * sd * seconds
	scaled.Joules = watts * seconds
	scaled.Low = scaled.Joules - math.Hypot((e.Joules-e.Low)/s.Gain, common)
	scaled.High = scaled.Joules + math.Hypot((e.High-e.Joules)/s.Gain, common)
	return scaled, common
}

// wide95 is half the width of an interval in standard deviations: 95 % of a normal
// distribution.
const wide95 = 2

// idle does the same for the power when idle; without a calibration it stays as it is.
func (c *Calibration) idle(p PowerEstimate) PowerEstimate {
	if c == nil || !c.Scale.Known() {
		return p
	}
	e, _ := c.Scale.scale(Estimate{p.Watts, p.Low, p.High}, 1)
	return PowerEstimate{Watts: max(e.Joules, 0), Low: max(e.Low, 0), High: max(e.High, 0)}
}

// ofIdle is the part of the half-width of idle power that is the calibration's, in watts.
func (c *Calibration) ofIdle(idle PowerEstimate) float64 {
	if c == nil || !c.Scale.Known() {
		return 0
	}
	_, sd := c.Scale.Watts(c.Reported(idle.Watts))
	return wide95 * sd
}

// besides returns what is left of a half-width without the part that is a calibration's.
func besides(half, common float64) float64 { return math.Sqrt(max(sq(half)-sq(common), 0)) }

// common returns the parts of the half-widths of the energy, of idle power over the time,
// and of the energy above idle that are the calibrations' own, in joules.
func (m *Measurement) common() (energy, idle, net float64) {
	t := m.Duration.Seconds()
	for _, d := range m.Devices {
		c := d.Device.Calibration
		if c == nil || !c.Scale.Known() {
			continue
		}
		energy = math.Hypot(energy, d.CalibrationJoules)
		idle = math.Hypot(idle, t*c.ofIdle(d.Idle))
		net = math.Hypot(net, wide95*t*c.Scale.Between(d.Energy.Joules/t-d.Idle.Watts))
	}
	return energy, idle, net
}
