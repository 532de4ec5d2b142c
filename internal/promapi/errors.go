package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Errors of queries, beside those of package energy. They are wrapped: test with
// errors.Is.
var (
	// ErrBadQuery says that the server does not understand a query.
	ErrBadQuery = errors.New("bad query")
	// ErrIncomplete says that the server warns that its answer may lack series.
	ErrIncomplete = errors.New("incomplete answer")
)

// unreached is the error of a query that got no answer. The address is left out
// of it, since it may hold parameters that are secret.
func (c *Client) unreached(ctx context.Context, err error) error {
	err = web.Cause(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("prometheus: %w: %s did not answer in time: %w\ncheck that it runs, and narrow the selector down", energy.ErrStalled, c.Host, err)
	case errors.Is(err, web.ErrTooLong):
		return fmt.Errorf("prometheus: %s: %w\nnarrow the selector down", c.Host, err)
	case ctx.Err() != nil:
		return fmt.Errorf("prometheus: ask %s: %w", c.Host, err)
	}
	return web.Of(energy.ErrNoAnswer, fmt.Errorf("prometheus: %s: %w", c.Host, web.Explain(err)))
}

// refused is the error of an answer with a status other than 2xx.
func (c *Client) refused(resp *http.Response, body []byte) error {
	said := c.snippet(body)
	var reply struct{ ErrorType, Error string }
	if json.Unmarshal(body, &reply) == nil && reply.Error != "" {
		said = c.hide(strings.TrimSpace(reply.ErrorType + ": " + reply.Error))
	}
	what := fmt.Sprintf("%s answered %d: %s", c.Host, resp.StatusCode, said)
	switch code := resp.StatusCode; {
	case web.Denied(code):
		return fmt.Errorf("prometheus: %w: %s\ngive credentials that may query", fs.ErrPermission, what)
	case code == http.StatusNotFound:
		return fmt.Errorf("prometheus: %s\ncheck the base path: it is /prometheus for Mimir, /select/0/prometheus for a VictoriaMetrics cluster", what)
	case code == http.StatusBadRequest:
		return fmt.Errorf("prometheus: %w: %s", ErrBadQuery, what)
	case code == http.StatusTooManyRequests || code/100 == 5:
		return fmt.Errorf("prometheus: %w: %s", energy.ErrNoAnswer, what)
	}
	return fmt.Errorf("prometheus: %s", what)
}

// garbled is the error of an answer that is not one of Prometheus.
func (c *Client) garbled(resp *http.Response, body []byte, err error) error {
	return fmt.Errorf("prometheus: %s answered %d with something else than a query's result (%w), which begins: %s\ncheck that the address, with its path, is that of a Prometheus API",
		c.Host, resp.StatusCode, err, c.snippet(body))
}

// complete returns an error if an answer says that it lacks something.
func (c *Client) complete(r reply) error {
	switch {
	case r.Status == "error":
		return fmt.Errorf("prometheus: %s: %s: %s", c.Host, r.ErrorType, c.hide(r.Error))
	case len(r.Warnings) > 0:
		return fmt.Errorf("prometheus: %w: %s warns: %s", ErrIncomplete, c.Host, c.hide(strings.Join(r.Warnings, "; ")))
	}
	return nil
}

// hide returns a text of the server without what it may repeat of a request.
func (c *Client) hide(text string) string { return web.Hide(text, c.target.Secrets(c.Params)...) }

// snippet returns the beginning of an answer, on one line.
func (c *Client) snippet(body []byte) string {
	return web.Snippet(body, c.target.Secrets(c.Params)...)
}
