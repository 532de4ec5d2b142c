package promsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Errors of [Open] and of the source's methods, beside those of package energy. They
// are wrapped: test with errors.Is.
var (
	// ErrBadQuery says that the server does not understand a query, of which
	// the selector and the parameters are the user's.
	ErrBadQuery = errors.New("bad query")
	// ErrIncomplete says that the server warns that its answer may lack series:
	// energy would be missing without a trace.
	ErrIncomplete = errors.New("incomplete answer")
	// ErrUnknownMetric says that there is a metric that looks like energy, but
	// whose unit is not known.
	ErrUnknownMetric = metricname.ErrUnknown
)

var errClosed = fmt.Errorf("prometheus: the source is closed: %w", fs.ErrClosed)

// unreached is the error of a query that got no answer. The address is left out
// of it, since it may hold parameters that are secret.
func (c *client) unreached(ctx context.Context, err error) error {
	err = web.Cause(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("prometheus: %w: %s did not answer in time: %w\ncheck that it runs, and narrow the selector down", energy.ErrStalled, c.host, err)
	case errors.Is(err, web.ErrTooLong):
		return fmt.Errorf("prometheus: %s: %w\nnarrow the selector down", c.host, err)
	case ctx.Err() != nil:
		return fmt.Errorf("prometheus: ask %s: %w", c.host, err)
	}
	return web.Of(energy.ErrNoAnswer, fmt.Errorf("prometheus: %s: %w", c.host, web.Explain(err)))
}

// refused is the error of an answer with a status other than 2xx.
func (c *client) refused(resp *http.Response, body []byte) error {
	said := c.snippet(body)
	var reply struct{ ErrorType, Error string }
	if json.Unmarshal(body, &reply) == nil && reply.Error != "" {
		said = c.hide(strings.TrimSpace(reply.ErrorType + ": " + reply.Error))
	}
	what := fmt.Sprintf("%s answered %d: %s", c.host, resp.StatusCode, said)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
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
func (c *client) garbled(resp *http.Response, body []byte, err error) error {
	return fmt.Errorf("prometheus: %s answered %d with something else than a query's result (%w), which begins: %s\ncheck that the address, with its path, is that of a Prometheus API",
		c.host, resp.StatusCode, err, c.snippet(body))
}

// complete returns an error if an answer says that it lacks something.
func (c *client) complete(r reply) error {
	switch {
	case r.Status == "error":
		return fmt.Errorf("prometheus: %s: %s: %s", c.host, r.ErrorType, c.hide(r.Error))
	case len(r.Warnings) > 0:
		return fmt.Errorf("prometheus: %w: %s warns: %s", ErrIncomplete, c.host, c.hide(strings.Join(r.Warnings, "; ")))
	}
	return nil
}

// hide returns a text of the server without what it may repeat of a request.
func (c *client) hide(text string) string { return web.Hide(text, c.target.Secrets(c.params)...) }

// snippet returns the beginning of an answer, on one line.
func (c *client) snippet(body []byte) string { return web.Snippet(body, c.target.Secrets(c.params)...) }
