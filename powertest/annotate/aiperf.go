package annotate

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// The reasons that an export of aiperf can give, as InferenceX's adapter spells
// them. All withhold the numbers.
const (
	profileMissing energy.Reason = "profile_artifacts_missing"
	profileInvalid energy.Reason = "profile_artifacts_invalid"
	// profileWindowMissing and profileWindowInvalid: start_time or end_time.
	profileWindowMissing energy.Reason = "profile_window_missing"
	profileWindowInvalid energy.Reason = "profile_window_invalid"
	// profileZoneMissing: the times have no zone, and no -tz says which.
	profileZoneMissing energy.Reason = "profile_timezone_offset_missing"
	// requestCountInvalid: no request succeeded.
	requestCountInvalid energy.Reason = "successful_request_count_invalid"
	// incompleteTokens: the tokens of the successful requests are unknown.
	incompleteTokens energy.Reason = "incomplete_token_accounting"
)

// aiperfHarness are the exports of aiperf.
var aiperfHarness = harness{
	name: "aiperf", label: "aiperf (profile_export_aiperf.json)",
	is: func(o *pyjson.Object) bool {
		return !export{o}.foreign() && (o.Get("start_time") != nil || o.Get("end_time") != nil || o.Get("was_cancelled") != nil)
	},
	runs: func(in input, o *pyjson.Object) []outcome {
		w, found := aiperf(export{o}, in.zone)
		return []outcome{{w, found}}
	},
	window: "aiperf_profile_lifecycle", compares: true,
	missing: profileMissing, invalid: profileInvalid,
}

// An export is the profile that aiperf exports, profile_export_aiperf.json.
type export struct{ *pyjson.Object }

// stat is one metric of a profile. Other statistics than the mean are not read:
// of a total, avg is the total.
type stat struct {
	Avg  json.RawMessage `json:"avg"`
	Unit string          `json:"unit"`
}

// stat returns a metric of the profile.
func (p export) stat(tag string) (value float64, unit string, ok bool) {
	var s stat
	if pyjson.Unmarshal(p.Get(tag), &s) != nil {
		return 0, "", false
	}
	value, ok = number(s.Avg)
	return value, s.Unit, ok
}

// total returns the first of some metrics that is a positive whole number.
func (p export) total(tags ...string) (int64, bool) {
	for _, tag := range tags {
		if v, _, ok := p.stat(tag); ok && v > 0 && v < 1<<53 && v == math.Trunc(v) {
			return int64(v), true
		}
	}
	return 0, false
}

// timeUnits are the units of time that aiperf's metrics may have.
var timeUnits = map[string]float64{"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "seconds": 1}

// seconds returns a metric that is a time.
func (p export) seconds(tag string) (float64, bool) {
	v, unit, ok := p.stat(tag)
	scale, known := timeUnits[strings.ToLower(unit)]
	return v * scale, ok && known && v > 0
}

// foreign reports whether a file has nothing that an export has.
func (p export) foreign() bool {
	keys := []string{"start_time", "end_time", "request_count", "request_latency", "total_isl", "total_osl", "total_output_tokens", "input_config", "was_cancelled"}
	return !slices.ContainsFunc(keys, func(key string) bool { return p.Get(key) != nil })
}

// window returns the times of the profile.
func (p export) window(zone *time.Location) (start, end time.Time, found []energy.Finding) {
	if p.foreign() {
		return start, end, finding(profileWindowMissing,
			"it has no key of an export of aiperf: this is no profile_export_aiperf.json")
	}
	if start, found = p.time("start_time", zone); found == nil {
		end, found = p.time("end_time", zone)
	}
	if found == nil {
		found = checkOrder("the run", start, end, p.Get("start_time"), profileWindowInvalid)
	}
	return start, end, found
}

// time returns the time of a key. One without a zone is of zone.
func (p export) time(key string, zone *time.Location) (t time.Time, found []energy.Finding) {
	raw := p.Get(key)
	if raw == nil || string(raw) == "null" {
		return t, finding(profileWindowMissing, "%s is missing: was the run cancelled before it began?", key)
	}
	zoned := true
	t, ok := unixTime(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		t, zoned, ok = isoTime(s, zone)
	}
	switch {
	case !ok:
		found = finding(profileWindowInvalid, "%s is %s: it must be a time in ISO 8601, or in seconds since 1970",
			key, shown(raw))
	case !zoned && zone == nil:
		found = finding(profileZoneMissing, "%s is %s, a time without a zone: say with -tz where aiperf ran, "+
			"for instance -tz Europe/Berlin or -tz +0200; profile_export.jsonl beside it has the times with their zone", key, shown(raw))
	}
	return t, found
}

// concurrency is how many requests aiperf kept under way, where it kept a number:
// older exports have it in the load generator's options, newer ones in the phase
// that was measured. A pure request rate has none.
func (p export) concurrency() int64 {
	type options struct {
		Name        string          `json:"name"`
		Concurrency json.RawMessage `json:"concurrency"`
	}
	var input struct {
		Loadgen options   `json:"loadgen"`
		Phases  []options `json:"phases"`
	}
	if pyjson.Unmarshal(p.Get("input_config"), &input) != nil {
		return 0
	}
	if n, ok := count(input.Loadgen.Concurrency); ok {
		return n
	}
	for _, phase := range input.Phases {
		if n, ok := count(phase.Concurrency); ok && phase.Name != "warmup" {
			return n
		}
	}
	return 0
}

// aiperf understands an export.
func aiperf(p export, zone *time.Location) (Workload, []energy.Finding) {
	w := Workload{Reported: p.reported(), Concurrency: p.concurrency()}
	var found []energy.Finding
	if w.Start, w.End, found = p.window(zone); found != nil {
		return Workload{}, found
	}
	w.Seconds = w.length() // its own duration is that of the requests only
	must := func(r energy.Reason, what string, tags ...string) int64 {
		n, ok := p.total(tags...)
		if !ok {
			found = append(found, finding(r, "the number of %s (%s) is missing or not a positive whole number",
				what, strings.Join(tags, " or "))...)
		}
		return n
	}
	w.Requests = must(requestCountInvalid, "successful requests", "request_count")
	w.InputTokens = must(incompleteTokens, "input tokens", "total_isl")
	w.OutputTokens = must(incompleteTokens, "output tokens", "total_osl", "total_output_tokens")
	w.Latency, _ = p.seconds("request_latency")
	w.GoodRequests, _, w.HasGood = p.stat("good_request_count")
	if n, ok := p.total("error_request_count"); ok {
		w.Notes = append(w.Notes, failedRequests(n))
	}
	if string(p.Get("was_cancelled")) == "true" {
		w.Notes = append(w.Notes, "the run was cancelled")
	}
	return w, found
}

// reported is what aiperf itself reports of the energy: older exports name the
// metrics without the vendor.
func (p export) reported() map[string]float64 {
	list := map[string]float64{}
	for _, c := range metrictable.AIPerf {
		for _, prefix := range []string{"amd_", "nvidia_", ""} { // the last counts
			if v, _, ok := p.stat(prefix + c.Name); ok {
				list[c.Name] = v
			}
		}
	}
	return list
}
