package annotate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/pyjson"
)

// Metrics of k6, and the counters of a script that are taken for tokens: k6 knows none itself.
const (
	k6Requests   = "http_reqs"
	k6Failed     = "http_req_failed"
	k6Duration   = "http_req_duration"
	k6Iterations = "iterations"
	k6Iteration  = "iteration_duration"
	k6Users      = "vus"
)

var (
	k6Prompt = []string{"prompt_tokens", "input_tokens"}
	k6Output = []string{"output_tokens", "completion_tokens", "generated_tokens"}
)

// k6SummaryHarness are the summaries of k6 in its three forms: --summary-export, which has
// neither times nor a duration, but rates by it; what handleSummary gets, with the duration in
// state; and the newer one, which has the duration and when it was written.
// https://github.com/grafana/k6/blob/87883075c/internal/js/summary-wrapper.js,
// internal/lib/summary/machinereadable/types_gen.go
var k6SummaryHarness = harness{
	name: "k6-summary", label: "k6 run --summary-export",
	is: func(o *pyjson.Object) bool {
		return o.Get("metrics") != nil && o.Get("root_group") != nil || o.Get("results") != nil && member(o, "metadata", "k6Version") != nil
	},
	runs: func(_ input, o *pyjson.Object) []outcome {
		s := k6Summary{}
		s.read(o)
		w := Workload{Harness: "k6", Seconds: s.seconds(o)}
		of := func(names ...string) (n int64) {
			for _, name := range names {
				n = cmp.Or(n, s.count(name))
			}
			return n
		}
		w.Requests = of(k6Requests)
		w.Latency = positive(s[k6Duration]["avg"]) / 1000
		if failures := s.failures(w.Requests); failures > 0 {
			w.Requests -= failures
			w.Notes = append(w.Notes, failedRequests(failures))
		}
		if s[k6Requests] == nil { // it speaks something else than HTTP
			w.Requests, w.Latency = of(k6Iterations), positive(s[k6Iteration]["avg"])/1000
		}
		w.InputTokens, w.OutputTokens = of(k6Prompt...), of(k6Output...)
		if least := positive(s[k6Users]["min"]); least == positive(s[k6Users]["max"]) {
			w.Concurrency = int64(least)
		}
		if at := member(o, "metadata", "generatedAt"); json.Unmarshal(at, &w.saved) != nil {
			w.saved = time.Time{}
		}
		w.undated = "--out json=FILE of k6 has the times; or "
		x := outcome{Workload: w}
		if w.Requests <= 0 {
			x.found = finding(invalidQueryCount, "no request or iteration succeeded: %s and %s have no count", k6Requests, k6Iterations)
		}
		return []outcome{x}
	},
}

// A k6Summary has the values of each metric by their names.
type k6Summary map[string]map[string]json.RawMessage

// read takes the metrics of any form.
func (s k6Summary) read(o *pyjson.Object) {
	var list []struct {
		Name   string                     `json:"name"`
		Values map[string]json.RawMessage `json:"values"`
	}
	_ = pyjson.Unmarshal(member(o, "results", "metrics"), &list) // which only one form has
	for _, m := range list {
		s[m.Name] = m.Values
	}
	var byName map[string]map[string]json.RawMessage
	_ = pyjson.Unmarshal(o.Get("metrics"), &byName)
	for name, m := range byName {
		if m["values"] != nil {
			var values map[string]json.RawMessage
			_ = pyjson.Unmarshal(m["values"], &values)
			m = values
		}
		s[name] = m
	}
}

// count is the count of a counter; 0 if there is none.
func (s k6Summary) count(name string) int64 {
	n, _ := whole(s[name]["count"])
	return n
}

// failures is how many requests failed: those for which the rate http_req_failed was true,
// which k6 calls its passes, or matches of all.
func (s k6Summary) failures(requests int64) int64 {
	m := s[k6Failed]
	for _, key := range []string{"passes", "matches"} {
		if n, ok := whole(m[key]); ok {
			return min(n, requests)
		}
	}
	return 0
}

// seconds is how long the run took. k6's rates are counts by that.
func (s k6Summary) seconds(o *pyjson.Object) float64 {
	if ms := positive(member(o, "state", "testRunDurationMs")); ms > 0 {
		return ms / 1000
	}
	if x := positive(member(o, "config", "duration")); x > 0 {
		return x
	}
	for _, name := range []string{k6Requests, k6Iterations} {
		if rate := positive(s[name]["rate"]); rate > 0 {
			return float64(s.count(name)) / rate
		}
	}
	return 0
}

