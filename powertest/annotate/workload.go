package annotate

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Workload is what the result of a load harness reports: the window, and the work
// that was done in it. A count that is unknown is 0.
type Workload struct {
	// Harness is what has run it and Model what has answered, as far as the result says;
	// empty if it does not.
	Harness, Model string
	// Start and End are the window. Both are zero if it is not known. Origin says where it
	// comes from.
	Start, End time.Time
	Origin     Origin
	// Seconds is the duration that the harness has timed itself; 0 if it has not.
	Seconds float64
	// Requests that succeeded, and the tokens of these.
	Requests, InputTokens, OutputTokens int64
	// Concurrency is how many requests were under way at a time.
	Concurrency int64
	// Rate is how many requests a second the harness was to send; 0 if as many as possible,
	// or if that is unknown.
	Rate float64
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

	// saved is when the harness says that it wrote the result, and savedTo how exactly.
	saved   time.Time
	savedTo time.Duration
	// undated is what to do if the result has a time that says too little.
	undated string
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

// checkOrder returns a finding for the reason unless what ends after it starts, which is
// written so.
func checkOrder(what string, start, end time.Time, written []byte, r energy.Reason) []energy.Finding {
	switch length := end.Sub(start); {
	case start.Unix() < -latest || end.Unix() > latest:
		return finding(r, "%s is from %v to %v, which no clock shows", what, start.UTC(), end.UTC())
	case length == 0:
		return finding(r, "%s has no length: it starts and ends at %s", what, shown(written))
	case length < 0:
		return finding(r, "%s ends %v before it starts", what, -length)
	}
	return nil
}

// latest is the last second of the years that are plausible: it fits in an int64 of
// nanoseconds.
const latest = 9_000_000_000

// unixTime returns the time of a number of seconds since 1970, rounded to
// nanoseconds from its decimals: a float64 has only 240 ns.
func unixTime(value []byte) (time.Time, bool) {
	s := string(value)
	f, err := strconv.ParseFloat(s, 64)
	if !pyjson.IsNumber(value) || err != nil || math.Abs(f) > latest {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	if head, decimals, found := strings.Cut(s, "."); found && !strings.ContainsAny(s, "eE") {
		whole, _ = strconv.ParseFloat(head, 64)
		part, _ = strconv.ParseFloat("0."+decimals, 64)
		part = math.Copysign(part, f)
	}
	return time.Unix(int64(whole), int64(math.Round(part*1e9))), true
}

// between takes the window from the keys of its start and of its end.
func (w *Workload) between(o *pyjson.Object, start, end string) []energy.Finding {
	for _, f := range []struct {
		key string
		to  *time.Time
	}{{start, &w.Start}, {end, &w.End}} {
		at, ok := unixTime(o.Get(f.key))
		if !ok {
			return finding(energy.InvalidBenchmarkWindow, "%s is %s: it must be the time in seconds since 1970", f.key, shown(o.Get(f.key)))
		}
		*f.to = at
	}
	return nil
}

// unixSeconds is the time in seconds since 1970, as files have it.
func unixSeconds(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// isoTime parses a time in ISO 8601. If it has no zone it is one of loc, and
// zoned is false; without a loc it is then only recognised.
func isoTime(s string, loc *time.Location) (t time.Time, zoned, ok bool) {
	s = strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	if loc == nil {
		loc = time.UTC
	}
	for _, zone := range []string{"Z07:00", "Z0700", ""} {
		if t, err := time.ParseInLocation("2006-01-02T15:04:05"+zone, s, loc); err == nil {
			return t, zone != "", true
		}
	}
	return time.Time{}, false, false
}
