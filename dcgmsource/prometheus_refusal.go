package dcgmsource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Errors of [OpenPrometheus] and of the source's methods, beside those of package
// energy. They are wrapped: test with errors.Is.
var (
	// ErrBadQuery says that the server does not understand a query, of which
	// the selector and the parameters are the user's.
	ErrBadQuery = errors.New("bad query")
	// ErrIncomplete says that the server warns that its answer may lack series:
	// energy would be missing without a trace.
	ErrIncomplete = errors.New("incomplete answer")
)

// unreached is the error of a query that got no answer. The address is left out
// of it, since it may hold parameters that are secret.
func (w *wire) unreached(ctx context.Context, err error) error {
	err = cause(err)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("prometheus: %w: %s did not answer in time: check that it runs, and narrow the selector down (%w)", energy.ErrStalled, w.host, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("prometheus: ask %s: %w", w.host, err)
	}
	return fmt.Errorf("prometheus: %w: %s can't be asked: check the address and that the server runs (%w)", energy.ErrNoAnswer, w.host, err)
}

// refused is the error of an answer with a status other than 2xx.
func (w *wire) refused(resp *http.Response, body []byte) error {
	said := snippet(body)
	var told struct{ ErrorType, Error string }
	if json.Unmarshal(body, &told) == nil && told.Error != "" {
		said = strings.TrimSpace(told.ErrorType + ": " + told.Error)
	}
	what := fmt.Sprintf("%s answered %d: %s", w.host, resp.StatusCode, said)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("prometheus: %w: %s; give credentials that may query", fs.ErrPermission, what)
	case code == http.StatusNotFound:
		return fmt.Errorf("prometheus: %s; is the base path right? it is /prometheus for Mimir, /select/0/prometheus for a VictoriaMetrics cluster", what)
	case code == http.StatusBadRequest:
		return fmt.Errorf("prometheus: %w: %s", ErrBadQuery, what)
	case code == http.StatusTooManyRequests || code/100 == 5:
		return fmt.Errorf("prometheus: %w: %s", energy.ErrNoAnswer, what)
	}
	return fmt.Errorf("prometheus: %s", what)
}

// garbled is the error of an answer that is not one of Prometheus.
func (w *wire) garbled(resp *http.Response, body []byte, err error) error {
	return fmt.Errorf("prometheus: %s answered %d with something else than a query's result (%w): is the address, with its path, that of a Prometheus API? it begins: %s",
		w.host, resp.StatusCode, err, snippet(body))
}

// complete returns an error if an answer says that it lacks something.
func (w *wire) complete(r reply) error {
	switch {
	case r.Status == "error":
		return fmt.Errorf("prometheus: %s: %s: %s", w.host, r.ErrorType, r.Error)
	case len(r.Warnings) > 0:
		return fmt.Errorf("prometheus: %w: %s warns that its answer may lack something: %s", ErrIncomplete, w.host, strings.Join(r.Warnings, "; "))
	}
	return nil
}

// partial reports whether an answer of a VictoriaMetrics cluster says, in place
// of a warning, that some of its storage did not answer.
func partial(body []byte) bool {
	head, _, _ := bytes.Cut(body[:min(len(body), 200)], []byte(`"data"`))
	return bytes.Contains(head, []byte(`"isPartial":true`))
}

func snippet(body []byte) string {
	const enough = 200
	text := strings.Join(strings.Fields(string(body[:min(len(body), 4*enough)])), " ")
	if text == "" {
		return "nothing"
	}
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}

// asked is the error of a question that was put by package v1: mostly one of
// ours that came through it.
func (w *wire) asked(err error) error {
	if told := (*v1.Error)(nil); errors.As(err, &told) {
		return fmt.Errorf("prometheus: %s does not answer as a Prometheus API does: is the address, with its path, that of one? (%w)", w.host, err)
	}
	return err
}
