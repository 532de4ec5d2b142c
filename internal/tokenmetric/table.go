// Package tokenmetric knows which metric of which inference server counts tokens and
// requests, when a server adds to it, and which rows of a page are copies of one another.
package tokenmetric

import (
	"maps"
	"slices"
	"strings"
)

// What is what a metric counts.
type What uint8

// The counters, and the gauges that say how far these can be behind.
const (
	Output   What = iota // tokens that were generated
	Prompt               // tokens of prompts, cached ones among them
	Cached               // of them, those that a cache had
	Requests             // that ended well
	Running              // requests that are served now: a gauge
	Waiting              // requests that are not served yet: a gauge
	Kinds                // how many there are
)

// String names it as messages do.
func (w What) String() string {
	return [...]string{"output tokens", "prompt tokens", "cached tokens", "requests", "running requests", "waiting requests"}[w]
}

// Update says when a server adds to a counter.
type Update uint8

const (
	// AtStep: with each token.
	AtStep Update = iota
	// AtFirstToken: a whole prompt, when its first token is there.
	AtFirstToken
	// AtArrival: a whole prompt, before any of it is computed.
	AtArrival
	// AtEnd: all of a request, when it ends.
	AtEnd
)

// Metric is a metric of a server.
type Metric struct {
	Name   string
	Update Update
	// Label and Values, if set, are of the rows that count; NotValues excludes.
	Label     string
	Values    []string
	NotValues []string
	// Uncached says that tokens which a cache had are not counted.
	Uncached bool
}

// Counts reports whether a row with the value of Label counts.
func (m Metric) Counts(value string) bool {
	if m.Label == "" {
		return true
	}
	if len(m.Values) > 0 {
		return slices.Contains(m.Values, value)
	}
	return !slices.Contains(m.NotValues, value)
}

// Server is a kind of server.
type Server struct {
	// Name is how it is called in POWERTEST_TOKENS.
	Name string
	// Port and Path are where its page is.
	Port, Path string
	// Of has the metrics for each [What], the best first: the first that a page has is
	// read.
	Of [Kinds][]Metric
	// Copies are labels by whose values rows are copies of one another: the ranks of a
	// server that has several. All other labels make parts of a sum.
	Copies []string
	// Model is the label that names the model.
	Model string
	// Latency are histograms of the latency of requests, in seconds, by what they are of.
	Latency map[string]string
}

// Copied are labels that a Prometheus server adds by whose values series are copies: those of
// a pair of servers that scrape the same targets.
var Copied = []string{"prometheus", "prometheus_replica"}

func metric(name string, u Update) []Metric { return []Metric{{Name: name, Update: u}} }

func latencies(prefix, ttft, whole string) map[string]string {
	return map[string]string{"ttft": prefix + ttft, "e2e": prefix + whole}
}

