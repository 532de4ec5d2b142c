package tokens

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// engine is an inference server whose requests are known, and its page.
type engine struct {
	mu       sync.Mutex
	kind     string
	requests []request
	born     time.Time
	reads    int
	took     time.Duration // an answer
	broken   error
	tp, dp   int // ranks, of SGLang
	lag      time.Duration
}

// request generates its output at an even rate from its first token on.
type request struct {
	arrives, first, ends time.Time
	prompt, output       float64
}

// tokens are those of the request by a time, as they are generated.
func (r request) tokens(at time.Time) (prompt, output float64) {
	if at.After(r.arrives) {
		prompt = r.prompt * min(1, at.Sub(r.arrives).Seconds()/r.first.Sub(r.arrives).Seconds())
	}
	if at.After(r.first) {
		output = r.output * min(1, at.Sub(r.first).Seconds()/r.ends.Sub(r.first).Seconds())
	}
	return prompt, output
}

// truth is what was computed between two times.
func (e *engine) truth(from, to time.Time) (prompt, output float64) {
	for _, r := range e.requests {
		p1, o1 := r.tokens(from)
		p2, o2 := r.tokens(to)
		prompt, output = prompt+p2-p1, output+o2-o1
	}
	return prompt, output
}

// state is what a server has counted by a time.
type state struct{ prompt, output, endedPrompt, endedOutput, arrived, firstPrompt, requests, running float64 }

func (e *engine) state(at time.Time) (s state) {
	for _, r := range e.requests {
		p, o := r.tokens(at)
		s.prompt, s.output = s.prompt+p, s.output+o
		if !at.Before(r.arrives) {
			s.arrived += r.prompt
		}
		if !at.Before(r.first) {
			s.firstPrompt += r.prompt
		}
		switch {
		case !at.Before(r.ends.Add(e.lag)):
			s.requests, s.endedPrompt, s.endedOutput = s.requests+1, s.endedPrompt+r.prompt, s.endedOutput+r.output
		case !at.Before(r.arrives) && at.Before(r.ends):
			s.running++
		}
	}
	return s
}

