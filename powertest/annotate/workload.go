package annotate

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Workload is what the result of a load harness reports: the window, and the work
// that was done in it. A count that is unknown is 0.
type Workload struct {
	// Start and End are the window. Both are zero if it is not known.
	Start, End time.Time
	// Seconds is the duration that the harness has timed itself.
	Seconds float64
	// Requests that succeeded, and the tokens of these.
	Requests, InputTokens, OutputTokens int64
	// Concurrency is how many requests were under way at a time.
	Concurrency int64
	// GoodRequests is how many requests met their objectives, if HasGood.
	GoodRequests float64
	HasGood      bool
	// Latency is the mean time of a request, in seconds.
	Latency float64
	// Notes are remarks for people.
	Notes []string
	// Reported is what the harness itself reports of the energy, by the names of
	// aiperf's metrics.
	Reported map[string]float64
}

// HasWindow reports whether it is known when the benchmark began and ended.
func (w Workload) HasWindow() bool { return w.End.After(w.Start) }

// Span is the window.
func (w Workload) Span() energy.Span { return energy.Span{Start: w.Start, End: w.End} }

// length is the length of the window in seconds.
func (w Workload) length() float64 { return w.End.Sub(w.Start).Seconds() }

// inputs are what metrics are made of, without the energy.
func (w Workload) inputs() metrictable.Inputs {
	in := metrictable.Unknown()
	in.Seconds = metrictable.Known(w.length())
	in.Requests = metrictable.Known(float64(w.Requests))
	in.Prompt = metrictable.Known(float64(w.InputTokens))
	in.Output = metrictable.Known(float64(w.OutputTokens))
	in.Users = metrictable.Known(float64(w.Concurrency))
	in.Latency = metrictable.Known(w.Latency)
	if w.HasGood {
		in.GoodRequests = w.GoodRequests // none at all is a result, too
	}
	return in
}

// A format is how the results of a load harness look.
type format struct {
	// read reads a result. Times without a zone are of zone; nil means that it is
	// unknown. Without a window the findings say why.
	read func(path string, zone *time.Location) (Workload, []energy.Finding)
	// window is what validation files call the source of the window, if anything.
	window string
	// compares says that what the harness reports of the energy is shown beside ours.
	compares bool
}

// formats are the results that can be read, by their names.
var formats = map[string]format{
	"inferencex": {read: readInferenceX},
	"aiperf":     {read: readAIPerf, window: "aiperf_profile_lifecycle", compares: true},
}

// Formats returns the names of the results that can be read, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// The window and the duration may differ by the larger of these: both clocks are
// read a moment apart.
const (
	durationSlack      = 0.5
	durationSlackShare = 0.01
)

// checkDuration compares the window, which was read from the wall clock, with the
// duration, which was not.
func (w Workload) checkDuration() []energy.Finding {
	off := w.Seconds - w.length()
	if math.Abs(off) <= max(durationSlack, durationSlackShare*w.length()) {
		return nil
	}
	return finding(benchmarkDurationMismatch, "the benchmark timed %.6g s, and there are %.6g s from its start to its end: "+
		"the clock was set in between, or the times are of different things", w.Seconds, w.length())
}

// checkOrder returns a finding for the reason unless a benchmark ends after it starts.
func checkOrder(start, end time.Time, r energy.Reason) []energy.Finding {
	switch length := end.Sub(start); {
	case length == 0:
		return finding(r, "the benchmark has no length: it ends when it starts")
	case length < 0:
		return finding(r, "the benchmark ends %v before it starts", -length)
	}
	return nil
}