// Servers are all kinds, in the order in which a page is tried: what counts for others goes
// first. The names are those of the servers' sources; see docs/metrics.md for which of them
// were seen on real pages.
var Servers = []Server{
	{
		// Its workers export their own engines' counters, of the same tokens.
		Name: "dynamo", Port: "8000", Path: "/metrics", Model: "model",
		Of: [Kinds][]Metric{
			Output:   metric("dynamo_frontend_output_tokens_total", AtStep),
			Prompt:   metric("dynamo_frontend_input_sequence_tokens_sum", AtEnd),
			Requests: metric("dynamo_frontend_requests_total", AtEnd),
			Running:  {{Name: "dynamo_frontend_active_requests"}, {Name: "dynamo_frontend_inflight_requests"}},
		},
		Latency: latencies("dynamo_frontend_", "time_to_first_token_seconds", "request_duration_seconds"),
	},
	{
		Name: "vllm", Port: "8000", Path: "/metrics", Model: "model_name",
		Of: [Kinds][]Metric{
			Output: metric("vllm:generation_tokens_total", AtStep),
			Prompt: append(metric("vllm:prompt_tokens_total", AtFirstToken), metric("vllm:prompt_tokens_by_source_total", AtFirstToken)...),
			Cached: {
				{Name: "vllm:prompt_tokens_cached_total", Update: AtFirstToken},
				{Name: "vllm:prompt_tokens_by_source_total", Update: AtFirstToken, Label: "source", NotValues: []string{"local_compute"}},
			},
			Requests: metric("vllm:request_success_total", AtEnd),
			Running:  metric("vllm:num_requests_running", AtStep),
			Waiting:  metric("vllm:num_requests_waiting", AtStep),
		},
		Latency: latencies("vllm:", "time_to_first_token_seconds", "e2e_request_latency_seconds"),
	},
	{
		Name: "sglang", Port: "30000", Path: "/metrics", Model: "model_name",
		Of: [Kinds][]Metric{
			Output: {
				{Name: "sglang:realtime_tokens_total", Label: "mode", Values: []string{"decode"}},
				{Name: "sglang:generation_tokens_total", Update: AtEnd},
			},
			Prompt: {
				{Name: "sglang:realtime_tokens_total", Label: "mode", Values: []string{"prefill_compute", "prefill_cache"}},
				{Name: "sglang:prompt_tokens_total", Update: AtEnd},
			},
			Cached: {
				{Name: "sglang:realtime_tokens_total", Label: "mode", Values: []string{"prefill_cache"}},
				{Name: "sglang:cached_tokens_total", Update: AtEnd},
			},
			Requests: metric("sglang:num_requests_total", AtEnd),
			Running:  metric("sglang:num_running_reqs", AtStep),
			Waiting:  metric("sglang:num_queue_reqs", AtStep),
		},
		Copies:  []string{"tp_rank", "pp_rank", "moe_ep_rank"},
		Latency: latencies("sglang:", "time_to_first_token_seconds", "e2e_request_latency_seconds"),
	},
	{
		Name: "tgi", Port: "8080", Path: "/metrics",
		Of: [Kinds][]Metric{
			Output:   metric("tgi_request_generated_tokens_sum", AtEnd),
			Prompt:   metric("tgi_request_input_length_sum", AtArrival),
			Requests: {{Name: "tgi_request_success", Update: AtEnd}, {Name: "tgi_request_success_total", Update: AtEnd}},
			Running:  metric("tgi_batch_current_size", AtStep),
			Waiting:  metric("tgi_queue_size", AtStep),
		},
		Latency: map[string]string{"e2e": "tgi_request_duration"},
	},
	{
		// Its /metrics is JSON, and reading it empties it: never read that.
		Name: "trtllm", Port: "8000", Path: "/prometheus/metrics", Model: "model_name",
		Of: [Kinds][]Metric{
			Output:   metric("trtllm_generation_tokens_total", AtEnd),
			Prompt:   metric("trtllm_prompt_tokens_total", AtEnd),
			Cached:   metric("trtllm_prompt_cached_tokens_total", AtEnd),
			Requests: metric("trtllm_request_success_total", AtEnd),
			Running:  metric("trtllm_num_active_requests", AtStep),
		},
		Latency: latencies("trtllm_", "time_to_first_token_seconds", "e2e_request_latency_seconds"),
	},
	{
		Name: "lmdeploy", Port: "23333", Path: "/metrics", Model: "model_name",
		Of: [Kinds][]Metric{
			Output:   metric("lmdeploy:generation_tokens_total", AtStep),
			Prompt:   metric("lmdeploy:prompt_tokens_total", AtFirstToken),
			Requests: metric("lmdeploy:request_success_total", AtEnd),
			Running:  metric("lmdeploy:num_requests_running", AtStep),
			Waiting:  metric("lmdeploy:num_requests_waiting", AtStep),
		},
		Latency: latencies("lmdeploy:", "time_to_first_token_seconds", "e2e_request_latency_seconds"),
	},
	{
		Name: "llamacpp", Port: "8080", Path: "/metrics",
		Of: [Kinds][]Metric{
			Output:  metric("llamacpp:tokens_predicted_total", AtEnd),
			Prompt:  {{Name: "llamacpp:prompt_tokens_total", Update: AtEnd, Uncached: true}},
			Running: metric("llamacpp:requests_processing", AtStep),
			Waiting: metric("llamacpp:requests_deferred", AtStep),
		},
	},
	{
		Name: "triton", Port: "8002", Path: "/metrics", Model: "model",
		Of: [Kinds][]Metric{
			Requests: metric("nv_inference_request_success", AtEnd),
		},
	},
}

// Without are servers that export no counter of tokens, and what to do.
var Without = map[string]string{
	"ollama": "Ollama exports no counters: let the client count, with AddTokens",
}

// Find returns the server of a name.
func Find(name string) (*Server, bool) {
	i := slices.IndexFunc(Servers, func(s Server) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return &Servers[i], true
}

// ServerNames returns the names of all servers.
func ServerNames() (list []string) {
	for _, s := range Servers {
		list = append(list, s.Name)
	}
	return list
}

// ProcessStart is when a server's process began, in seconds since the epoch, on the pages of
// many.
const ProcessStart = "process_start_time_seconds"

// IsCreated reports whether a metric says when one of the counters was made: some clients of
// Prometheus write that beside each counter.
func IsCreated(name string) bool {
	stem, found := strings.CutSuffix(name, "_created")
	return found && names[stem+"_total"]
}

// names are those of all metrics of the table.
var names = func() map[string]bool {
	all := map[string]bool{}
	for _, s := range Servers {
		for _, list := range s.Of {
			for _, m := range list {
				all[m.Name] = true
			}
		}
	}
	return all
}()

// Wanted reports whether a metric of the name is of use.
func Wanted(name string) bool { return names[name] || name == ProcessStart || IsCreated(name) }

// Names returns the names of the metrics of one server, or of all if it is nil, sorted. What
// says when a process began is among them.
func Names(of *Server) []string {
	if of == nil {
		return append(slices.Sorted(maps.Keys(names)), ProcessStart)
	}
	list := []string{ProcessStart}
	for _, kinds := range of.Of {
		for _, m := range kinds {
			list = append(list, m.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Of returns the server of a page, by the names of metrics on it, and nil if it is none.
func Of(has func(name string) bool) *Server {
	for i := range Servers {
		for _, what := range []What{Output, Prompt, Requests} {
			for _, m := range Servers[i].Of[what] {
				if has(m.Name) {
					return &Servers[i]
				}
			}
		}
	}
	return nil
}
