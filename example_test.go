// The tour: what a chat completion costs in energy, with one user, with many,
// and in its two phases. Run it with
//
//	go test -run '^$' -bench . -count 6 .
//
// It needs nothing: the server is embedded (see server_test.go), and where there
// is no GPU a simulated one stands in for it, which the line "energy-source:
// simulated" says. On a machine with a GPU start a real server there, such as
// vLLM, and name it; the benchmarks stay the same:
//
//	TOUR_URL=http://localhost:8000 TOUR_MODEL=my-model go test -run '^$' -bench . -count 6 .
//
// If the server is on other machines, name their exporters, or the Prometheus
// server that scrapes them, as well:
//
//	POWERTEST_SOURCE=dcgm=gpu-node-01,gpu-node-02
package joulebench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"

	// GPUs of other machines.
	_ "github.com/joulebench/joulebench/dcgmsource"
)

// anywhere lets the tour run where there is no GPU.
var anywhere = powertest.Fallback(simsource.Default())

// A word is a token to the embedded server. The counter of a GPU changes every
// 100 ms or so: phases that are to be told apart must last for about as long.
var (
	short = question{strings.Repeat("how many joules is that ? ", 8), 12}
	long  = question{strings.Repeat("how many joules is that ? ", 400), 80}
)

// BenchmarkChat is one user who waits for each answer before asking again.
func BenchmarkChat(tb *testing.B) {
	llm := newClient(tb)
	b := powertest.Wrap(tb, anywhere) // after set-up, just before the loop
	for b.Loop() {
		u, err := llm.chat(b.Context(), short, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.AddTokens(u.Prompt, u.Completion)
		b.AddRequests(1)
	}
}

// BenchmarkChatParallel is what batching is worth: tokens/J by number of users.
func BenchmarkChatParallel(tb *testing.B) {
	b := powertest.Wrap(tb, anywhere)
	for _, users := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *powertest.B) {
			llm := newClient(b)
			b.ResetTimer()
			chatInParallel(b, llm, users)
		})
	}
}

// chatInParallel asks b.N questions, as that many users at a time. RunParallel
// starts a multiple of GOMAXPROCS; those that are too many leave.
func chatInParallel(b *powertest.B, llm *client, users int) {
	procs := runtime.GOMAXPROCS(0)
	b.SetParallelism((users + procs - 1) / procs)
	b.SetConcurrency(users)
	var seats atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		if seats.Add(1) > int64(users) {
			return
		}
		for pb.Next() {
			u, err := llm.chat(b.Context(), short, nil)
			if err != nil {
				b.Error(err)
				return
			}
			b.AddTokens(u.Prompt, u.Completion)
			b.AddRequests(1)
		}
	})
}

// BenchmarkPhases tells the energy of reading the prompt from that of writing
// the answer: prefill lasts until the first token is here.
func BenchmarkPhases(tb *testing.B) {
	llm := newClient(tb)
	b := powertest.Wrap(tb, anywhere)
	for b.Loop() {
		end := b.Phase("prefill")
		u, err := llm.chat(b.Context(), long, func() {
			end()
			end = b.Phase("decode")
		})
		end()
		if err != nil {
			b.Fatal(err)
		}
		b.AddTokens(u.Prompt, u.Completion)
	}
}

// client asks an OpenAI-compatible server.
type client struct {
	http  *http.Client
	url   string
	model string
}

// newClient returns a client of the server at TOUR_URL, or of an embedded one
// that lives as long as the benchmark.
func newClient(tb testing.TB) *client {
	// As many idle connections as users, or each request would dial anew.
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	c := &client{http: &http.Client{Transport: transport}, url: os.Getenv("TOUR_URL"), model: os.Getenv("TOUR_MODEL")}
	if c.url == "" {
		c.url = newServer(tb, simsource.Default())
	}
	return c
}

// question is what to ask, and how long the answer may be.
type question struct {
	prompt    string
	maxTokens int
}

// usage is the work that the server says it has done, in tokens.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

// chat asks one question and reads the answer to its end. It calls first, unless
// nil, when the first token is here.
func (c *client) chat(ctx context.Context, q question, first func()) (usage, error) {
	body, err := json.Marshal(map[string]any{
		"model":          c.model,
		"messages":       []any{map[string]string{"role": "user", "content": q.prompt}},
		"max_tokens":     q.maxTokens,
		"stream":         true,
		"stream_options": map[string]bool{"include_usage": true},
	})
	if err != nil {
		return usage{}, fmt.Errorf("chat: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", c.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return usage{}, fmt.Errorf("chat: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return usage{}, fmt.Errorf("chat: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return usage{}, fmt.Errorf("chat: %s: %s", resp.Status, bytes.TrimSpace(why))
	}
	u, err := readStream(resp.Body, first)
	if err != nil {
		return usage{}, fmt.Errorf("chat: read answer: %w", err)
	}
	return u, nil
}

// readStream reads server-sent events until [DONE]. An answer without it was cut
// off, and one without usage cannot be paid for in joules per token.
func readStream(r io.Reader, first func()) (usage, error) {
	var total *usage
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			return usage{}, errors.Join(lines.Err(), io.ErrUnexpectedEOF)
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case !ok: // an empty line ends each event
			continue
		case data == "[DONE]" && total == nil:
			return usage{}, errors.New("the server did not say its usage")
		case data == "[DONE]":
			return *total, nil
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
			Usage   *usage
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return usage{}, err
		}
		if first != nil && len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			first()
			first = nil
		}
		if chunk.Usage != nil {
			total = chunk.Usage
		}
	}
}
