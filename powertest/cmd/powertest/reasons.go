package main

import (
	"slices"

	"github.com/joulebench/joulebench/powertest/energy"
)

// The reasons that annotate itself gives, as InferenceX spells them. All withhold
// the numbers.
const (
	// invalidExpectedGPUs: -gpus is not positive.
	invalidExpectedGPUs energy.Reason = "invalid_expected_gpu_count"
	// aggregateMissing: there is no file to annotate.
	aggregateMissing energy.Reason = "aggregate_result_missing"
	// aggregateUnwritable: the file cannot be read as JSON, or not be written.
	aggregateUnwritable energy.Reason = "aggregate_result_unwritable"
	// nonFinite: a number is too large to be one.
	nonFinite energy.Reason = "non_finite_power_metric"
	// simulatedSource: the joules are not of a real device. This one is ours.
	simulatedSource energy.Reason = "simulated_source"
)

// order is the order in which InferenceX finds its reasons. Ours follow, in the
// order in which they were found.
var order = []energy.Reason{
	"profile_artifacts_missing", "profile_artifacts_invalid", "profile_window_missing",
	"profile_timezone_offset_missing", "profile_window_invalid",
	"successful_request_count_invalid", "incomplete_token_accounting",
	invalidBenchmarkResult, energy.InvalidBenchmarkWindow, benchmarkDurationMismatch,
	invalidQueryCount, invalidInputTokens, invalidOutputTokens,
	invalidExpectedGPUs, "telemetry_file_missing", "telemetry_file_empty", "telemetry_file_unreadable",
	"timestamp_column_missing", "power_column_missing", "gpu_identity_column_missing",
	"invalid_timestamp_sample", energy.InvalidPowerSample, "gpu_identity_missing", "no_usable_power_samples",
	energy.ExpectedGPUCountMismatch, energy.InsufficientPowerSamples,
	energy.BenchmarkWindowNotBracketed, energy.SamplingGapExceeded,
}

// rank is where a reason stands in order, after all of them if it is ours.
func rank(r energy.Reason) int {
	if i := slices.Index(order, r); i >= 0 {
		return i
	}
	return len(order)
}

// spoils reports whether a reason makes power_valid 0. That is what withholds a
// number, and a window without a single reading: its number rests on
// interpolation alone, which is no base for a published result.
func spoils(r energy.Reason) bool { return r.Withholds() || r == energy.NoInWindowSamples }

// verdict returns the codes of the findings that make power_valid 0, each once,
// in InferenceX's order, and those that only mark a number.
func verdict(found []energy.Finding) (reasons, marks []energy.Reason) {
	reasons, marks = []energy.Reason{}, []energy.Reason{}
	for _, f := range found {
		list := &marks
		if spoils(f.Reason) {
			list = &reasons
		}
		if !slices.Contains(*list, f.Reason) {
			*list = append(*list, f.Reason)
		}
	}
	slices.SortStableFunc(reasons, func(a, b energy.Reason) int { return rank(a) - rank(b) })
	if len(reasons) > 1 {
		// That a device has no number, so that there is no total, follows from
		// the device's own reason.
		reasons = slices.DeleteFunc(reasons, func(r energy.Reason) bool { return r == energy.PartialCohort })
	}
	return reasons, marks
}