// k6LinesHarness are the points of `k6 run --out json`. A point is of the end of a request.
// https://github.com/grafana/k6/blob/87883075c/internal/output/json/wrapper.go
var k6LinesHarness = harness{
	name: "k6", label: "k6 run --out json",
	is: func(o *pyjson.Object) bool {
		kind := text(o, "type")
		return o.Get("metric") != nil && o.Get("data") != nil && (kind == "Metric" || kind == "Point")
	},
	lines: func(l *lines) outcome {
		var r k6Run
		note, found := l.each(r.line)
		if found != nil {
			return failed(found)
		}
		return r.outcome(note)
	},
}

// A k6Run is what the points of k6 add up to.
type k6Run struct {
	http, iterations extent
	failures         int64
	prompt, output   float64
	least, most      float64 // users
	users            bool    // seen
}

// A k6Point is a line.
type k6Point struct {
	Metric string `json:"metric"`
	Type   string `json:"type"`
	Data   struct {
		Time  time.Time `json:"time"`
		Value float64   `json:"value"`
	} `json:"data"`
}

// k6Used are the metrics that are used, as lines have them: most lines are of others, and need
// not be understood.
var k6Used = func() (list [][]byte) {
	for _, name := range slices.Concat([]string{k6Failed, k6Duration, k6Iteration, k6Users}, k6Prompt, k6Output) {
		list = append(list, []byte(`"`+name+`"`))
	}
	return list
}()

// line adds a line.
func (r *k6Run) line(line []byte) error {
	if !slices.ContainsFunc(k6Used, func(name []byte) bool { return bytes.Contains(line, name) }) {
		if line[0] != '{' || line[len(line)-1] != '}' {
			return fmt.Errorf("%q is no point of k6", shown(line))
		}
		return nil
	}
	var p k6Point
	if err := json.Unmarshal(line, &p); err != nil {
		return fmt.Errorf("it is no point of k6: %w", err)
	}
	if p.Type != "Point" {
		return nil
	}
	if p.Data.Time.IsZero() || p.Data.Value < 0 || p.Data.Value > 1000*latest {
		return fmt.Errorf("%s has no time, or the value %g", p.Metric, p.Data.Value)
	}
	r.add(p)
	return nil
}

// add adds a point.
func (r *k6Run) add(p k6Point) {
	began := func() time.Time { return p.Data.Time.Add(-time.Duration(p.Data.Value * float64(time.Millisecond))) }
	switch {
	case p.Metric == k6Duration:
		r.http.add(began(), p.Data.Time, true)
	case p.Metric == k6Iteration:
		r.iterations.add(began(), p.Data.Time, true)
	case p.Metric == k6Failed && p.Data.Value != 0:
		r.failures++
	case p.Metric == k6Users:
		if !r.users {
			r.users, r.least = true, p.Data.Value
		}
		r.least, r.most = min(r.least, p.Data.Value), max(r.most, p.Data.Value)
	case slices.Contains(k6Prompt, p.Metric):
		r.prompt += p.Data.Value
	case slices.Contains(k6Output, p.Metric):
		r.output += p.Data.Value
	}
}

// maxTokens is how many tokens a run can have: no more are exact as a float64.
const maxTokens = 1 << 53

// tokensOf is a sum of tokens; 0, which is unknown, if there can't be so many.
func tokensOf(sum float64) int64 {
	if sum > maxTokens {
		return 0
	}
	return int64(sum)
}

// outcome is the run that the points are of.
func (r *k6Run) outcome(note []string) outcome {
	span := r.http
	if span.n == 0 { // it speaks something else than HTTP
		span = r.iterations
	}
	span.failed = min(r.failures, span.n)
	span.n -= span.failed
	span.total *= float64(span.n) / float64(max(span.n+span.failed, 1))
	w := Workload{Harness: "k6", Notes: note, InputTokens: tokensOf(r.prompt), OutputTokens: tokensOf(r.output)}
	if r.least == r.most {
		w.Concurrency = int64(r.most)
	}
	return span.complete(w)
}
