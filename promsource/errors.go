package promsource

import (
	"fmt"
	"io/fs"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/promapi"
)

// Errors of [Open] and of the source's methods, beside those of package energy. They
// are wrapped: test with errors.Is.
var (
	// ErrBadQuery says that the server does not understand a query, of which
	// the selector and the parameters are the user's.
	ErrBadQuery = promapi.ErrBadQuery
	// ErrIncomplete says that the server warns that its answer may lack series:
	// energy would be missing without a trace.
	ErrIncomplete = promapi.ErrIncomplete
	// ErrUnknownMetric says that there is a metric that looks like energy, but
	// whose unit is not known.
	ErrUnknownMetric = metricname.ErrUnknown
)

var errClosed = fmt.Errorf("prometheus: the source is closed: %w", fs.ErrClosed)
