package chat_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

var hi = chat.Question{Prompt: "hi", MaxTokens: 3}

const (
	token = `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"
	done  = "data: [DONE]\n\n"
)

// ask asks a server that answers with a text, and returns how many chunks came.
func ask(t *testing.T, text string, c chat.Config) (u chat.Usage, chunks int, err error) {
	t.Helper()
	return askOf(t, c, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, text)
	})
}

// askOf is ask of a server that answers otherwise.
func askOf(t *testing.T, c chat.Config, answer http.HandlerFunc) (u chat.Usage, chunks int, err error) {
	t.Helper()
	s := httptest.NewServer(answer)
	defer s.Close()
	c.URL = s.URL
	llm, err := chat.NewClient(c)
	require.NoError(t, err)
	defer llm.Close()
	u, err = llm.Chat(t.Context(), hi, func() { chunks++ })
	return u, chunks, err
}

// TestEachToken: every token is told when it is there, and the usage is the
// server's.
func TestEachToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		llm := chattest.Client(t, chat.NewHandler(simsource.New(simsource.Config{})), chat.Config{})
		asked := time.Now()
		var at []time.Duration
		u, err := llm.Chat(t.Context(), chat.Question{Prompt: "one two three", MaxTokens: 4}, func() { at = append(at, time.Since(asked)) })
		require.NoError(t, err)
		assert.Equal(t, chat.Usage{Prompt: 3, Completion: 4}, u)
		const us = time.Microsecond
		assert.Equal(t, []time.Duration{180 * us, 2305 * us, 4430 * us, 6555 * us}, at)
	})
}

// TestAnswers: the forms that servers give to their answers.
func TestAnswers(t *testing.T) {
	const usage = `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}` + "\n\n"
	for _, c := range []struct {
		name, stream string
		want         chat.Usage
		chunks       int
	}{
		{"plain", token + token + usage + done, chat.Usage{Prompt: 7, Completion: 2}, 2},
		{"two tokens in a chunk", token + usage + done, chat.Usage{Prompt: 7, Completion: 2}, 1},
		{"carriage returns, comments, other fields, no space", strings.NewReplacer("\n", "\r\n", "data: ", "data:").Replace(": wait\n\nevent: x\nid: 1\n" + token + usage + done), chat.Usage{Prompt: 7, Completion: 2}, 1},
		{"usage null until the end", `data: {"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null}` + "\n\n" + token + usage + done, chat.Usage{Prompt: 7, Completion: 2}, 1},
		{"running usage", `data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}` + "\n\n" + token + usage + done, chat.Usage{Prompt: 7, Completion: 2}, 2},
		{"thoughts and calls", `data: {"choices":[{"delta":{"reasoning_content":"a"}}]}` + "\n\n" + `data: {"choices":[{"delta":{"reasoning":"a"}}]}` + "\n\n" + `data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}` + "\n\n" + usage + done, chat.Usage{Prompt: 7, Completion: 2}, 3},
		{"nothing after the end counts", usage + done + token, chat.Usage{Prompt: 7, Completion: 2}, 0},
		{"empty", `data: {"usage":{"prompt_tokens":7,"completion_tokens":0}}` + "\n\n" + done, chat.Usage{Prompt: 7}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, chunks, err := ask(t, c.stream, chat.Config{})
			require.NoError(t, err)
			assert.Equal(t, c.want, u)
			assert.Equal(t, c.chunks, chunks)
		})
	}
}

// TestBadAnswers: what a client cannot count it does not take for an answer.
func TestBadAnswers(t *testing.T) {
	for _, c := range []struct{ name, stream, says string }{
		{"nothing", "", "unexpected EOF"},
		{"cut off", token, "cut off after 1 chunks: unexpected EOF"},
		{"no usage", token + done, "the server did not say its usage"},
		{"usage of nothing", token + `data: {"usage":{"prompt_tokens":0,"completion_tokens":0}}` + "\n\n" + done, "the server did not say its usage"},
		{"negative usage", token + `data: {"usage":{"prompt_tokens":-1,"completion_tokens":1}}` + "\n\n" + done, "the server did not say its usage"},
		{"not json", "data: joule\n\n", "malformed event: invalid character"},
		{"gave up", token + `data: {"error":{"message":"out of\nmemory","code":500}}` + "\n\n" + done, "the server gave up: out of memory"},
		{"long line", "data: " + strings.Repeat("a", 2<<20) + "\n\n", "token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ask(t, c.stream, chat.Config{})
			require.ErrorContains(t, err, c.says)
		})
	}
	_, _, err := ask(t, token+done, chat.Config{})
	require.ErrorIs(t, err, chat.ErrNoUsage)
	_, _, err = ask(t, token, chat.Config{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestCountChunks: who accepts it is told that chunks were counted.
func TestCountChunks(t *testing.T) {
	u, _, err := ask(t, token+token+done, chat.Config{CountChunks: true})
	require.NoError(t, err)
	assert.Equal(t, chat.Usage{Completion: 2, Counted: true}, u)
}

// TestRefusals: the server's message is in the error, in whatever form it has.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ body, says string }{
		{`{"error":{"message":"no such model","type":"x"}}`, ": no such model"},
		{`{"error":"no such model"}`, ": no such model"},
		{`{"object":"error","message":"no such model"}`, ": no such model"},
		{`{"detail":"no such model"}`, ": no such model"},
		{`{"detail":[{"loc":["body"]}]}`, `: [{"loc":["body"]}]`},
		{"<html>\n  no \x1b[31m", ": <html> no [31m"},
		{"", ""},
	} {
		_, _, err := askOf(t, chat.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, c.body)
		})
		require.ErrorContains(t, err, "the server answers 404 Not Found"+c.says)
	}
}

