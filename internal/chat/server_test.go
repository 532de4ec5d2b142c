package chat_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/chat/chattest"
	"github.com/joulebench/joulebench/simsource"
)

// serve starts a server for as long as the test and returns its address.
func serve(t *testing.T, gpu *simsource.Source) string {
	s, err := chat.Serve(gpu)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s.URL
}

// TestWire holds the embedded server to the bytes of the protocol: client and
// server could otherwise agree on something else.
func TestWire(t *testing.T) {
	url := serve(t, simsource.New(simsource.Config{}))
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
	url, began := serve(t, gpu), time.Now()
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

// TestAlone: who has the server alone is answered in the time that it says.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		llm := chattest.Client(t, chat.NewHandler(simsource.New(simsource.Config{})), chat.Config{})
		asked := time.Now()
		_, err := llm.Chat(t.Context(), chat.Question{Prompt: "one two three", MaxTokens: 5}, nil)
		require.NoError(t, err)
		assert.Equal(t, 3*60*time.Microsecond+4*2125*time.Microsecond, time.Since(asked))
		assert.Equal(t, time.Since(asked), chat.Alone(3, 5))
	})
}

// TestCancelStopsTheGPU: a client that leaves while its prompt is read, or in the
// middle of an answer, does not leave the load behind.
func TestCancelStopsTheGPU(t *testing.T) {
	const million = 1_000_000
	for _, c := range []struct {
		name  string
		ask   chat.Question
		watts float64
	}{
		{"prefill", chat.Question{Prompt: strings.Repeat("why ", million), MaxTokens: 1}, 700},
		{"decode", chat.Question{Prompt: "why", MaxTokens: million}, 100 + 600*0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gpu := simsource.New(simsource.Config{})
				llm := chattest.Client(t, chat.NewHandler(gpu), chat.Config{})
				ctx, cancel := context.WithCancel(t.Context())
				left := make(chan error, 1)
				go func() {
					_, err := llm.Chat(ctx, c.ask, nil)
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
