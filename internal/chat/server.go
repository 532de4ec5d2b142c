package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/simsource"
)

// handler is a small OpenAI-compatible server that simulates inference. Its time
// and its GPU's load are shaped like those of a real one: reading a prompt keeps
// the GPU fully busy, one prompt at a time; writing an answer leaves most of it
// idle, and answers written together share it nearly for free. That is why many
// users cost less energy for each token.
type handler struct {
	gpu     *simsource.Source
	prefill chan struct{} // holds one while a prompt is read
	writing atomic.Int64  // answers
}

const (
	readTime  = 60 * time.Microsecond // for each token of the prompt
	writeTime = 2 * time.Millisecond  // for each token of the answer, when alone
	writeLoad = 0.2                   // of the GPU, for each answer
	crowd     = 16                    // as many answers at once take twice the time

	maxRequest = 64 << 20 // bytes
)

// Alone returns how long the embedded server takes to answer its only user.
func Alone(promptTokens, outputTokens int) time.Duration {
	return time.Duration(promptTokens)*readTime + time.Duration(outputTokens-1)*wordTime(1)
}

// wordTime is how long a token takes while as many answers are written.
func wordTime(answers int64) time.Duration {
	return writeTime * time.Duration(crowd+answers) / crowd
}

// Server is an embedded server that listens.
type Server struct {
	// URL is its address, for [Config.URL].
	URL  string
	http *http.Server
}

// Serve starts an embedded server on a port of the loopback interface. Its load
// is on the simulated GPU.
func Serve(gpu *simsource.Source) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the embedded server: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String(), http: &http.Server{Handler: NewHandler(gpu)}}
	go s.http.Serve(l)
	return s, nil
}

// Close stops the server, and cuts off the answers that are under way.
func (s *Server) Close() error { return s.http.Close() }

// NewHandler returns the embedded server without a network. It understands
// streaming POSTs to /v1/chat/completions; to it a word is a token.
func NewHandler(gpu *simsource.Source) http.Handler {
	h := &handler{gpu: gpu, prefill: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", h.complete)
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

func parseRequest(w http.ResponseWriter, r *http.Request) (request, error) {
	var q request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); err != nil {
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

// promptTokens counts words.
func (q request) promptTokens() int {
	n := 0
	for _, m := range q.Messages {
		n += len(strings.Fields(m.Content))
	}
	return n
}

// complete serves a chat completion. A client that goes away ends it, and the
// GPU's load with it.
func (h *handler) complete(w http.ResponseWriter, r *http.Request) {
	q, err := parseRequest(w, r)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": err.Error(), "type": "invalid_request_error"}})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if err := h.read(r.Context(), q.promptTokens()); err != nil {
		return
	}
	if err := h.write(r.Context(), w, q.MaxTokens); err != nil {
		return
	}
	if q.StreamOptions.IncludeUsage {
		n := q.promptTokens()
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n", n, q.MaxTokens, n+q.MaxTokens)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// read simulates the prefill of a prompt.
func (h *handler) read(ctx context.Context, tokens int) error {
	select {
	case h.prefill <- struct{}{}:
		defer func() { <-h.prefill }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer h.gpu.Busy()()
	wait.Sleep(ctx, time.Duration(tokens)*readTime)
	return ctx.Err()
}

// write simulates the decoding of an answer, and streams it token by token.
func (h *handler) write(ctx context.Context, w http.ResponseWriter, tokens int) error {
	h.writing.Add(1)
	defer h.writing.Add(-1)
	defer h.gpu.BusyLoad(writeLoad)()
	flush := http.NewResponseController(w)
	for i := range tokens {
		// The first token is what reading the prompt ends with.
		if i > 0 && !wait.Sleep(ctx, wordTime(h.writing.Load())) {
			return ctx.Err()
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
