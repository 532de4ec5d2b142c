package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/chat/chattest"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"
)

// bench is a session inside a testing/synctest bubble, on a simulated GPU.
type bench struct {
	*session
	gpu    *simsource.Source
	served *served
	stdout bytes.Buffer
	stderr strings.Builder
}

// small is a configuration whose levels take a second or two. Its times are odd,
// so that nothing happens at the same time as the edge of a window.
func small(users ...int) config {
	return config{
		users: users, duration: 2003*time.Millisecond + 7, warmup: 501*time.Millisecond + 3, timeout: time.Minute,
		count: 1, prompt: 50, maxTokens: 20, seed: 1, slo: objective{200 * time.Millisecond, 50 * time.Millisecond},
	}
}

// newBench returns a session with an embedded server, which wrap, unless nil,
// changes.
func newBench(t *testing.T, c config, wrap func(http.Handler) http.Handler) *bench {
	t.Helper()
	b := &bench{gpu: simsource.New(simsource.Config{})}
	var h http.Handler = chat.NewHandler(b.gpu)
	if wrap != nil {
		h = wrap(h)
	}
	b.served = &served{Handler: h}
	meter, err := powertest.NewMeter(t.Context(), powertest.From(b.gpu))
	require.NoError(t, err)
	t.Cleanup(func() { meter.Close() })
	if c.bench == "" {
		c.bench = standard
	}
	b.session = &session{
		config: c, meter: meter, stdout: &b.stdout, table: &b.stdout,
		llm: chattest.Client(t, b.served, chat.Config{CountChunks: true}),
		say: func(format string, args ...any) { fmt.Fprintf(&b.stderr, format+"\n", args...) },
	}
	return b
}

// unwrapped is what was printed, with notes in one line.
func (b *bench) unwrapped() string { return strings.ReplaceAll(b.stdout.String(), "\n  ", " ") }

// interrupt returns a context that ends after some time.
func interrupt(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	time.AfterFunc(after, cancel)
	return ctx
}

// served is a server that remembers when it wrote each token, and how many
// requests there were.
type served struct {
	http.Handler
	mu       sync.Mutex
	tokens   []time.Time
	requests int
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	s.Handler.ServeHTTP(&servedWriter{w, s}, r)
}

// between returns how many tokens were written after start and before end, and how many
// right at them: of several users' that come at one instant, the one whose token is the edge
// of a steady state may go first, or not.
func (s *served) between(start, end time.Time) (inside, edges int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.tokens {
		switch {
		case at.Equal(start), at.Equal(end):
			edges++
		case at.After(start) && at.Before(end):
			inside++
		}
	}
	return inside, edges
}

type servedWriter struct {
	http.ResponseWriter
	s *served
}

func (w *servedWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("content")) {
		w.s.mu.Lock()
		w.s.tokens = append(w.s.tokens, time.Now())
		w.s.mu.Unlock()
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *servedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
