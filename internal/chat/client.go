// Package chat has what the tour and the example load generator share: a client
// of OpenAI-compatible servers that streams chat completions, and a small server
// of that kind, which puts its load on a simulated GPU.
package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/joulebench/joulebench/internal/web"
)

// Config says which server to ask, and how.
type Config struct {
	// URL is the base URL of the server, such as http://localhost:8000. A version
	// at its end, as in https://api.openai.com/v1, may be there or not.
	URL string
	// Key is the API key; empty if the server needs none. It is sent, and neither
	// printed nor shown in an error.
	Key string
	// Model is the model's name, as the server knows it.
	Model string
	// CountChunks accepts answers of servers that do not say their usage: a chunk
	// is taken for a token, and [Usage.Counted] says so. Without it such an answer
	// is [ErrNoUsage].
	CountChunks bool
	// Transport makes the connections; nil means one of the client's own, which
	// keeps as many connections as there are users.
	Transport http.RoundTripper
}

// Client asks an OpenAI-compatible server. All methods may be called from any
// goroutine.
type Client struct {
	config   Config
	http     *http.Client
	endpoint *url.URL
}

// NewClient returns a client. It does not connect yet; the error is that of a
// base URL that cannot be right.
func NewClient(c Config) (*Client, error) {
	endpoint, err := endpointOf(c.URL)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	c.Key = strings.TrimSpace(c.Key)
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return &Client{config: c, http: &http.Client{Transport: c.Transport}, endpoint: endpoint}, nil
}

// newTransport returns a transport for many users of one server.
func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// As many idle connections as users, or each request would dial anew.
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 4096
	// A proxy that compresses holds tokens back.
	t.DisableCompression = true
	return t
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// version is an element of a path that says a version, such as v1 or v1beta.
var version = regexp.MustCompile(`(^|/)v[0-9][a-z0-9]*(/|$)`)

// errBaseURL says that a base URL cannot be right.
var errBaseURL = errors.New("write it as http://HOST:PORT or https://HOST/v1")

// endpointOf returns the address of chat completions below a base URL.
func endpointOf(base string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil {
		// The error would show the URL, with any password.
		return nil, fmt.Errorf("the base URL is malformed: %w", errBaseURL)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("base URL %q: %w", web.Address(base), errBaseURL)
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions")
	u.RawPath, u.Fragment = "", ""
	if !version.MatchString(u.Path) {
		u = u.JoinPath("v1")
	}
	return u.JoinPath("chat", "completions"), nil
}

// Question is what to ask, and how many tokens the answer may have.
type Question struct {
	Prompt    string
	MaxTokens int
}

// Usage is the work that an answer took, in tokens.
type Usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	// Counted says that the server did not say its usage: Completion is the number
	// of chunks, and Prompt is not known.
	Counted bool `json:"-"`
}

// Chat asks one question and reads the answer to its end. It calls each, unless
// nil, for each chunk of the answer when it is here: for nearly all servers that
// is a token.
//
// The error has the server's message if it refused. It wraps
// [io.ErrUnexpectedEOF] if the answer was cut off, [ErrNoUsage] if it cannot
// be counted, and that of ctx if it ended.
func (c *Client) Chat(ctx context.Context, q Question, each func()) (Usage, error) {
	resp, err := c.post(ctx, q)
	if err != nil {
		return Usage{}, fmt.Errorf("chat: %s: %w", web.Address(c.endpoint.String()), err)
	}
	defer resp.Body.Close()
	if err := c.refusal(resp); err != nil {
		return Usage{}, fmt.Errorf("chat: %w", err)
	}
	a := answer{each: each}
	if err := a.read(resp.Body); err != nil {
		return Usage{}, fmt.Errorf("chat: read answer: %w", c.discreet(err))
	}
	u, err := a.total(c.config.CountChunks)
	if err != nil {
		return Usage{}, fmt.Errorf("chat: read answer: %w", err)
	}
	return u, nil
}

// post sends the question.
func (c *Client) post(ctx context.Context, q Question) (*http.Response, error) {
	body, _ := json.Marshal(map[string]any{ // which cannot fail
		"model":          c.config.Model,
		"messages":       []any{map[string]string{"role": "user", "content": q.Prompt}},
		"max_tokens":     q.MaxTokens,
		"stream":         true,
		"stream_options": map[string]bool{"include_usage": true},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if c.config.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.config.Key)
	}
	resp, err := c.http.Do(req)
	// What wraps the cause shows all of the URL.
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return resp, err
}
