package joulebench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/joulebench/joulebench/simsource"
)

// server is a small OpenAI-compatible server that pretends to think. Its time
// and its GPU's load are shaped like those of a real one: reading a prompt keeps
// the GPU fully busy, one prompt at a time; writing an answer leaves most of it
// idle, and answers written together share it nearly for free. That is why many
// users cost less energy for each token.
type server struct {
	gpu     *simsource.Source
	prefill chan struct{} // holds one while a prompt is read
	writing atomic.Int64  // answers
}

const (
	readTime  = 60 * time.Microsecond // for each token of the prompt
	writeTime = 2 * time.Millisecond  // for each token of the answer, when alone
	writeLoad = 0.2                   // of the GPU, for each answer
	crowd     = 16                    // as many answers at once take twice the time
)

// newServer starts a server for as long as the test and returns its address.
func newServer(tb testing.TB, gpu *simsource.Source) (url string) {
	s := httptest.NewServer(newHandler(gpu))
	tb.Cleanup(s.Close)
	return s.URL
}

func newHandler(gpu *simsource.Source) http.Handler {
	s := &server{gpu: gpu, prefill: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	return mux
}

// request is what the server understands of a chat completion request.
type request struct {
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	MaxTokens     int  `json:"max_tokens"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

func parseRequest(r *http.Request) (request, error) {
	var q request
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return q, fmt.Errorf("malformed request: %w", err)
	}
	switch {
	case len(q.Messages) == 0:
		return q, fmt.Errorf("messages: there are none")
	case q.MaxTokens <= 0:
		return q, fmt.Errorf("max_tokens: %d is not positive", q.MaxTokens)
	case !q.Stream:
		return q, fmt.Errorf("stream: only true is supported")
	}
	return q, nil
}

// promptTokens counts words: good enough for who only pretends to read them.
func (q request) promptTokens() int {
	n := 0
	for _, m := range q.Messages {
		n += len(strings.Fields(m.Content))
	}
	return n
}

// complete serves a chat completion. A client that goes away ends it, and the
// GPU's load with it.
func (s *server) complete(w http.ResponseWriter, r *http.Request) {
	q, err := parseRequest(r)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": err.Error(), "type": "invalid_request_error"}})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if err := s.read(r.Context(), q.promptTokens()); err != nil {
		return
	}
	if err := s.write(r.Context(), w, q.MaxTokens); err != nil {
		return
	}
	if q.StreamOptions.IncludeUsage {
		n := q.promptTokens()
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n", n, q.MaxTokens, n+q.MaxTokens)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// read pretends to read a prompt.
func (s *server) read(ctx context.Context, tokens int) error {
	select {
	case s.prefill <- struct{}{}:
		defer func() { <-s.prefill }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer s.gpu.Busy()()
	return sleep(ctx, time.Duration(tokens)*readTime)
}

// write pretends to think of an answer, and streams it token by token.
func (s *server) write(ctx context.Context, w http.ResponseWriter, tokens int) error {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	defer s.gpu.BusyLoad(writeLoad)()
	flush := http.NewResponseController(w)
	for i := range tokens {
		// The first token is what reading the prompt ends with.
		if i > 0 {
			if err := sleep(ctx, writeTime*time.Duration(crowd+s.writing.Load())/crowd); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" joule\"}}]}\n\n"); err != nil {
			return err
		}
		if err := flush.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
