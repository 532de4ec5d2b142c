package annotate

import (
	"fmt"
	"slices"

	"github.com/joulebench/joulebench/powertest/energy"
)

// The reasons that annotate itself gives, as InferenceX spells them. All withhold
// the numbers.
const (
	// invalidExpectedGPUs: the number of GPUs that is expected is not positive.
	invalidExpectedGPUs energy.Reason = "invalid_expected_gpu_count"
	// aggregateMissing: there is no file to annotate.
	aggregateMissing energy.Reason = "aggregate_result_missing"
	// aggregateUnwritable: the file cannot be read as JSON, or not be written.
	aggregateUnwritable energy.Reason = "aggregate_result_unwritable"
	// nonFinite: a number is too large to be one.
	nonFinite energy.Reason = "non_finite_power_metric"
	// notOfGPUs: what is measured are no GPUs, which the metrics are about. This one is ours.
	notOfGPUs energy.Reason = "no_gpu_measured"
	// simulatedSource: the joules are not of a real device. This one is ours.
	simulatedSource energy.Reason = "simulated_source"
)

// The reasons of files that cannot be opened. A log has more of them, which package
// smisource gives.
const (
	telemetryFileMissing    energy.Reason = "telemetry_file_missing"
	telemetryFileUnreadable energy.Reason = "telemetry_file_unreadable"
	// noUsableSamples: no GPU has a reading near the window.
	noUsableSamples energy.Reason = "no_usable_power_samples"
)

// finding returns a finding that is about no device, as a list.
func finding(r energy.Reason, format string, args ...any) []energy.Finding {
	return []energy.Finding{{Reason: r, Detail: fmt.Sprintf(format, args...)}}
}

// order is the order in which InferenceX finds its reasons. Ours follow, in the
// order in which they were found.
var order = []energy.Reason{
	profileMissing, profileInvalid, profileWindowMissing, profileZoneMissing, profileWindowInvalid,
	requestCountInvalid, incompleteTokens,
	invalidBenchmarkResult, energy.InvalidBenchmarkWindow, benchmarkDurationMismatch,
	invalidQueryCount, invalidInputTokens, invalidOutputTokens,
	invalidExpectedGPUs, telemetryFileMissing, "telemetry_file_empty", telemetryFileUnreadable,
	"timestamp_column_missing", "power_column_missing", "gpu_identity_column_missing",
	"invalid_timestamp_sample", energy.InvalidPowerSample, "gpu_identity_missing", noUsableSamples,
	energy.ExpectedGPUCountMismatch,
}

// ofDevices are the reasons that InferenceX finds device by device, after those of
// order.
var ofDevices = []energy.Reason{energy.InsufficientPowerSamples, energy.BenchmarkWindowNotBracketed, energy.SamplingGapExceeded}

// impliedByNone are reasons that say nothing more where no GPU has any reading.
var impliedByNone = []energy.Reason{energy.ExpectedGPUCountMismatch, energy.InsufficientPowerSamples, energy.BenchmarkWindowNotBracketed, energy.NoInWindowSamples}

// rank is where a reason stands in order. Those of devices follow, and then ours.
func rank(r energy.Reason) int {
	if i := slices.Index(order, r); i >= 0 {
		return i
	}
	if slices.Contains(ofDevices, r) {
		return len(order)
	}
	return len(order) + 1
}

// spoils reports whether a finding makes power_valid 0. That is what withholds a
// number, and, where it is for a result, a window without a single reading: its number
// rests on interpolation alone, which is no base for a published result.
func (r Result) spoils(f energy.Finding) bool {
	return f.Withholds() || f.Reason == energy.NoInWindowSamples && !r.options.alone()
}

// verdict returns the codes of the findings that make power_valid 0, each once,
// in InferenceX's order, and those that only mark a number.
func verdict(found []energy.Finding, spoils func(energy.Finding) bool) (reasons, marks []energy.Reason) {
	reasons, marks = []energy.Reason{}, []energy.Reason{}
	for _, f := range found {
		list := &marks
		if spoils(f) {
			list = &reasons
		}
		if !slices.Contains(*list, f.Reason) {
			*list = append(*list, f.Reason)
		}
	}
	slices.SortStableFunc(reasons, func(a, b energy.Reason) int { return rank(a) - rank(b) })
	reasons = slices.DeleteFunc(reasons, func(r energy.Reason) bool {
		if r == energy.PartialCohort {
			return len(reasons) > 1 // the device's own reason is there as well
		}
		return slices.Contains(reasons, noUsableSamples) && slices.Contains(impliedByNone, r)
	})
	return reasons, marks
}