func TestServerThatDoesNotStream(t *testing.T) {
	_, _, err := askOf(t, chat.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, `{"choices":[]}`)
	})
	require.ErrorContains(t, err, "does not stream")
}

// TestRequest: what a server gets.
func TestRequest(t *testing.T) {
	var got map[string]any
	var header http.Header
	_, _, err := askOf(t, chat.Config{Key: " sesame\n", Model: "m"}, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&got))
		fmt.Fprint(w, token, `data: {"usage":{"completion_tokens":1}}`, "\n\n", done)
	})
	require.NoError(t, err)
	assert.Equal(t, "Bearer sesame", header.Get("Authorization"))
	assert.Equal(t, map[string]any{
		"model": "m", "max_tokens": 3.0, "stream": true,
		"messages":       []any{map[string]any{"role": "user", "content": "hi"}},
		"stream_options": map[string]any{"include_usage": true},
	}, got)
}

// TestTheKeyIsNotShown: not by a server that repeats it either.
func TestTheKeyIsNotShown(t *testing.T) {
	const key = "sk-open-sesame"
	for _, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"%s is no key"}}`, key)
		},
		func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "data: {\"error\":\"%s is no key\"}\n\n", key)
		},
	} {
		_, _, err := askOf(t, chat.Config{Key: key}, answer)
		require.ErrorContains(t, err, "… is no key")
		assert.NotContains(t, err.Error(), key)
	}
	llm, err := chat.NewClient(chat.Config{URL: "http://me:" + key + "@127.0.0.1:1/?key=" + key, Key: key})
	require.NoError(t, err)
	_, err = llm.Chat(t.Context(), hi, nil)
	require.ErrorContains(t, err, "http://127.0.0.1:1/v1/chat/completions: dial")
	assert.NotContains(t, err.Error(), key)
}

// TestBaseURL: however the base URL ends, the request goes to the right path.
func TestBaseURL(t *testing.T) {
	for base, path := range map[string]string{
		"":                         "/v1/chat/completions",
		"/":                        "/v1/chat/completions",
		"/v1":                      "/v1/chat/completions",
		"/v1/":                     "/v1/chat/completions",
		"/v1/chat/completions":     "/v1/chat/completions",
		"/openai":                  "/openai/v1/chat/completions",
		"/v1beta/openai/":          "/v1beta/openai/chat/completions",
		"/vision":                  "/vision/v1/chat/completions",
		"/v1?deployment=b#nothing": "/v1/chat/completions?deployment=b",
	} {
		l := &recorder{}
		llm, err := chat.NewClient(chat.Config{URL: "http://host" + base, Transport: l})
		require.NoError(t, err)
		_, err = llm.Chat(t.Context(), hi, nil)
		require.ErrorIs(t, err, errRecorded)
		assert.Equal(t, "http://host"+path, l.url, base)
	}
	for _, base := range []string{"", "host:8000", "ftp://host", "http://", "http://me:sesame@ho st", "://"} {
		_, err := chat.NewClient(chat.Config{URL: base})
		require.ErrorContains(t, err, "write it as http://HOST:PORT", base)
		assert.NotContains(t, err.Error(), "sesame")
	}
}

var errRecorded = fmt.Errorf("recorded")

// recorder is a network that remembers where a request goes.
type recorder struct{ url string }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.url = req.URL.String()
	return nil, errRecorded
}

// FuzzAnswer: whatever a server sends, there is a usage that can be counted, or
// an error.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"", token + done, ": x\n\nretry: 1\n" + token, "data:{\"usage\":{}}\n" + done, "data: [DONE]", "data: {\"choices\":null,\"error\":null}\n\n" + done} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		llm, err := chat.NewClient(chat.Config{URL: "http://host", CountChunks: true, Transport: canned(stream)})
		require.NoError(t, err)
		chunks := 0
		u, err := llm.Chat(t.Context(), hi, func() { chunks++ })
		if err != nil {
			assert.Zero(t, u)
			return
		}
		assert.GreaterOrEqual(t, u.Prompt, 0)
		assert.GreaterOrEqual(t, u.Completion, 0)
		if chunks > 0 {
			assert.Positive(t, u.Completion)
		}
	})
}

// canned is a network with one answer.
type canned string

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	raw := "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + string(c)
	return http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), req)
}
