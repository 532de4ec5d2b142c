package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// result is what is known of a level.
type result struct {
	counts // with sorted times
	users  int
	report powertest.Report
}

// newResult joins what was counted and measured. The quantiles of times become
// metrics of the report.
func newResult(users int, report powertest.Report, c counts) result {
	r := result{counts: c, users: users, report: report}
	slices.Sort(r.ttft)
	slices.Sort(r.gaps)
	for _, q := range []struct {
		unit  string
		times []time.Duration
		p     float64
	}{
		{"p50-ttft-sec", r.ttft, 0.5}, {"p99-ttft-sec", r.ttft, 0.99},
		{"p50-itl-sec", r.gaps, 0.5}, {"p99-itl-sec", r.gaps, 0.99},
	} {
		if v, known := quantile(q.times, q.p); known {
			r.report.Metrics = append(r.report.Metrics, powertest.Metric{Unit: q.unit, Value: v.Seconds()})
		}
	}
	return r
}

// perSecond is the rate of requests.
func (r result) perSecond() (v float64, known bool) {
	w := r.report.Work
	return float64(w.Requests) / w.Elapsed.Seconds(), w.Elapsed > 0
}

// metPercent is the share of requests that met the objective.
func (r result) metPercent() (v float64, known bool) {
	w := r.report.Work
	return 100 * float64(w.Judged-w.Rejected) / float64(w.Judged), w.Judged > 0
}

// String is the line that is printed when the level is over.
func (r result) String() string {
	w := r.report.Work
	s := fmt.Sprintf("users=%d: %d requests and %d tokens in %v", r.users, w.Requests, w.OutputTokens, w.Elapsed.Round(time.Millisecond))
	if v, known := r.report.Value("tokens/J"); known {
		e, _ := r.report.Value("err-%")
		s += fmt.Sprintf(", %.4g tokens/J ± %.2g %%", v, e)
	}
	return s + fmt.Sprintf(", %d errors", r.failures)
}

// notes say why numbers of the level are missing, or what to know of them.
func (r result) notes() []string {
	var list []string
	if r.failures > 0 {
		list = append(list, fmt.Sprintf("%d requests failed: %s", r.failures, strings.Join(r.why, "; ")))
	}
	if r.counted {
		list = append(list, "the server does not say its usage: chunks are counted as tokens")
	}
	if r.successes > 0 && r.report.Work.Requests == 0 && r.report.Steady == nil {
		list = append(list, "no request ended in the window: make -duration longer")
	}
	for _, c := range energy.Causes(r.report.Reasons) {
		list = append(list, c.String())
	}
	if r.report.Measurement != nil {
		for _, k := range r.report.Measurement.Kinds {
			for _, c := range energy.Causes(k.Reasons) {
				list = append(list, fmt.Sprintf("%s: %v", k.Kind, c))
			}
		}
	}
	for _, p := range r.report.Phases {
		if m := p.Measurement; !m.Valid && r.report.Valid() {
			for _, c := range energy.Causes(m.Reasons) {
				list = append(list, fmt.Sprintf("%s: no energy measurement: %v", p.Name, c))
			}
		}
	}
	return list
}

// quantile returns the value below which a share p of the samples lies, between
// two samples by linear interpolation: Hyndman and Fan's type 7, which is also
// what numpy, and with it most benchmarks of servers, do. Samples must be sorted;
// without any it is not known.
func quantile(sorted []time.Duration, p float64) (v time.Duration, known bool) {
	if len(sorted) == 0 {
		return 0, false
	}
	whole, part := math.Modf(p * float64(len(sorted)-1))
	i := int(whole)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + time.Duration(math.Round(part*float64(sorted[j]-sorted[i]))), true
}
