package annotate

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// An extent is the time from the first request to the end of the last, of a harness that says
// so of each request.
type extent struct {
	start, end time.Time
	total      float64 // seconds of all requests that succeeded
	// n requests succeeded, and failed did not.
	n, failed int64
}

// add adds a request. One that failed took energy, too: it belongs to the window.
func (e *extent) add(sent, ended time.Time, succeeded bool) {
	e.cover(sent)
	e.cover(ended)
	if !succeeded {
		e.failed++
		return
	}
	e.n++
	e.total += ended.Sub(sent).Seconds()
}

// cover extends it to a moment.
func (e *extent) cover(t time.Time) {
	if e.start.IsZero() || t.Before(e.start) {
		e.start = t
	}
	if e.end.IsZero() || t.After(e.end) {
		e.end = t
	}
}

// complete adds the window to a workload, and the mean time of its requests.
func (e *extent) complete(w Workload) outcome {
	if e.n == 0 {
		return failed(finding(requestCountInvalid, "none of %d requests succeeded", e.failed))
	}
	if found := checkOrder("the run", e.start, e.end, []byte(e.start.UTC().Format(time.RFC3339Nano)), energy.InvalidBenchmarkWindow); found != nil {
		return failed(found)
	}
	w.Start, w.End, w.Requests = e.start, e.end, e.n
	w.Seconds = w.length()
	w.Latency = e.total / float64(e.n)
	if e.failed > 0 {
		w.Notes = append(w.Notes, failedRequests(e.failed))
	}
	return outcome{Workload: w}
}
