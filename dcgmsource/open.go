package dcgmsource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// reloading is for how long an exporter may be without a page: while it
	// reloads its list of metrics it answers with an empty page, or with an
	// error.
	reloading  = 5 * time.Second
	retryAfter = 250 * time.Millisecond
)

// Open requests the pages of all endpoints and lists their GPUs. It fails if one
// of them cannot be read, and the error names all that cannot: a sum over the
// others would be too small. See [ErrPage], [ErrUnknownMetric] and
// [energy.ErrNoDevice].
func Open(c Config) (*Source, error) {
	targets, err := c.targets()
	if err != nil {
		return nil, malformed(err)
	}
	w, err := c.HTTP.open(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("dcgm: %w", err)
	}
	s, err := openAll(c, targets, w)
	if err != nil {
		w.close()
		return nil, err
	}
	return s, nil
}

func openAll(c Config, targets []target, w *web) (*Source, error) {
	endpoints := make([]*endpoint, len(targets))
	surveys := make([]*survey, len(targets))
	errs := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		endpoints[i] = newEndpoint(t, w)
		wg.Go(func() { surveys[i], errs[i] = endpoints[i].survey(context.Background()) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	all := combine(endpoints, surveys)
	chosen, err := choose(all, c)
	if err != nil {
		return nil, err
	}
	return newSource(chosen, surveys, w), nil
}

// survey requests the page for the first time. An exporter that reloads gets
// another chance.
func (e *endpoint) survey(ctx context.Context) (*survey, error) {
	start := time.Now()
	for {
		a := e.update(ctx)
		if a.err == nil {
			break
		}
		if !passing(a.err) || time.Since(start) > reloading {
			return nil, a.err
		}
		time.Sleep(retryAfter)
	}
	s := surveyPage(&e.page, e.body.String())
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("dcgm: %s: %w", e.clean, err)
	}
	return s, nil
}

// passing reports whether the error is one of an exporter that reloads.
func passing(err error) bool {
	var status statusError
	return errors.Is(err, errEmptyPage) ||
		errors.As(err, &status) && (status.status == http.StatusInternalServerError || status.status == http.StatusServiceUnavailable)
}

// check checks that the page tells the energy or power of some GPU, and of none
// that nobody can name.
func (s *survey) check() error {
	if s.broken != nil {
		return s.broken
	}
	var broken error
	for i := range s.gpus {
		if s.gpus[i].energy >= 0 || s.gpus[i].power >= 0 {
			return nil
		}
		broken = errors.Join(broken, s.gpus[i].broken)
	}
	switch {
	case broken != nil:
		return broken
	case len(s.unknown) > 0:
		return unknownMetric(s.unknown)
	}
	return fmt.Errorf("%w: the page has neither energy nor power of any GPU: enable %s and %s in the exporter's file of counters (-f FILE.csv)",
		energy.ErrNoDevice, metrics[0].name, "DCGM_FI_DEV_POWER_USAGE")
}

func unknownMetric(names []string) error {
	return fmt.Errorf("%w: %s: the unit follows from the name, and this version knows others; enable %s in the exporter's file of counters, or ask for the name to be added",
		ErrUnknownMetric, strings.Join(names, ", "), metrics[0].name)
}
