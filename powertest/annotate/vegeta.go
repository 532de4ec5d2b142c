package annotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// vegetaReportHarness are the reports of `vegeta report -type=json`: times with their zone, and
// durations in ns. Vegeta knows no tokens.
// https://github.com/tsenart/vegeta/blob/cf58112/lib/metrics.go
var vegetaReportHarness = harness{
	name: "vegeta-report", label: "vegeta report -type=json",
	is: func(o *pyjson.Object) bool {
		return o.Get("latencies") != nil && o.Get("earliest") != nil && o.Get("end") != nil
	},
	runs: func(_ input, o *pyjson.Object) []outcome {
		const invalid = energy.InvalidBenchmarkWindow
		w := Workload{Harness: "vegeta"}
		for _, f := range []struct {
			key string
			to  *time.Time
		}{{"earliest", &w.Start}, {"end", &w.End}} {
			if json.Unmarshal(o.Get(f.key), f.to) != nil || f.to.IsZero() {
				return []outcome{failed(finding(invalid, "%s is %s: it must be a time in RFC 3339", f.key, shown(o.Get(f.key))))}
			}
		}
		if found := checkOrder("the attack", w.Start, w.End, o.Get("earliest"), invalid); found != nil {
			return []outcome{failed(found)}
		}
		var t tally
		duration, _ := number(o.Get("duration"))
		wait, _ := number(o.Get("wait"))
		w.Seconds = (duration + wait) / 1e9
		t.found = append(t.found, w.checkDuration()...)
		all := t.count(o.Get("requests"), "requests", invalidQueryCount)
		success, ok := number(o.Get("success"))
		if w.Requests = int64(math.Round(success * float64(all))); !ok || w.Requests <= 0 || w.Requests > all {
			w.Requests = 0
			t.found = append(t.found, finding(invalidQueryCount, "success is %s: it must be the share of requests that succeeded, and some must have", shown(o.Get("success")))...)
		}
		if n := all - w.Requests; n > 0 && w.Requests > 0 {
			w.Notes = append(w.Notes, failedRequests(n))
		}
		w.Rate = positive(o.Get("rate"))
		w.Latency = positive(member(o, "latencies", "mean")) / 1e9
		return []outcome{{w, t.found}}
	},
}

// vegetaLinesHarness are the requests of `vegeta encode -to json`, one in each line.
// https://github.com/tsenart/vegeta/blob/cf58112/lib/results.go
var vegetaLinesHarness = harness{
	name: "vegeta", label: "vegeta encode -to json",
	is: func(o *pyjson.Object) bool {
		return o.Get("timestamp") != nil && o.Get("latency") != nil && o.Get("code") != nil
	},
	lines: func(l *lines) outcome {
		var span extent
		note, found := l.each(func(line []byte) error {
			var hit struct {
				Code      int       `json:"code"`
				Timestamp time.Time `json:"timestamp"`
				Latency   int64     `json:"latency"`
			}
			switch err := json.Unmarshal(line, &hit); {
			case err != nil:
				return fmt.Errorf("it is no request of vegeta: %w", err)
			case hit.Timestamp.IsZero() || hit.Latency < 0:
				return errors.New("timestamp or latency is missing or negative")
			}
			span.add(hit.Timestamp, hit.Timestamp.Add(time.Duration(hit.Latency)), hit.Code >= 200 && hit.Code < 400) // as vegeta counts it
			return nil
		})
		if found != nil {
			return failed(found)
		}
		return span.complete(Workload{Harness: "vegeta", Notes: note})
	},
}
