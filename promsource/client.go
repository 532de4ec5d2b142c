package promsource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/joulebench/joulebench/internal/web"
)

// maxReply bounds the memory that a reply can take, in bytes.
const maxReply = 256 << 20

// client is an [api.Client] that adds the parameters of the user to each query,
// and turns whatever is not an answer into an error. Everything that is asked goes
// through it: small questions by package v1, and those about a fleet by query and
// decode.
type client struct {
	api.Client
	web     *web.Client
	target  web.Target
	host    string // for messages
	params  url.Values
	timeout time.Duration
	// get says that the server, or what is before it, refuses POST.
	get atomic.Bool
}

// newClient returns a client of the server at an address, with its base path.
func newClient(to web.Target, cfg Config) (*client, error) {
	w, err := web.Open(cfg.HTTP, os.Getenv, maxReply)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	inner, err := api.NewClient(api.Config{Address: to.Clean, Client: w.Client})
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	c := &client{Client: inner, web: w, target: to, host: to.URL.Host, params: url.Values{}, timeout: cfg.timeout()}
	for key, values := range cfg.Params {
		c.params[key] = slices.Clone(values)
	}
	return c, nil
}

// query asks for an expression at a server's time in ms since the epoch, or at
// its present if that is 0.
func (c *client) query(ctx context.Context, expr string, at int64) (*http.Response, []byte, error) {
	form := url.Values{"query": {expr}}
	if at != 0 {
		form.Set("time", strconv.FormatFloat(float64(at)/1000, 'f', 3, 64))
	}
	req, err := http.NewRequest(http.MethodPost, c.URL("/api/v1/query", nil).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, fmt.Errorf("prometheus: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Do(ctx, req)
}

// Do implements [api.Client]. What is not an answer is an error.
func (c *client) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	form := req.URL.RawQuery
	if req.Body != nil {
		text, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("prometheus: %w", err)
		}
		form = string(text)
	}
	resp, body, err := c.send(ctx, req, form)
	switch {
	case err != nil:
		return nil, nil, c.unreached(ctx, err)
	case resp.StatusCode/100 != 2:
		return resp, nil, c.refused(resp, body)
	case partial(body):
		return resp, nil, fmt.Errorf("prometheus: %w: %s answered partially, without some of its storage", ErrIncomplete, c.host)
	}
	return resp, body, nil
}

// send posts a form, or if that is refused puts it into the address.
func (c *client) send(ctx context.Context, req *http.Request, form string) (*http.Response, []byte, error) {
	if !c.get.Load() {
		resp, body, err := c.Client.Do(ctx, c.request(req, http.MethodPost, "", form))
		if err != nil || !refusesPost(resp.StatusCode) {
			return resp, body, err
		}
	}
	resp, body, err := c.Client.Do(ctx, c.request(req, http.MethodGet, form, ""))
	c.get.Store(err == nil && resp.StatusCode == http.StatusOK)
	return resp, body, err
}

// request returns a copy of a request, with the user's parameters and the
// credentials of the address.
func (c *client) request(req *http.Request, method, query, body string) *http.Request {
	r := req.Clone(req.Context())
	r.Method = method
	r.URL.RawQuery = strings.Trim(query+"&"+c.params.Encode(), "&")
	c.target.Authorize(r)
	r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	if body != "" {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
		r.ContentLength = int64(len(body))
		// A query changes nothing, so a connection that broke may be replaced.
		r.Header["Idempotency-Key"] = nil
	}
	return r
}

func refusesPost(status int) bool {
	return status == http.StatusForbidden || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// partial reports whether an answer of a VictoriaMetrics cluster says, in place
// of a warning, that some of its storage did not answer.
func partial(body []byte) bool {
	head, _, _ := bytes.Cut(body[:min(len(body), 200)], []byte(`"data"`))
	return bytes.Contains(head, []byte(`"isPartial":true`))
}

// small asks by package v1, which makes a map of each series' labels. at is the
// server's time; zero means its present.
func (c *client) small(ctx context.Context, expr string, at time.Time) (model.Value, error) {
	value, warnings, _, err := v1.NewAPI(c).Query(ctx, expr, at)
	if err != nil {
		return nil, c.asked(err)
	}
	return value, c.complete(reply{Warnings: warnings})
}

// instant returns the labels of the series that an expression has now.
func (c *client) instant(ctx context.Context, expr string) ([]model.Metric, error) {
	value, err := c.small(ctx, expr, time.Time{})
	if err != nil {
		return nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, c.otherType(value)
	}
	list := make([]model.Metric, len(vector))
	for i, v := range vector {
		list[i] = v.Metric
	}
	return list, nil
}
