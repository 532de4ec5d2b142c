package energy

import "slices"

// A meaning is what a reason says.
type meaning struct {
	reason Reason
	// marks says that a number with it is published with a mark, rather than withheld.
	marks bool
	// text is what was seen, as the reason's doc comment has it.
	text string
}

// meanings are those of all reasons of this package, in the order of their constants.
var meanings = []meaning{
	{WindowTooShort, false, "the window holds too few ticks for the interval to be worth publishing. Withheld."},
	{WindowMismatch, false, "the energy window and the benchmark's timer differ by 10 % or more, or by a time in which the devices can draw 10 % of the energy. Less than that widens the interval. Withheld."},
	{InvalidBenchmarkWindow, false, "the window has no length, or ends before it starts. Withheld."},
	{BenchmarkWindowNotBracketed, false, "there is no reading on one side of the window. Withheld."},
	{SamplingGapExceeded, false, "readings are further apart than the source allows. Withheld."},
	{NoInWindowSamples, true, "no reading lies inside the window: the number rests on interpolation alone. Marked."},
	{InsufficientPowerSamples, false, "fewer than two readings of the device. Withheld."},
	{InvalidPowerSample, false, "a reading is negative, not finite, out of order, or more than the device can draw, or all are 0. Withheld."},
	{ExpectedGPUCountMismatch, false, "there are more or fewer devices than were asked for. Withheld."},
	{PartialCohort, false, "one device has no number, so the total has none. The total is withheld; the other devices keep theirs."},
	{CounterReset, false, "the counter went down inside the window. Withheld."},
	{CounterJump, false, "the counter went up by more than the device can draw: from one tick to the next, or over the window by more than 1.1 times the power limit, with 0.4 times more for its first second. Withheld."},
	{CounterStale, false, "the counter did not change for far longer than its refresh period. Withheld."},
	{CounterDisagrees, true, "counter and power gauge of a device differ over the same window by more than their intervals and the gain or offset of a sensor explain. Marked; withheld where one of them is more than 1.25 times the other."},
	{CounterLags, true, "the counter takes its energy in late, by at least 12 ms and by the same at both edges of windows; the energy is corrected by that. Marked."},
	{CounterAverages, false, "the counter adds up a mean over a time of several refresh periods instead of what was used. Withheld."},
	{PartTimeSensor, true, "the device samples its power for a part of the time only, and a load that repeats near its refresh period can look like another; the interval is wider by what its readings scatter. Marked."},
	{CalibrationRange, false, "the power is so far from the levels at which the device was compared with a meter that its calibration makes nothing of it that is known to Device.MaxErrPercent. Withheld."},
	{GaugeStatic, false, "the power gauge never moved over 20 refreshes: it does not measure. Withheld."},
	{DeviceLost, false, "the device fell off the bus or needs a reset. Withheld."},
	{SourceStalled, false, "the source did not answer in time. Withheld."},
	{SourceUnavailable, false, "the source could not be opened, for another reason than that it did not answer: there is no driver, no host of that name, no permission. Withheld."},
	{MIGParentScope, true, "the device asked for is a MIG instance, which has no counter; the number is that of the whole GPU. Marked."},
	{ModuleScope, true, "the counter is that of a whole module, such as a superchip with its CPU; the number is that of all of it. Marked."},
	{NestedScope, true, "a device of another kind is measured too whose energy contains that of others, as that of a node does, so that they are not added. Marked; a sum that would have to add them is withheld."},
	{EstimatedCounter, true, "the counter is not of a sensor's readings, but of what a virtual machine's host takes to be the machine's share of its own. Marked."},
	{SharedGPU, true, "another process used the device, or measured it at the same time. Marked."},
	{Throttled, true, "the device's clocks were held down during a part of the window. Marked."},
	{IdleUnsettled, true, "idle power had not settled before the window, or is another than before an earlier window of the same name. It concerns that, and the energy above idle. Marked."},
	{TokenMismatch, true, "an inference server and its client counted different numbers of tokens or requests in the window, by more than their intervals. Marked."},
	{ClockStep, false, "the wall clock was set during the window, and joins outside records to it. Withheld."},
}

// meaningOf returns the meaning of a reason. One of another package has no text, and
// withholds.
func meaningOf(r Reason) meaning {
	if i := slices.IndexFunc(meanings, func(m meaning) bool { return m.reason == r }); i >= 0 {
		return meanings[i]
	}
	return meaning{reason: r}
}

// Reasons returns the reasons of this package. Other packages have more.
func Reasons() []Reason {
	list := make([]Reason, len(meanings))
	for i, m := range meanings {
		list[i] = m.reason
	}
	return list
}

// Means says in one or two sentences what was seen, and whether the number is withheld or
// marked; empty for a reason of another package.
func (r Reason) Means() string { return meaningOf(r).text }
