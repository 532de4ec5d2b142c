package energy

import (
	"cmp"
	"slices"
)

// Reason says why a number is withheld, or doubtful. The codes are stable; they
// are a superset of those that InferenceX publishes.
type Reason string

const (
	// WindowTooShort: the window holds too few ticks for the interval to be
	// worth publishing. Withheld.
	WindowTooShort Reason = "window_too_short"
	// WindowMismatch: the energy window and the benchmark's timer differ by 10 %
	// or more, or by a time in which the devices can draw 10 % of the energy. Less
	// than that widens the interval. Withheld.
	WindowMismatch Reason = "window_mismatch"
	// InvalidBenchmarkWindow: the window has no length, or ends before it
	// starts. Withheld.
	InvalidBenchmarkWindow Reason = "invalid_benchmark_window"
	// BenchmarkWindowNotBracketed: there is no reading on one side of the
	// window. Withheld.
	BenchmarkWindowNotBracketed Reason = "benchmark_window_not_bracketed"
	// SamplingGapExceeded: readings are further apart than the source allows.
	// Withheld.
	SamplingGapExceeded Reason = "sampling_gap_exceeded"
	// NoInWindowSamples: no reading lies inside the window: the number rests
	// on interpolation alone. Marked.
	NoInWindowSamples Reason = "no_in_window_samples"
	// InsufficientPowerSamples: fewer than two readings of the device.
	// Withheld.
	InsufficientPowerSamples Reason = "insufficient_power_samples"
	// InvalidPowerSample: a reading is negative, not finite, out of order, or more than
	// the device can draw, or all are 0. Withheld.
	InvalidPowerSample Reason = "invalid_power_sample"
	// ExpectedGPUCountMismatch: there are more or fewer devices than were
	// asked for. Withheld.
	ExpectedGPUCountMismatch Reason = "expected_gpu_count_mismatch"
	// PartialCohort: one device has no number, so the total has none. The
	// total is withheld; the other devices keep theirs.
	PartialCohort Reason = "partial_cohort"
	// CounterReset: the counter went down inside the window. Withheld.
	CounterReset Reason = "counter_reset"
	// CounterJump: the counter went up by more than the device can draw: from one tick to
	// the next, or over the window by more than 1.1 times the power limit, with 0.4 times
	// more for its first second. Withheld.
	CounterJump Reason = "counter_jump"
	// CounterStale: the counter did not change for far longer than its
	// refresh period. Withheld.
	CounterStale Reason = "counter_stale"
	// CounterDisagrees: counter and power gauge of a device differ over the same window
	// by more than their intervals and the gain or offset of a sensor explain. Marked;
	// withheld where one of them is more than 1.25 times the other.
	CounterDisagrees Reason = "counter_disagrees"
	// CounterLags: the counter takes its energy in late, by at least 12 ms and by the
	// same at both edges of windows; the energy is corrected by that. Marked.
	CounterLags Reason = "counter_lags"
	// CounterAverages: the counter adds up a mean over a time of several refresh
	// periods instead of what was used. Withheld.
	CounterAverages Reason = "counter_averages"
	// PartTimeSensor: the device samples its power for a part of the time only, and a load
	// that repeats near its refresh period can look like another; the interval is wider
	// by what its readings scatter. Marked.
	PartTimeSensor Reason = "part_time_sensor"
	// CalibrationRange: the power is so far from the levels at which the device was
	// compared with a meter that its calibration makes nothing of it that is known to
	// [Device.MaxErrPercent]. Withheld.
	CalibrationRange Reason = "calibration_range"
	// GaugeStatic: the power gauge never moved over 20 refreshes: it does not measure.
	// Withheld.
	GaugeStatic Reason = "gauge_static"
	// DeviceLost: the device fell off the bus or needs a reset. Withheld.
	DeviceLost Reason = "device_lost"
	// SourceStalled: the source did not answer in time. Withheld.
	SourceStalled Reason = "source_stalled"
	// SourceUnavailable: the source could not be opened, for another reason than that it
	// did not answer: there is no driver, no host of that name, no permission. Withheld.
	SourceUnavailable Reason = "source_unavailable"
	// MIGParentScope: the device asked for is a MIG instance, which has no
	// counter; the number is that of the whole GPU. Marked.
	MIGParentScope Reason = "mig_parent_scope"
	// ModuleScope: the counter is that of a whole module, such as a superchip with its
	// CPU; the number is that of all of it. Marked.
	ModuleScope Reason = "module_scope"
	// NestedScope: a device of another kind is measured too whose energy contains that of
	// others, as that of a node does, so that they are not added. Marked; a sum that would
	// have to add them is withheld.
	NestedScope Reason = "nested_scope"
	// EstimatedCounter: the counter is not of a sensor's readings, but of what a virtual
	// machine's host takes to be the machine's share of its own. Marked.
	EstimatedCounter Reason = "estimated_counter"
	// SharedGPU: another process used the device, or measured it at the same
	// time. Marked.
	SharedGPU Reason = "shared_gpu"
	// Throttled: the device's clocks were held down during a part of the
	// window. Marked.
	Throttled Reason = "throttled"
	// IdleUnsettled: idle power had not settled before the window, or is another than
	// before an earlier window of the same name. It concerns that, and the energy
	// above idle. Marked.
	IdleUnsettled Reason = "idle_unsettled"
	// TokenMismatch: an inference server and its client counted different numbers of tokens
	// or requests in the window, by more than their intervals. Marked.
	TokenMismatch Reason = "token_mismatch"
	// ClockStep: the wall clock was set during the window, and joins outside
	// records to it. Withheld.
	ClockStep Reason = "clock_step"
)

