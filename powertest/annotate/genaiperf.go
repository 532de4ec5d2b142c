package annotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// genaiPerfHarness are the summaries of genai-perf, profile_export_genai_perf.json, which have
// no times: those are in genaiPerfRawHarness's. The form is that which aiperf took over.
// https://github.com/triton-inference-server/perf_analyzer/blob/263c5f6e/genai-perf/genai_perf/export_data/json_exporter.py
var genaiPerfHarness = harness{
	name: "genai-perf", label: "genai-perf (profile_export_genai_perf.json, or profile_export.json, which has the times)",
	is: func(o *pyjson.Object) bool {
		return o.Get("input_config") != nil && o.Get("request_latency") != nil
	},
	runs: func(_ input, o *pyjson.Object) []outcome {
		p := export{o}
		w := Workload{Harness: "genai-perf", Concurrency: p.stimulus(), Model: text(o, "input_config", "model_names")}
		var t tally
		w.Requests, _ = p.total("request_count")
		if w.Requests == 0 && o.Get("request_count") != nil {
			t.found = finding(requestCountInvalid, "request_count is not a positive whole number")
		}
		if rate, _, ok := p.stat("request_throughput"); ok && rate > 0 {
			w.Seconds = float64(w.Requests) / rate
		}
		w.InputTokens = p.sum("input_sequence_length", w.Requests)
		w.OutputTokens = p.sum("output_sequence_length", w.Requests)
		w.Latency, _ = p.seconds("request_latency")
		w.undated = "profile_export.json beside it has the times, and is read here; or "
		return []outcome{{w, t.found}}
	},
}

// sum is the total of a metric of which there is only the mean of all requests, if it is a
// whole number as far as can be seen.
func (p export) sum(tag string, requests int64) int64 {
	mean, _, ok := p.stat(tag)
	total := mean * float64(requests)
	if n := math.Round(total); ok && n > 0 && n < 1<<53 && math.Abs(total-n) < 1e-3 {
		return int64(n)
	}
	return 0
}

// stimulus is the concurrency that genai-perf was asked for; 0 if it was a rate.
func (p export) stimulus() int64 {
	n, _ := whole(member(p.Object, "input_config", "perf_analyzer", "stimulus", "concurrency"))
	return n
}

// genaiPerfRawHarness are the requests of genai-perf and perf_analyzer, profile_export.json:
// times of std::chrono::system_clock, which count ns since 1970 on Linux.
// https://github.com/triton-inference-server/perf_analyzer/blob/263c5f6e/src/profile_data_exporter.cc
var genaiPerfRawHarness = harness{
	name: "genai-perf-raw", label: "perf_analyzer (--profile-export-file)",
	is: func(o *pyjson.Object) bool { return o.Get("experiments") != nil && o.Get("service_kind") != nil },
	runs: func(_ input, o *pyjson.Object) []outcome {
		var list []experiment
		if err := pyjson.Unmarshal(o.Get("experiments"), &list); err != nil || len(list) == 0 {
			return []outcome{failed(finding(invalidBenchmarkResult, "experiments are %s: there must be one at least", shown(o.Get("experiments"))))}
		}
		var runs []outcome
		for _, e := range list {
			runs = append(runs, e.run())
		}
		return runs
	},
}

// An experiment is a run of perf_analyzer.
type experiment struct {
	Experiment struct {
		Mode  string          `json:"mode"`
		Value json.RawMessage `json:"value"`
	} `json:"experiment"`
	Requests []struct {
		Sent    json.Number   `json:"timestamp"`
		Answers []json.Number `json:"response_timestamps"`
	} `json:"requests"`
}

// run understands an experiment: a request without an answer has failed.
func (e experiment) run() outcome {
	w := Workload{Harness: "genai-perf"}
	var span extent
	for _, r := range e.Requests {
		times := append([]json.Number{r.Sent}, r.Answers...)
		sent, err := nanoseconds(times[0])
		answered, err2 := nanoseconds(times[len(times)-1])
		if err := errors.Join(err, err2); err != nil {
			return failed(finding(energy.InvalidBenchmarkWindow, "a request: %v", err))
		}
		span.add(sent, answered, len(r.Answers) > 0)
	}
	switch e.Experiment.Mode {
	case "concurrency":
		w.Concurrency, _ = whole(e.Experiment.Value)
	case "request_rate":
		w.Rate = positive(e.Experiment.Value)
	}
	return span.complete(w)
}

// nanoseconds is the time of a number of ns since 1970.
func nanoseconds(n json.Number) (time.Time, error) {
	ns, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || ns <= 0 {
		return time.Time{}, fmt.Errorf("%.30q must be a time in ns since 1970", n)
	}
	return time.Unix(0, ns), nil
}
