package annotate

import (
	"bytes"
	"strconv"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// The reasons that a benchmark's result can give, as InferenceX spells them.
// All withhold the numbers.
const (
	// invalidBenchmarkResult: the result is missing, no JSON object, or older
	// than the benchmark.
	invalidBenchmarkResult energy.Reason = "invalid_benchmark_result"
	// benchmarkDurationMismatch: the duration that the benchmark has timed is not
	// that of its window, by more than 0.5 s and 1 %.
	benchmarkDurationMismatch energy.Reason = "benchmark_duration_mismatch"
	// invalidQueryCount, invalidInputTokens and invalidOutputTokens: the count is
	// no positive integer.
	invalidQueryCount   energy.Reason = "invalid_successful_query_count"
	invalidInputTokens  energy.Reason = "invalid_input_token_count"
	invalidOutputTokens energy.Reason = "invalid_output_token_count"
)

// inferenceXHarness are the results of InferenceX's benchmark_serving, or of any harness that
// writes the same keys, and the window of one. Its times have their zone.
var inferenceXHarness = harness{
	name: "inferencex", label: "InferenceX (benchmark_start_time_unix, benchmark_end_time_unix, duration, completed, total_input_tokens, total_output_tokens)",
	is: func(o *pyjson.Object) bool {
		return isWindow(o) || o.Get("benchmark_start_time_unix") != nil || o.Get("benchmark_end_time_unix") != nil
	},
	runs: func(in input, o *pyjson.Object) []outcome {
		read := inferenceX
		if isWindow(o) {
			read = func(o *pyjson.Object) (Workload, []energy.Finding) { return windowed(in.path, o) }
		}
		w, found := read(o)
		return []outcome{{w, found}}
	},
}

// inferenceX understands a result.
func inferenceX(o *pyjson.Object) (Workload, []energy.Finding) {
	var w Workload
	const invalid = energy.InvalidBenchmarkWindow
	if found := w.between(o, "benchmark_start_time_unix", "benchmark_end_time_unix"); found != nil {
		return Workload{}, found
	}
	v := o.Get("duration")
	seconds := positive(v)
	if seconds == 0 {
		return Workload{}, finding(invalid, "duration is %s: it must be a time in seconds", shown(v))
	}
	if found := checkOrder("the benchmark", w.Start, w.End, o.Get("benchmark_start_time_unix"), invalid); found != nil {
		return Workload{}, found
	}
	w.Seconds = seconds
	found := w.checkDuration()
	for _, c := range []struct {
		key    string
		to     *int64
		reason energy.Reason
	}{
		{"completed", &w.Requests, invalidQueryCount},
		{"total_input_tokens", &w.InputTokens, invalidInputTokens},
		{"total_output_tokens", &w.OutputTokens, invalidOutputTokens},
	} {
		v := o.Get(c.key)
		n, ok := count(v)
		if !ok {
			found = append(found, finding(c.reason, "%s is %s: it must be a positive integer", c.key, shown(v))...)
		}
		*c.to = n
	}
	w.Concurrency, _ = count(o.Get("max_concurrency"))
	return w, found
}

// count returns a value that must be a positive integer, spelled as one.
func count(v []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n <= 0 || v[0] == '+' {
		return 0, false
	}
	return n, true
}

// shown is a value as a message shows it.
func shown(v []byte) string {
	switch {
	case v == nil:
		return "missing"
	case len(v) > 40:
		return string(bytes.ToValidUTF8(v[:40], nil)) + "…"
	}
	return string(v)
}
