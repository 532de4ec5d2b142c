// Package promapi asks servers that have the API of Prometheus, and decodes their answers
// without a copy: an answer about a fleet has tens of megabytes.
package promapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/web"
)

// maxReply bounds the memory that a reply can take, in bytes.
const maxReply = 256 << 20

// Client asks a server, with the parameters of the user, and turns whatever is not an
// answer into an error. Its methods may be called from any goroutine.
type Client struct {
	// Host is the server's, for messages.
	Host string
	// Params are sent with each query. They must not change while one is under way.
	Params url.Values

	web     *web.Client
	target  web.Target // with the base path of the API
	timeout time.Duration
	// clock is the expression that says what time it is.
	clock string
	// get says that the server, or what is before it, refuses POST.
	get atomic.Bool
}

// Open returns a client of the server at an address, with its base path, that sends the
// parameters with each query. It asks nothing yet.
func Open(to web.Target, params url.Values, h web.HTTP) (*Client, error) {
	w, err := web.Open(h, os.Getenv, maxReply)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	to.URL = to.URL.JoinPath("/api/v1")
	// The default is Prometheus's own limit of a query.
	timeout := cmp.Or(max(h.Timeout, 0), 2*time.Minute)
	c := &Client{web: w, target: to, Host: to.URL.Host, Params: url.Values{}, timeout: timeout, clock: prometheusClock}
	maps.Copy(c.Params, params)
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.web.Close() }

// Series asks for an expression at a server's time in ms since the epoch, or at its
// present if that is 0, and calls each for every series of the answer. kind is what
// the answer has to be; empty if it may be any.
func (c *Client) Series(ctx context.Context, expr string, at int64, kind string, each func(*Stream)) (http.Header, error) {
	form := url.Values{"query": {expr}}
	if at != 0 {
		form.Set("time", seconds(at))
	}
	return c.ask(ctx, "query", form, kind, each)
}

// Range asks for the values of an expression at the times from one to another, a step
// apart, all in ms, and calls each for every series of the answer. The times of its
// samples are those, whenever they were scraped.
func (c *Client) Range(ctx context.Context, expr string, from, to, step int64, each func(*Stream)) error {
	form := url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {seconds(step)}}
	_, err := c.ask(ctx, "query_range", form, "matrix", each)
	return err
}

// seconds are a time in ms, or a length of time, as the API has it.
func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }

// ask makes a query of an endpoint, and decodes the answer.
func (c *Client) ask(ctx context.Context, endpoint string, form url.Values, kind string, each func(*Stream)) (http.Header, error) {
	resp, body, err := c.query(ctx, endpoint, form)
	if err != nil {
		return nil, err
	}
	head, err := decode(body, each)
	switch {
	case err != nil:
	case head.Status == "":
		err = errors.New("it has no status")
	case kind != "" && head.kind != "" && head.kind != kind:
		err = fmt.Errorf("the result is a %s, not a %s", head.kind, kind)
	}
	if err != nil {
		return nil, c.garbled(resp, body, err)
	}
	return resp.Header, c.complete(head)
}

// query asks an endpoint, and returns the answer as it is.
func (c *Client) query(ctx context.Context, endpoint string, form url.Values) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, body, err := c.send(ctx, endpoint, form.Encode())
	switch {
	case err != nil:
		return nil, nil, c.unreached(ctx, err)
	case resp.StatusCode/100 != 2:
		return nil, nil, c.refused(resp, body)
	case partial(body):
		return nil, nil, fmt.Errorf("prometheus: %w: %s answered partially, without some of its storage", ErrIncomplete, c.Host)
	}
	return resp, body, nil
}

// send posts a form, or if that is refused puts it into the address.
func (c *Client) send(ctx context.Context, endpoint, form string) (*http.Response, []byte, error) {
	if !c.get.Load() {
		resp, body, err := c.do(ctx, http.MethodPost, endpoint, form)
		if err != nil || !refusesPost(resp.StatusCode) {
			return resp, body, err
		}
	}
	resp, body, err := c.do(ctx, http.MethodGet, endpoint, form)
	c.get.Store(err == nil && resp.StatusCode == http.StatusOK)
	return resp, body, err
}

func refusesPost(status int) bool {
	return status == http.StatusForbidden || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// do makes a request with the user's parameters and the credentials of the address.
func (c *Client) do(ctx context.Context, method, endpoint, form string) (*http.Response, []byte, error) {
	to, query := *c.target.URL.JoinPath(endpoint), c.Params.Encode()
	var posted io.Reader
	if method == http.MethodPost {
		posted = strings.NewReader(form)
	} else {
		query = strings.Trim(form+"&"+query, "&")
	}
	to.RawQuery = query
	r, err := http.NewRequestWithContext(ctx, method, to.String(), posted)
	if err != nil {
		return nil, nil, err
	}
	c.target.Authorize(r)
	if posted != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// A query changes nothing, so a connection that broke may be replaced.
		r.Header["Idempotency-Key"] = nil
	}
	resp, err := c.web.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// partial reports whether an answer of a VictoriaMetrics cluster says, in place
// of a warning, that some of its storage did not answer.
func partial(body []byte) bool {
	head, _, _ := bytes.Cut(body[:min(len(body), 200)], []byte(`"data"`))
	return bytes.Contains(head, []byte(`"isPartial":true`))
}