// page writes the page of the kind, as its source has it.
func (e *engine) page(at time.Time) string {
	s := e.state(at)
	var b strings.Builder
	row := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	const m = `{model_name="m"`
	switch e.kind {
	case "vllm":
		row(`# TYPE vllm:generation_tokens_total counter`)
		for engine := range 2 { // half of them each
			row(`vllm:generation_tokens_total%s,engine="%d"} %.0f`, m, engine, s.output/2)
			row(`vllm:prompt_tokens_total%s,engine="%d"} %g`, m, engine, s.firstPrompt/2)
			row(`vllm:num_requests_running%s,engine="%d"} %g`, m, engine, s.running/2)
		}
		row(`vllm:prompt_tokens_by_source_total%s,source="local_compute"} %g`, m, s.firstPrompt*3/4)
		row(`vllm:prompt_tokens_by_source_total%s,source="local_cache_hit"} %g`, m, s.firstPrompt/4)
		row(`vllm:request_success_total%s,finished_reason="stop"} %g`, m, s.requests)
		row(`process_start_time_seconds %d`, e.born.Unix())
	case "sglang":
		row(`sglang:generation_tokens_total%s} %g`, m, s.endedOutput)
		row(`sglang:prompt_tokens_total%s} %g`, m, s.endedPrompt)
		row(`sglang:num_requests_total%s} %g`, m, s.requests)
		row(`sglang:num_running_reqs%s} %g`, m, s.running)
		for dp := range e.dp {
			for tp := range e.tp {
				row(`sglang:realtime_tokens_total%s,mode="decode",tp_rank="%d",dp_rank="%d"} %.0f`, m, tp, dp, s.output/float64(e.dp))
				row(`sglang:realtime_tokens_total%s,mode="prefill_compute",tp_rank="%d",dp_rank="%d"} %.0f`, m, tp, dp, s.prompt/float64(e.dp))
			}
		}
	case "tgi":
		row(`tgi_request_generated_tokens_sum %g`, s.endedOutput)
		row(`tgi_request_input_length_sum %g`, s.arrived)
		row(`tgi_request_success{method="generate"} %g`, s.requests)
		row(`tgi_batch_current_size %g`, s.running)
	case "trtllm":
		row(`trtllm_generation_tokens_total%s,engine_type="trtllm"} %g`, m, s.endedOutput)
		row(`trtllm_prompt_tokens_total%s,engine_type="trtllm"} %g`, m, s.endedPrompt)
		row(`trtllm_request_success_total%s,engine_type="trtllm",finished_reason="stop"} %g`, m, s.requests)
		row(`trtllm_num_active_requests%s,engine_type="trtllm"} %g`, m, s.running)
	case "llamacpp":
		row(`llamacpp:tokens_predicted_total %g`, s.endedOutput)
		row(`llamacpp:prompt_tokens_total %g`, s.endedPrompt)
		row(`llamacpp:requests_processing %g`, s.running)
	case "lmdeploy":
		row(`lmdeploy:generation_tokens_total%s,engine="0"} %.0f`, m, s.output)
		row(`lmdeploy:prompt_tokens_total%s,engine="0"} %g`, m, s.firstPrompt)
		row(`lmdeploy:request_success_total%s,engine="0",finished_reason="stop"} %g`, m, s.requests)
		row(`lmdeploy:num_requests_running%s,engine="0"} %g`, m, s.running)
	case "dynamo":
		row(`dynamo_frontend_output_tokens_total{model="m"} %.0f`, s.output)
		row(`dynamo_frontend_input_sequence_tokens_sum{model="m"} %g`, s.endedPrompt)
		row(`dynamo_frontend_requests_total{model="m",status="success"} %g`, s.requests)
		row(`dynamo_frontend_active_requests{model="m"} %g`, s.running)
		row(`vllm:generation_tokens_total{model_name="m",engine="0"} %.0f`, s.output)
	case "triton":
		row(`nv_inference_request_success{model="m",version="1"} %g`, s.requests)
	case "old trtllm":
		row(`trtllm_request_success_total%s,engine_type="trtllm",finished_reason="stop"} %g`, m, s.requests)
	}
	return b.String()
}

// RoundTrip answers with the page.
func (e *engine) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.reads++
	took, broken := e.took, e.broken
	e.mu.Unlock()
	select {
	case <-time.After(took / 2):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	page := e.page(time.Now())
	time.Sleep(took / 2)
	if broken != nil {
		return nil, broken
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewBufferString(page)), Request: r}, nil
}

var errRefused = errors.New("connection refused")

// hosts are engines by their host.
type hosts map[string]*engine

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	if e := h[r.URL.Host]; e != nil {
		return e.RoundTrip(r)
	}
	return nil, errRefused
}

// contains reports whether a number is in the interval of a count, give or take its rounding.
func contains(c *Count, n float64) bool { return n >= c.Low-0.5 && n <= c.High+0.5 }

// open1 returns a source of engines.
func open1(t *testing.T, spec string, rt http.RoundTripper) *Source {
	t.Helper()
	c, err := Parse(spec)
	require.NoError(t, err)
	c.HTTP.Client = &http.Client{Transport: rt}
	s, err := Open(c)
	require.NoError(t, err)
	return s
}

// load makes requests: users of them at a time, from a time on, as many as n.
func (e *engine) load(from time.Time, users, n int) {
	next := make([]time.Time, users)
	for i := range next {
		next[i] = from.Add(time.Duration(i) * 37 * time.Millisecond)
	}
	for i := range n {
		u := i % users
		output := 50 + float64(i*7919%200)
		r := request{arrives: next[u], prompt: 100 + float64(i*104729%300), output: output}
		r.first = r.arrives.Add(80 * time.Millisecond)
		r.ends = r.first.Add(time.Duration(output*10) * time.Millisecond)
		next[u] = r.ends
		e.requests = append(e.requests, r)
	}
}
