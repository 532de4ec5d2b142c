package dcgmsource

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/metricpage"
	"github.com/joulebench/joulebench/internal/web"
)

// Errors of [Open] and of readings, beside those of package energy. They are
// wrapped: test with errors.Is.
var (
	// ErrPage says that what an endpoint answered is not a page of metrics, or
	// not all of one.
	ErrPage = metricpage.ErrPage
	// ErrNodes says that an address stands for several nodes, as that of a Kubernetes
	// Service does: each page has other GPUs, and a sum over one of them is too small.
	ErrNodes = errors.New("several nodes behind one address")
	// ErrUnknownMetric says that the page has a metric that looks like energy,
	// but whose unit is not known.
	ErrUnknownMetric = metricname.ErrUnknown
)

// statusError is an answer with a status other than 200.
type statusError int

// Error says what the status is, and on a second line what to do about it.
func (e statusError) Error() string {
	advice := "check that this is the address of an exporter"
	switch e {
	case http.StatusUnauthorized, http.StatusForbidden:
		advice = "give credentials in the address, or by POWERTEST_HTTP_BEARER_TOKEN_FILE or POWERTEST_HTTP_USER"
	case http.StatusNotFound:
		advice = "check the path, which is /metrics unless the address has another"
	case http.StatusBadRequest:
		advice = "if it serves TLS, write https://"
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		advice = "the exporter is reloading, or gets nothing from DCGM: see its log"
	}
	return fmt.Sprintf("it answers %d %s\n%s", int(e), http.StatusText(int(e)), advice)
}

// Unwrap returns the error that the status means to the rest of the program.
func (e statusError) Unwrap() error {
	if web.Denied(int(e)) {
		return fs.ErrPermission
	}
	return ErrPage
}

// passing reports whether the error is one of an exporter that reloads.
func passing(err error) bool {
	var status statusError
	return errors.Is(err, metricpage.ErrEmpty) ||
		errors.As(err, &status) && (status == http.StatusInternalServerError || status == http.StatusServiceUnavailable)
}

// unknownMetric is the error of a page whose energy is not understood.
func unknownMetric(names []string) error {
	return fmt.Errorf("%w: %s\nenable %s in the exporter's file of counters, or ask for the name to be added",
		ErrUnknownMetric, strings.Join(names, ", "), "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
}
