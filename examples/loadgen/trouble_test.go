package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// diesAfter is a server that cuts off every answer, and takes no request any
// more, from some time on.
func diesAfter(d time.Duration) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var dead atomic.Bool
		time.AfterFunc(d, func() { dead.Store(true) })
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(&mortal{w, &dead}, r)
			if dead.Load() {
				panic(http.ErrAbortHandler)
			}
		})
	}
}

type mortal struct {
	http.ResponseWriter
	dead *atomic.Bool
}

func (m *mortal) Write(p []byte) (int, error) {
	if m.dead.Load() {
		return 0, io.ErrClosedPipe
	}
	return m.ResponseWriter.Write(p)
}

func (m *mortal) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// TestServerThatDies: the level in which it dies counts what came; the next one
// says why there is nothing; and a server that is gone is not asked without a pause.
func TestServerThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(4, 4, 4), diesAfter(2*time.Second))
		require.Equal(t, failed, b.run(t.Context()))
		require.Len(t, b.results, 2, "the third level is not tried")
		first, second := b.results[0], b.results[1]
		requireTruth(t, b, first)
		assert.Positive(t, first.report.Work.Requests)
		assert.GreaterOrEqual(t, first.failures, 4, "all users lost an answer")
		assert.Less(t, value(t, first, "goodput-tokens/J"), value(t, first, "tokens/J"), "tokens of answers that were cut off are no good ones")
		assert.Zero(t, second.successes)
		assert.Less(t, second.failures, 4*8, "users wait longer each time")
		assert.Contains(t, b.stderr.String(), "users=4: no request succeeded: chat: ")
		assert.Contains(t, b.stdout.String(), "Note: users=4: ")
		assert.Equal(t, 1, strings.Count(b.stdout.String(), "BenchmarkLoadgen/users=4 "), "a level without a token is no record")
	})
}

// refuses is a server that refuses requests.
func refuses(which func(n int64) bool) func(http.Handler) http.Handler {
	var n atomic.Int64
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if which(n.Add(1)) {
				w.WriteHeader(http.StatusTooManyRequests)
				io.WriteString(w, `{"error":{"message":"slow down"}}`)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

func TestServerThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(1), refuses(func(int64) bool { return true }))
		require.Equal(t, failed, b.run(t.Context()))
		assert.Equal(t, "the server does not answer: chat: the server answers 429 Too Many Requests: slow down\n", b.stderr.String())
		assert.Equal(t, 1, b.served.requests)
		assert.Empty(t, b.stdout.String())
	})
}

// TestServerThatRefusesSome: errors are counted and shown, and the rest is
// measured.
func TestServerThatRefusesSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(2), refuses(func(n int64) bool { return n%5 == 0 }))
		require.Equal(t, ok, b.run(t.Context()))
		r := b.results[0]
		requireTruth(t, b, r)
		assert.Equal(t, b.served.requests, 1+r.successes+r.failures)
		assert.Equal(t, b.served.requests/5, r.failures)
		met, _ := r.metPercent()
		assert.Less(t, met, 100.0, "who is refused is not served in time")
		assert.Contains(t, b.unwrapped(), "requests failed: chat: the server answers 429 Too Many Requests: slow down")
	})
}

// TestServerThatHangs: no answer is waited for for ever.
func TestServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(2)
		c.timeout = 3 * time.Second
		from := time.Now().Add(2 * time.Second)
		b := newBench(t, c, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if time.Now().After(from) {
					_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the client leave
					<-r.Context().Done()
				}
				h.ServeHTTP(w, r)
			})
		})
		require.Equal(t, ok, b.run(t.Context()))
		require.Equal(t, 2, b.results[0].failures)
		assert.Contains(t, b.unwrapped(), "2 requests failed: the answer was not there after -timeout 3s: chat: ")
		assert.Less(t, time.Since(from), 10*time.Second)
	})
}

// speaks is a server that writes an answer as it is given, after a while.
func speaks(events ...string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			for _, e := range append(events, "[DONE]") {
				time.Sleep(10 * time.Millisecond)
				io.WriteString(w, "data: "+e+"\n\n")
				_ = http.NewResponseController(w).Flush()
			}
		})
	}
}

const word = `{"choices":[{"delta":{"content":"a"}}]}`

// TestNoUsage: chunks are counted where the server does not say its usage, and
// that is said.
func TestNoUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(1), speaks(word, word))
		require.Equal(t, ok, b.run(t.Context()))
		r := b.results[0]
		requireTruth(t, b, r)
		assert.Zero(t, r.report.Work.PromptTokens)
		_, known := r.report.Value("J/prompt-token")
		assert.False(t, known)
		assert.Contains(t, b.stderr.String(), "the server does not say its usage")
		assert.Contains(t, b.unwrapped(), "Note: users=1: the server does not say its usage")
	})
}

// TestManyTokensInAChunk: the server's usage counts, and the window gets the share
// of it whose chunks came inside.
func TestManyTokensInAChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(1), speaks(word, word, `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":6}}`))
		require.Equal(t, ok, b.run(t.Context()))
		r := b.results[0]
		m := r.report.Measurement
		inside, edges := b.served.between(m.Start, m.End)
		assert.GreaterOrEqual(t, r.report.Work.OutputTokens, 3*inside)
		assert.LessOrEqual(t, r.report.Work.OutputTokens, 3*(inside+edges))
		assert.Equal(t, 9*int64(len(r.ttft)), r.report.Work.PromptTokens)
	})
}

// TestLongAnswers: a level in which no request ends has tokens all the same.
func TestLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(2)
		c.maxTokens = 3000
		b := newBench(t, c, nil)
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		requireTruth(t, b, b.results[0])
		assert.Zero(t, b.results[0].report.Work.Requests)
		assert.Contains(t, b.unwrapped(), "no request ended in the window")
	})
}

// TestFilesThatCannotBeWritten: the results are printed all the same.
func TestFilesThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(1, 4)
		c.json = filepath.Join(t.TempDir(), "there", "is", "none")
		b := newBench(t, c, nil)
		require.Equal(t, failed, b.run(t.Context()))
		require.Len(t, b.results, 1, "the run ends when that is known")
		assert.Contains(t, b.stderr.String(), "no such file")
		assert.Contains(t, b.stdout.String(), "BenchmarkLoadgen/users=1 ")
	})
}

// TestWithoutJoules: a nil meter measures the load, and no joules are made up.
func TestWithoutJoules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(1, 4), nil)
		b.meter = nil
		require.Equal(t, ok, b.run(t.Context()))
		assert.NotContains(t, b.stdout.String(), "J/op")
		assert.NotContains(t, b.stdout.String(), "energy-source")
		assert.Positive(t, value(t, b.results[1], "tokens/s"))
		assert.Contains(t, b.stdout.String(), "p99-ttft-sec")
	})
}
