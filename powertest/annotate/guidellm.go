package annotate

import (
	"encoding/json"
	"fmt"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// guidellmHarness are the reports of guidellm, of which one has a benchmark for each rate or
// concurrency. start_time and end_time are those of what is measured, without warm-up and
// cool-down, in seconds since 1970.
// https://github.com/vllm-project/guidellm/blob/ee7a7745/src/guidellm/benchmark/schemas/benchmark.py, metrics.py
var guidellmHarness = harness{
	name: "guidellm", label: "guidellm (--output-path x.json)",
	is: func(o *pyjson.Object) bool {
		list := o.Get("benchmarks")
		return len(list) > 0 && list[0] == '[' && o.Get("metadata") != nil
	},
	runs: func(_ input, o *pyjson.Object) []outcome {
		var list []json.RawMessage
		if pyjson.Unmarshal(o.Get("benchmarks"), &list) != nil || len(list) == 0 {
			return []outcome{failed(finding(invalidBenchmarkResult, "benchmarks is empty: no benchmark of guidellm has ended"))}
		}
		var runs []outcome
		for _, raw := range list {
			b, err := pyjson.Parse(raw)
			if err != nil {
				runs = append(runs, failed(finding(invalidBenchmarkResult, "a benchmark: %v", err)))
				continue
			}
			runs = append(runs, guidellmRun(b))
		}
		return runs
	},
}

// guidellmRun understands a benchmark of a report.
func guidellmRun(b *pyjson.Object) outcome {
	var t tally
	w := Workload{Harness: "guidellm"}
	if found := w.between(b, "start_time", "end_time"); found != nil {
		return failed(found)
	}
	if found := checkOrder("the benchmark", w.Start, w.End, b.Get("start_time"), energy.InvalidBenchmarkWindow); found != nil {
		return failed(found)
	}
	w.Seconds = w.length()
	if v := b.Get("duration"); v != nil {
		w.Seconds = t.duration(v, "duration")
		t.found = append(t.found, w.checkDuration()...)
	}
	w.Requests = t.count(member(b, "metrics", "request_totals", "successful"), "metrics.request_totals.successful", invalidQueryCount)
	w.InputTokens = t.count(member(b, "metrics", "prompt_token_count", "successful", "total_sum"), "metrics.prompt_token_count.successful.total_sum", invalidInputTokens)
	w.OutputTokens = t.count(member(b, "metrics", "output_token_count", "successful", "total_sum"), "metrics.output_token_count.successful.total_sum", invalidOutputTokens)
	w.Latency = positive(member(b, "metrics", "request_latency", "successful", "mean"))
	w.plan(b)
	return outcome{w, t.found}
}

// plan takes how a benchmark of guidellm was to run.
func (w *Workload) plan(b *pyjson.Object) {
	strategy := func(key string) []byte { return member(b, "config", "strategy", key) }
	w.Model = text(b, "config", "backend", "model")
	switch string(strategy("type_")) {
	case `"synchronous"`:
		w.Concurrency = 1
	case `"concurrent"`:
		w.Concurrency, _ = whole(strategy("streams"))
	}
	w.Rate = positive(strategy("rate"))
	if n, ok := whole(member(b, "metrics", "request_totals", "errored")); ok {
		w.Notes = append(w.Notes, failedRequests(n))
	}
	if n, ok := whole(member(b, "metrics", "request_totals", "incomplete")); ok {
		w.Notes = append(w.Notes, fmt.Sprintf("%d requests had not ended: their energy is in, their tokens are not", n))
	}
	first, _ := unixTime(member(b, "scheduler_metrics", "request_start_time"))
	last, _ := unixTime(member(b, "scheduler_metrics", "request_end_time"))
	if !first.IsZero() && first.Before(w.Start) || last.After(w.End) {
		w.Notes = append(w.Notes, "warm-up and cool-down are not in the window, and guidellm counts all tokens of requests that run at its edges")
	}
}
