package joulebench_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/simsource"
)

// TestWire holds the embedded server to the bytes of the protocol: client and
// server could otherwise agree on something else.
func TestWire(t *testing.T) {
	url := newServer(t, simsource.New(simsource.Config{}))
	resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(
		`{"messages":[{"role":"user","content":"one two three"}],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	assert.Equal(t, `data: {"choices":[{"index":0,"delta":{"content":" joule"}}]}

data: {"choices":[{"index":0,"delta":{"content":" joule"}}]}

data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

`, string(body))
}

func TestMalformedRequests(t *testing.T) {
	gpu := simsource.New(simsource.Config{})
	url, began := newServer(t, gpu), time.Now()
	for _, c := range []struct{ body, says string }{
		{`{`, "malformed request: unexpected EOF"},
		{`{"max_tokens":1,"stream":true}`, "messages: there are none"},
		{`{"messages":[{"content":"hi"}],"stream":true}`, "max_tokens: 0 is not positive"},
		{`{"messages":[{"content":"hi"}],"max_tokens":1}`, "stream: only true is supported"},
	} {
		resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(c.body))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, c.body)
		assert.Contains(t, string(body), c.says)
	}
	now := time.Now()
	assert.InEpsilon(t, 100*now.Sub(began).Seconds(), gpu.TrueJoules(began, now), 1e-6, "a refused request put load on the GPU")
}

func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		llm, stop := inMemory(t, simsource.New(simsource.Config{}))
		defer stop()
		firsts := 0
		u, err := llm.chat(t.Context(), question{"one two three", 5}, func() { firsts++ })
		require.NoError(t, err)
		assert.Equal(t, usage{Prompt: 3, Completion: 5}, u)
		assert.Equal(t, 1, firsts, "calls of first")
	})
}

// TestCancelStopsTheGPU: a client that leaves while its prompt is read, or in the
// middle of an answer, does not leave the load behind.
func TestCancelStopsTheGPU(t *testing.T) {
	const million = 1_000_000
	for _, c := range []struct {
		name  string
		ask   question
		watts float64
	}{
		{"prefill", question{strings.Repeat("why ", million), 1}, 700},
		{"decode", question{"why", million}, 100 + 600*writeLoad},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gpu := simsource.New(simsource.Config{})
				llm, stop := inMemory(t, gpu)
				defer stop()
				ctx, cancel := context.WithCancel(t.Context())
				left := make(chan error, 1)
				go func() {
					_, err := llm.chat(ctx, c.ask, nil)
					left <- err
				}()
				time.Sleep(time.Second) // for the prompt to arrive
				assert.InDelta(t, c.watts, wattsNow(gpu), 1e-6, "at work")
				cancel()
				require.ErrorIs(t, <-left, context.Canceled)
				synctest.Wait() // for the server to hear of it
				assert.InDelta(t, 100, wattsNow(gpu), 1e-6, "after the client left")
			})
		})
	}
}

func wattsNow(gpu *simsource.Source) float64 {
	from := time.Now()
	time.Sleep(time.Millisecond)
	return gpu.TrueJoules(from, time.Now()) * 1000
}

// TestBadAnswers: what a client cannot count it does not take for an answer.
func TestBadAnswers(t *testing.T) {
	const token = `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"
	for _, c := range []struct{ name, stream, says string }{
		{"cut off", token, "unexpected EOF"},
		{"no usage", token + "data: [DONE]\n\n", "the server did not say its usage"},
		{"not json", "data: joule\n\n", "invalid character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readStream(strings.NewReader(c.stream), nil)
			require.ErrorContains(t, err, c.says)
		})
	}
	t.Run("status", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		_, err := (&client{http: s.Client(), url: s.URL}).chat(t.Context(), short, nil)
		require.ErrorContains(t, err, "404 Not Found: 404 page not found")
	})
}
