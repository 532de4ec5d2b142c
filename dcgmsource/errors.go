package dcgmsource

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Errors of [Open] and of readings, beside those of package energy. They are
// wrapped: test with errors.Is.
var (
	// ErrPage says that what an endpoint answered is not a page of metrics, or
	// not all of one.
	ErrPage = errors.New("not a page of metrics")
	// ErrUnknownMetric says that the page has a metric that looks like energy,
	// but whose unit is not known.
	ErrUnknownMetric = errors.New("energy metric of unknown unit")
)

// statusError is an answer with a status other than 200.
type statusError struct{ status int }

// Error says what the status means for an exporter, and what to do.
func (e statusError) Error() string {
	text := fmt.Sprintf("it answers %d %s", e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return text + ": give credentials that it accepts, in the address or by POWERTEST_HTTP_BEARER_TOKEN_FILE or POWERTEST_HTTP_USER"
	case http.StatusNotFound:
		return text + ": check the path, which is /metrics unless the address has another"
	case http.StatusBadRequest:
		return text + ": if it serves TLS, write https://"
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		return text + ": the exporter is reloading, or gets nothing from DCGM: see its log"
	}
	return text + ": check that this is the address of an exporter"
}

// Unwrap returns the error that the status means to the rest of the program.
func (e statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		return fs.ErrPermission
	}
	return ErrPage
}

// kindOf is an error of a kind that its text does not name.
type kindOf struct {
	error

	kind error
}

// Unwrap returns the error, and its kind.
func (e kindOf) Unwrap() []error { return []error{e.error, e.kind} }

// noAnswer is the error of an endpoint that tells nothing this time.
func noAnswer(err error) error { return kindOf{err, energy.ErrNoAnswer} }

// malformed is the error of a configuration that cannot be right.
func malformed(err error) error { return kindOf{err, energy.ErrMalformed} }

// errEmptyPage is how an exporter answers for some seconds while it reloads.
var errEmptyPage = fmt.Errorf("%w: the page is empty, as it is while an exporter reloads: it is not that there are no GPUs", ErrPage)
