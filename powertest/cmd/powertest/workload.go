package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"

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

// A workload is what the result of a benchmark tells: the window, and the work
// that was done in it. A count that is unknown is 0.
type workload struct {
	start, end time.Time
	// seconds is the duration that the benchmark has timed itself.
	seconds float64
	// Requests that succeeded, and the tokens of these.
	requests, input, output int64
	// users is how many requests were under way at a time.
	users int64
	// good is how many requests met their objectives, if hasGood.
	good    float64
	hasGood bool
	// latency is the mean time of a request, in seconds.
	latency float64
	// notes are remarks for people.
	notes []string
	// told is what the benchmark itself says of its energy, by the names of
	// aiperf's metrics.
	told map[string]told
}

// told is a number in the words of another program.
type told struct {
	value float64
	unit  string
}

// span is the window.
func (w *workload) span() energy.Span { return energy.Span{Start: w.start, End: w.end} }

// length is the length of the window in seconds.
func (w *workload) length() float64 { return w.end.Sub(w.start).Seconds() }

// latencies is how many requests latency is the mean of.
func (w *workload) latencies() int64 {
	if w.latency > 0 {
		return w.requests
	}
	return 0
}

// The window and the duration may differ by the larger of these: both clocks are
// read a moment apart.
const (
	durationSlack      = 0.5
	durationSlackShare = 0.01
)

// checkDuration compares the window, which was read from the wall clock, with the
// duration, which was not.
func (w *workload) checkDuration() []energy.Finding {
	off := w.seconds - w.length()
	if math.Abs(off) <= max(durationSlack, durationSlackShare*w.length()) {
		return nil
	}
	return []energy.Finding{{
		Reason: benchmarkDurationMismatch,
		Detail: fmt.Sprintf("the benchmark timed %.6g s, and there are %.6g s from its start to its end: the clock was set in between, or the times are of different things", w.seconds, w.length()),
	}}
}

// readBenchmark reads the result of InferenceX's and vLLM's benchmark_serving, or
// of any harness that writes the same keys. The workload is nil if there is no
// window to measure.
func readBenchmark(path string) (*workload, []energy.Finding) {
	o, err := readObject(path)
	if err != nil {
		return nil, []energy.Finding{{Reason: invalidBenchmarkResult, Detail: err.Error()}}
	}
	return benchmarkOf(o)
}

// benchmarkOf understands a result.
func benchmarkOf(o *object) (*workload, []energy.Finding) {
	w := &workload{}
	bad := func(format string, args ...any) (*workload, []energy.Finding) {
		return nil, []energy.Finding{{Reason: energy.InvalidBenchmarkWindow, Detail: fmt.Sprintf(format, args...)}}
	}
	for _, f := range []struct {
		key string
		to  *time.Time
	}{
		{"benchmark_start_time_unix", &w.start},
		{"benchmark_end_time_unix", &w.end},
	} {
		v := o.get(f.key)
		t, ok := unixTime(v)
		if !isNumber(v) || !ok {
			return bad("%s is %s: it must be the time in seconds since 1970", f.key, shown(v))
		}
		*f.to = t
	}
	v := o.get("duration")
	seconds, err := strconv.ParseFloat(string(v), 64)
	switch {
	case !isNumber(v) || err != nil || seconds <= 0:
		return bad("duration is %s: it must be a time in seconds", shown(v))
	case w.end.Equal(w.start):
		return bad("the benchmark has no length: it starts and ends at %s", shown(o.get("benchmark_start_time_unix")))
	case !w.end.After(w.start):
		return bad("the benchmark ends %v before it starts", w.start.Sub(w.end))
	}
	w.seconds = seconds
	found := w.checkDuration()
	for _, c := range []struct {
		key    string
		to     *int64
		reason energy.Reason
	}{
		{"completed", &w.requests, invalidQueryCount},
		{"total_input_tokens", &w.input, invalidInputTokens},
		{"total_output_tokens", &w.output, invalidOutputTokens},
	} {
		v := o.get(c.key)
		n, ok := count(v)
		if !ok {
			found = append(found, energy.Finding{Reason: c.reason, Detail: fmt.Sprintf("%s is %s: it must be a positive integer", c.key, shown(v))})
		}
		*c.to = n
	}
	if n, ok := count(o.get("max_concurrency")); ok {
		w.users = n
	}
	return w, found
}

// isNumber reports whether a value is a finite number, rather than a string that
// looks like one, a truth value or NaN.
func isNumber(v []byte) bool {
	return len(v) > 0 && (v[0] == '-' || '0' <= v[0] && v[0] <= '9') && isFinite(v)
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
