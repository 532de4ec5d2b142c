package promsource

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

// client asks the server, with the parameters of the user, and turns whatever is
// not an answer into an error.
type client struct {
	web     *web.Client
	target  web.Target // with the path of queries
	host    string     // for messages
	params  url.Values
	timeout time.Duration
	// clock is the expression that says what time it is.
	clock string
	// get says that the server, or what is before it, refuses POST.
	get atomic.Bool
}

// newClient returns a client of the server at an address, with its base path.
func newClient(to web.Target, cfg Config) (*client, error) {
	w, err := web.Open(cfg.HTTP, os.Getenv, maxReply)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	to.URL = to.URL.JoinPath("/api/v1/query")
	// The default is Prometheus's own limit of a query.
	timeout := cmp.Or(max(cfg.HTTP.Timeout, 0), 2*time.Minute)
	c := &client{web: w, target: to, host: to.URL.Host, params: url.Values{}, timeout: timeout, clock: prometheusClock}
	maps.Copy(c.params, cfg.Params)
	return c, nil
}

// series asks for an expression at a server's time in ms since the epoch, or at its
// present if that is 0, and calls each for every series of the answer. kind is what
// the answer has to be; empty if it may be any.
func (c *client) series(ctx context.Context, expr string, at int64, kind string, each func(*stream)) (http.Header, error) {
	resp, body, err := c.query(ctx, expr, at)
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

// query asks for an expression, and returns the answer as it is.
func (c *client) query(ctx context.Context, expr string, at int64) (*http.Response, []byte, error) {
	form := url.Values{"query": {expr}}
	if at != 0 {
		form.Set("time", strconv.FormatFloat(float64(at)/1000, 'f', 3, 64))
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, body, err := c.send(ctx, form.Encode())
	switch {
	case err != nil:
		return nil, nil, c.unreached(ctx, err)
	case resp.StatusCode/100 != 2:
		return nil, nil, c.refused(resp, body)
	case partial(body):
		return nil, nil, fmt.Errorf("prometheus: %w: %s answered partially, without some of its storage", ErrIncomplete, c.host)
	}
	return resp, body, nil
}

// send posts a form, or if that is refused puts it into the address.
func (c *client) send(ctx context.Context, form string) (*http.Response, []byte, error) {
	if !c.get.Load() {
		resp, body, err := c.do(ctx, http.MethodPost, form)
		if err != nil || !refusesPost(resp.StatusCode) {
			return resp, body, err
		}
	}
	resp, body, err := c.do(ctx, http.MethodGet, form)
	c.get.Store(err == nil && resp.StatusCode == http.StatusOK)
	return resp, body, err
}

func refusesPost(status int) bool {
	return status == http.StatusForbidden || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// do makes a request with the user's parameters and the credentials of the address.
func (c *client) do(ctx context.Context, method, form string) (*http.Response, []byte, error) {
	to, query := *c.target.URL, c.params.Encode()
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
