package energy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Estimate is an amount of energy and the interval in which the true amount
// lies in at least 95 % of windows. The interval covers what the instrument
// does not know: when within a refresh period the energy was used, and when
// the counter ticked. It does not cover the gain of the board's sensor (about
// ±5 %, constant on one board), which nothing on the host can see, unless the device has
// a [Calibration]: then it is that of the energy by an external meter.
type Estimate struct {
	Joules float64 `json:"joules"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// HalfWidth returns half the width of the interval, in joules.
func (e Estimate) HalfWidth() float64 { return (e.High - e.Low) / 2 }

// ErrPercent returns the half-width of the interval as a percentage of Joules.
func (e Estimate) ErrPercent() float64 { return 100 * e.HalfWidth() / math.Abs(e.Joules) }

// Measurement is the energy used during a window: of each device, and of all.
//
// Its JSON is an object with the keys that the fields name, and is the one in which
// every command writes a measurement. Energy is in joules and power in watts, as
// numbers; times are RFC 3339; lengths of time are integers of ns, in keys that end in
// _ns; what is absent has no value, and has_before, has_idle, has_gauge and has_celsius
// report whether a number is there:
//
//	{
//	  "start": "2026-01-02T03:04:05.6Z", "end": "…", "duration_ns": 60000000000,
//	  "valid": true,
//	  "energy": {"joules": 41200.5, "low": 41150.1, "high": 41251.9},
//	  "watts": 686.7, "before_watts": 102.3, "has_before": true,
//	  "idle": {"watts": 102.1, "low": 101.2, "high": 103}, "has_idle": true,
//	  "devices": [{
//	    "device": {"uuid": "GPU-…", "index": 0, "method": "counter", "power_limit_watts": 700, …},
//	    "valid": true, "energy": {…}, "watts": 686.7, "before_watts": 102.3, "has_before": true,
//	    "idle": {…}, "has_idle": true,
//	    "period_ns": 100000000, "ticks": 600, "gauge_joules": 41190.2, "has_gauge": true,
//	    "cross_check": {"counter": {…}, "gauge": {…}, "ratio": 1.0002},
//	    "before": {"at": "…", "celsius": 41, "has_celsius": true, …}, "after": {…},
//	    "reasons": [{"reason": "throttled", "device": "GPU-…", "detail": "…"}]
//	  }],
//	  "kinds": [{"kind": "cpu", "count": 2, "valid": true, "energy": {…}, "watts": …, "devices": […]},
//	            {"kind": "all", "of": ["gpu", "cpu"], "count": 3, …}],
//	  "roles": [{"role": "prefill", "devices": 4, "valid": true, "energy": {…}, "watts": …}],
//	  "waited_ns": 250000000,
//	  "reasons": […],
//	  "source": {"name": "nvml", …}
//	}
//
// Keys are added, but not renamed or removed. If valid is false, of the whole, of a
// device or of a role, its joules, low, high and watts are 0 and mean nothing.
type Measurement struct {
	// Start and End are the edges of the window: of its first and last span.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Duration is the length of the window's spans; gaps do not count. In the report
	// of a benchmark it is what the benchmark's timer has counted.
	Duration time.Duration `json:"duration_ns"`
	// Valid reports whether Energy and Watts can be defended. If not, they are 0 and
	// Reasons has a reason that withholds them.
	Valid bool `json:"valid"`
	// Energy is the energy of all Devices.
	Energy Estimate `json:"energy"`
	// Watts is the mean power of all Devices over the window.
	Watts float64 `json:"watts"`
	// BeforeWatts is the mean power of all devices just before the window,
	// if HasBefore, whatever ran there: see Idle.
	BeforeWatts float64 `json:"before_watts"`
	HasBefore   bool    `json:"has_before"`
	// Idle is the power of all devices when idle, if HasIdle: that of the ticks before
	// the window that [Window.WaitIdle] saw. It is known only where that was called.
	Idle    PowerEstimate `json:"idle"`
	HasIdle bool          `json:"has_idle"`
	// Kind is what Devices are, and what everything here is of but Kinds: GPU, or empty,
	// where GPUs are measured; otherwise Module, or CPU, for processors and their memory,
	// or Node.
	Kind Kind `json:"kind,omitempty"`
	// Devices are the measurements of the devices, in the order of
	// [Source.Devices].
	Devices []DeviceMeasurement `json:"devices"`
	// Kinds are the sums over the devices of each other kind that is measured, and over
	// all of them ([AllKinds]), each with its own devices and reasons.
	Kinds []KindMeasurement `json:"kinds,omitempty"`
	// LeftOut are the devices that the sums lack although nobody chose to leave them out.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	// Roles are the sums over the devices of each role, where devices have
	// roles, in the order of their names. The energy of a role is that of its
	// devices over the whole window, whether they worked or idled.
	Roles []RoleMeasurement `json:"roles,omitempty"`
	// Waited is how long it took after the end of the window until the source
	// had shown what came after it.
	Waited time.Duration `json:"waited_ns"`
	// Reasons are all findings: those of the devices, then those of the whole.
	Reasons []Finding `json:"reasons,omitempty"`
	// Source describes where the readings came from.
	Source Info `json:"source"`
}

// RoleMeasurement is the energy that the devices of one role used during a
// window, such as "prefill" or "decode".
type RoleMeasurement struct {
	Role string `json:"role"`
	// Devices is how many devices have the role.
	Devices int `json:"devices"`
	// Valid reports whether all of them have a number; if not, Energy and Watts are 0.
	Valid  bool     `json:"valid"`
	Energy Estimate `json:"energy"`
	// Watts is the mean power of these devices over the window.
	Watts float64 `json:"watts"`
}

// DeviceMeasurement is the energy that one device used during a window.
type DeviceMeasurement struct {
	Device Device `json:"device"`
	// Valid reports whether Energy and Watts can be defended.
	Valid  bool     `json:"valid"`
	Energy Estimate `json:"energy"`
	// Watts is the mean power over the window.
	Watts float64 `json:"watts"`
	// CalibrationJoules is how much of the half-width of Energy is the calibration's: it
	// is the same in all windows of the device, and cancels where they are compared.
	CalibrationJoules float64 `json:"calibration_joules,omitempty"`
	// BeforeWatts is the mean power just before the window, if HasBefore.
	BeforeWatts float64 `json:"before_watts"`
	HasBefore   bool    `json:"has_before"`
	// Idle is the power when idle, if HasIdle: see [Measurement].
	Idle    PowerEstimate `json:"idle"`
	HasIdle bool          `json:"has_idle"`
	// Period is the refresh period that was seen; 0 if none was.
	Period time.Duration `json:"period_ns"`
	// Ticks is the number of ticks (for a gauge, readings) that were seen
	// inside the window.
	Ticks int `json:"ticks"`
	// GaugeJoules is the integral of the power gauge of a counter device over
	// the same window, if HasGauge: the cross-check.
	GaugeJoules float64 `json:"gauge_joules"`
	HasGauge    bool    `json:"has_gauge"`
	// Check compares the two, if HasGauge.
	Check *CrossCheck `json:"cross_check,omitempty"`
	// Before and After are the states of the device around the window; nil if
	// the source does not report them.
	Before *State `json:"before,omitempty"`
	After  *State `json:"after,omitempty"`
	// Reasons are the findings about this device.
	Reasons []Finding `json:"reasons,omitempty"`

	// coarse reports whether its error is that of all devices of the same load.
	coarse bool
}

// Net is the energy above idle: Energy less Idle over Duration, with the interval of
// both. It is below 0 where the devices used less than when idle. ok is false if one of
// the two is not known.
func (m Measurement) Net() (e Estimate, ok bool) {
	if !m.Valid || !m.HasIdle {
		return Estimate{}, false
	}
	t := m.Duration.Seconds()
	e.Joules = m.Energy.Joules - m.Idle.Watts*t
	// The errors of the two are independent, so their squares add up, but for those of
	// calibrations, of which little is left in the difference.
	ofEnergy, ofIdle, ofNet := m.common()
	half := func(energy, idle float64) float64 {
		return math.Hypot(math.Hypot(besides(energy, ofEnergy), besides(idle*t, ofIdle)), ofNet)
	}
	e.Low = e.Joules - half(m.Energy.Joules-m.Energy.Low, m.Idle.High-m.Idle.Watts)
	e.High = e.Joules + half(m.Energy.High-m.Energy.Joules, m.Idle.Watts-m.Idle.Low)
	return e, true
}

// Has reports whether the measurement has the reason.
func (m Measurement) Has(r Reason) bool { return has(m.Reasons, r) }

// Has reports whether the device's measurement has the reason.
func (d DeviceMeasurement) Has(r Reason) bool { return has(d.Reasons, r) }

func (d *DeviceMeasurement) find(r Reason, format string, args ...any) {
	d.Reasons = append(d.Reasons, Finding{Reason: r, Device: d.Device.UUID, Detail: fmt.Sprintf(format, args...)})
}

// findEvents adds events, each reason once.
func (d *DeviceMeasurement) findEvents(list events) {
	for _, e := range list {
		if !d.Has(e.reason) {
			d.find(e.reason, "%s", e.detail)
		}
	}
}

// withhold takes the number back.
func (d *DeviceMeasurement) withhold(r Reason, format string, args ...any) {
	d.find(r, format, args...)
	d.withdraw()
}

func (d *DeviceMeasurement) withdraw() {
	d.Valid, d.Energy, d.Watts, d.CalibrationJoules = false, Estimate{}, 0, 0
	d.HasBefore, d.BeforeWatts = false, 0
}

// throttledPercent is the share of a window in which the clocks may be held
// down without a finding: a busy device touches its power limit now and then.
const throttledPercent = 1

// compare adds what the states of the device before and after the window show.
func (d *DeviceMeasurement) compare(before, after State) {
	d.Before, d.After = &before, &after
	var causes []string
	took := after.At.Sub(before.At)
	for _, cause := range slices.Sorted(maps.Keys(after.Throttled)) {
		was, known := before.Throttled[cause]
		delta := after.Throttled[cause] - was
		if !known || delta <= 0 || took <= 0 {
			continue
		}
		if percent := 100 * float64(min(delta, took)) / float64(took); percent >= throttledPercent {
			causes = append(causes, fmt.Sprintf("%s %.0f %%", cause, percent))
		}
	}
	if len(causes) > 0 {
		d.find(Throttled, "clocks were held down during the window: %s of %v", strings.Join(causes, ", "), took.Round(time.Millisecond))
	}
	others := map[int]string{}
	for _, p := range slices.Concat(before.Processes, after.Processes) {
		others[p.PID] = p.Name
	}
	if len(others) == 0 {
		return
	}
	names := make([]string, 0, len(others))
	for _, pid := range slices.Sorted(maps.Keys(others)) {
		name := fmt.Sprint(pid)
		if others[pid] != "" {
			name += " (" + others[pid] + ")"
		}
		names = append(names, name)
	}
	d.find(SharedGPU, "other processes use the GPU: %s; its energy is that of all of them (fine, if they are the server under test)", strings.Join(names, ", "))
}
