package dcgmsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// maxBody is ten times the page of a host with 32 GPUs and hundreds of pods.
const maxBody = 16 << 20

// answer is what came of one request.
type answer struct {
	before, after time.Time
	err           error
}

// fetch requests the page of an endpoint into its buffer.
func (e *endpoint) fetch(ctx context.Context) answer {
	ctx, cancel := context.WithTimeout(ctx, e.web.timeout)
	defer cancel()
	a := answer{before: time.Now()}
	err := e.request(ctx)
	a.after = time.Now()
	if err != nil {
		a.err = fmt.Errorf("dcgm: %s: %w", e.clean, explain(cause(err)))
	}
	return a
}

func (e *endpoint) request(ctx context.Context) error {
	r, err := e.target.request(ctx, http.MethodGet, "", nil)
	if err != nil {
		return err
	}
	response, err := e.web.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		io.CopyN(io.Discard, response.Body, 4096) // so that the connection can be used again
		return statusError{response.StatusCode}
	}
	return e.readBody(response.Body)
}

// readBody reads the page into the buffer, which is used again and again.
func (e *endpoint) readBody(body io.Reader) error {
	e.body.Reset()
	n, err := e.body.ReadFrom(io.LimitReader(body, maxBody+1))
	if err != nil {
		return fmt.Errorf("%w: the answer breaks off after %d bytes: %w", ErrPage, n, cause(err))
	}
	if n > maxBody {
		return fmt.Errorf("%w: it is longer than %d MiB", ErrPage, maxBody>>20)
	}
	return nil
}

// explain adds what to do to an error of the network.
func explain(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer in time: check that the exporter runs and is not overloaded: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens there: check the port, and that the exporter runs: %w", err)
	case errors.As(err, &dns):
		return fmt.Errorf("the host cannot be found: check its name: %w", err)
	}
	return err
}