// Withholds reports whether a number with this reason is always withheld, rather than
// published with a mark. Whether one is, its [Finding] says.
func (r Reason) Withholds() bool { return !meaningOf(r).marks }

// Finding is a reason with what was seen.
type Finding struct {
	Reason Reason `json:"reason"`
	// Device is the UUID of the device concerned; empty if it is all of them, or of those of
	// Source.
	Device string `json:"device,omitempty"`
	// Source is the name of the source concerned, where several are joined and it is one
	// of them; otherwise empty.
	Source string `json:"source,omitempty"`
	// Detail says in words what was seen, and what to do if that is known.
	Detail string `json:"detail,omitempty"`
	// Withheld says that the number is withheld although the reason can also mark one.
	Withheld bool `json:"withheld,omitempty"`
}

// Withholds reports whether the number is withheld because of the finding, rather than
// published with a mark.
func (f Finding) Withholds() bool { return f.Withheld || f.Reason.Withholds() }

// String returns the finding as one line.
func (f Finding) String() string { return describe(f.Reason, cmp.Or(f.Device, f.Source), f.Detail) }

// event is something because of which the time between from and to cannot be
// measured.
type event struct {
	from, to int64
	reason   Reason
	detail   string
}

// events are in the order in which they were noted. They are at most maxEvents.
type events []event

const maxEvents = 64

// add adds an event. One of the same reason within some time of the last is that,
// going on.
func (list events) add(e event, within int64) events {
	if n := len(list); n > 0 {
		last := &list[n-1]
		if last.reason == e.reason && e.from-last.to <= within {
			last.to = max(last.to, e.to)
			return list
		}
	}
	if len(list) == maxEvents {
		// None is dropped: the oldest two become one, which covers the time
		// between them, too.
		a, b := list[0], list[1]
		b.from, b.to = min(a.from, b.from), max(a.to, b.to)
		if a.reason == DeviceLost {
			b.reason, b.detail = a.reason, a.detail
		}
		list = slices.Delete(list, 0, 1)
		list[0] = b
	}
	return append(list, e)
}

// touching returns the events of the time from one moment to another.
func (list events) touching(from, to int64) events {
	return slices.DeleteFunc(slices.Clone(list), func(e event) bool { return e.to < from || e.from > to })
}

func has(fs []Finding, r Reason) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Reason == r })
}

// withheld reports whether one of the findings withholds the number.
func withheld(fs []Finding) bool {
	return slices.ContainsFunc(fs, Finding.Withholds)
}
