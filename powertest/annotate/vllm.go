package annotate

import (
	"fmt"
	"time"

	"github.com/joulebench/joulebench/internal/pyjson"
)

// vllmHarness are the results of `vllm bench serve`, with --save-detailed or without, one or
// several in a file. They say how long the run took, and a date, but not when it began: with
// --save-detailed start_times are of time.perf_counter, whose zero is unknown.
//
// date is datetime.now() to the second, in the zone of the machine, which is taken when
// benchmark() has returned: after the run has ended and its statistics are computed.
// https://github.com/vllm-project/vllm/blob/009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1/vllm/benchmarks/serve.py,
// main_async, "Save config and results to json".
var vllmHarness = harness{
	name: "vllm", label: "vllm bench serve (--save-result)",
	is: isServing,
	runs: func(in input, o *pyjson.Object) []outcome {
		x := serving(o)
		x.Harness = "vLLM bench serve"
		x.dated(text(o, "date"), in.zone)
		// A rate of requests, which is null unless objectives were given.
		if good, ok := number(o.Get("request_goodput")); ok && good >= 0 {
			x.GoodRequests, x.HasGood = good*x.Seconds, true
		}
		x.Latency = positive(o.Get("mean_e2el_ms")) / 1000 // with --percentile-metrics e2el
		return []outcome{x}
	},
}

// isServing reports whether an object has what vLLM's benchmark of a server and its
// descendants write.
func isServing(o *pyjson.Object) bool {
	return o.Get("duration") != nil && o.Get("completed") != nil && o.Get("total_input_tokens") != nil
}

// serving understands the keys that vLLM's benchmark of a server and its descendants have in
// common.
func serving(o *pyjson.Object) outcome {
	var t tally
	var w Workload
	w.Model = text(o, "model_id")
	w.Seconds = t.duration(o.Get("duration"), "duration")
	w.Requests = t.count(o.Get("completed"), "completed", invalidQueryCount)
	w.InputTokens = t.count(o.Get("total_input_tokens"), "total_input_tokens", invalidInputTokens)
	w.OutputTokens = t.count(o.Get("total_output_tokens"), "total_output_tokens", invalidOutputTokens)
	w.Concurrency, _ = whole(o.Get("max_concurrency"))
	w.Rate = positive(o.Get("request_rate")) // as many as possible are "inf", or Infinity
	if n, ok := whole(o.Get("failed")); ok {
		w.Notes = append(w.Notes, failedRequests(n))
	}
	return outcome{w, t.found}
}

// failedRequests is the note on requests that failed.
func failedRequests(n int64) string {
	return fmt.Sprintf("%d requests failed: their energy is in, their tokens are not", n)
}

// dated takes a date of vLLM as when the result was written.
func (x *outcome) dated(date string, zone *time.Location) {
	const layout = "20060102-150405"
	if _, err := time.Parse(layout, date); err != nil {
		return
	}
	if zone == nil {
		x.undated = fmt.Sprintf("its date, %s, has no zone: -tz says of which it is, for instance -tz Europe/Berlin or -tz +0200; or ", date)
		return
	}
	x.saved, _ = time.ParseInLocation(layout, date, zone)
	x.savedTo = time.Second
}
