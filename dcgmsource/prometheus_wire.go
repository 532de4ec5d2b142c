package dcgmsource

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// queryTimeout is the default of Prometheus's own limit.
const queryTimeout = 2 * time.Minute

// wire is an [api.Client] that adds the parameters of the user to each query,
// and turns whatever is not an answer into an error that says what to do.
// Everything that is asked goes through it: small questions by package v1, and
// those about a fleet by query and decode.
type wire struct {
	api.Client
	host    string        // for messages
	user    *url.Userinfo // of the address
	params  url.Values
	timeout time.Duration
	// get says that the server, or what is before it, refuses POST.
	get atomic.Bool
}

// newWire returns a client of the server at an address, with its base path.
func newWire(to target, client *web, cfg PrometheusConfig) (*wire, error) {
	if to.url.RawQuery != "" || to.role != "" {
		return nil, fmt.Errorf("prometheus: the address %s goes on after its path: parameters of queries are given apart from it", to.clean)
	}
	for _, key := range []string{"query", "time", "timeout"} {
		if cfg.Params.Has(key) {
			return nil, fmt.Errorf("prometheus: %s can't be a parameter: each query has its own", key)
		}
	}
	capped := *client.client
	capped.Transport = cappedTransport{capped.Transport}
	c, err := api.NewClient(api.Config{Address: to.clean, Client: &capped})
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	w := &wire{Client: c, host: to.url.Host, user: to.user, params: url.Values{}, timeout: queryTimeout}
	if cfg.HTTP.Timeout > 0 {
		w.timeout = cfg.HTTP.Timeout
	}
	for key, values := range cfg.Params {
		w.params[key] = slices.Clone(values)
	}
	return w, nil
}

// query asks for an expression at a server's time in ms since the epoch, or at
// its present if that is 0.
func (w *wire) query(ctx context.Context, expr string, at int64) (*http.Response, []byte, error) {
	form := url.Values{"query": {expr}}
	if at != 0 {
		form.Set("time", strconv.FormatFloat(float64(at)/1000, 'f', 3, 64))
	}
	req, err := http.NewRequest(http.MethodPost, w.URL("/api/v1/query", nil).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, fmt.Errorf("prometheus: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.Do(ctx, req)
}

// Do implements [api.Client]. What is not an answer is an error.
func (w *wire) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	form := req.URL.RawQuery
	if req.Body != nil {
		text, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, nil, fmt.Errorf("prometheus: %w", err)
		}
		form = string(text)
	}
	resp, body, err := w.send(ctx, req, form)
	switch {
	case err != nil:
		return nil, nil, w.unreached(ctx, err)
	case resp.StatusCode/100 != 2:
		return resp, nil, w.refused(resp, body)
	case partial(body):
		return resp, nil, fmt.Errorf("prometheus: %w: %s answered partially: some of its storage is not there", ErrIncomplete, w.host)
	}
	return resp, body, nil
}

// send posts a form, or if that is refused puts it into the address.
func (w *wire) send(ctx context.Context, req *http.Request, form string) (*http.Response, []byte, error) {
	if !w.get.Load() {
		resp, body, err := w.Client.Do(ctx, w.request(req, http.MethodPost, "", form))
		if err != nil || !refusesPost(resp.StatusCode) {
			return resp, body, err
		}
	}
	resp, body, err := w.Client.Do(ctx, w.request(req, http.MethodGet, form, ""))
	w.get.Store(err == nil && resp.StatusCode == http.StatusOK)
	return resp, body, err
}

// request returns a copy of a request, with the user's parameters and the
// credentials of the address.
func (w *wire) request(req *http.Request, method, query, body string) *http.Request {
	r := req.Clone(req.Context())
	r.Method = method
	r.URL.RawQuery = strings.Trim(query+"&"+w.params.Encode(), "&")
	if w.user != nil {
		password, _ := w.user.Password()
		r.SetBasicAuth(w.user.Username(), password)
	}
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

// small asks by package v1, which makes a map of each series' labels.
func (w *wire) small() v1.API { return v1.NewAPI(w) }
