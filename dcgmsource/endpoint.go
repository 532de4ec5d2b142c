package dcgmsource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// maxBody is ten times the page of a host with 32 GPUs and hundreds of pods.
const maxBody = 16 << 20

// endpoint is one exporter. What a request writes belongs to it until a read has got its
// answer.
type endpoint struct {
	web.Target
	client  *web.Client
	timeout time.Duration
	body    bytes.Buffer
	page    page
	pages   uint64 // that were asked for
	// values are what the newest page has of the devices of the endpoint.
	values []value

	// nodes is told of GPUs that were not there when the source was opened; nil until it
	// is. own are the GPUs that the endpoint had then, known those of all endpoints, and
	// there those of the newest page; hosts are what its host has been called so far, and
	// host is the last.
	nodes             *nodes
	own, known, there map[string]bool
	hosts             map[string]bool
	host              string

	poller *poll.Poller
}

// value is what one page has of one device.
type value struct {
	// energy and power are the metrics that are read, as positions in the page's words;
	// negative if there is none.
	energy, power       int
	joules, watts       float64
	hasJoules, hasWatts bool
	// broken says why a row of the device could not be understood.
	broken error
}

// update requests the page and takes the values from it.
func (e *endpoint) update(ctx context.Context) poll.Answer {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	a := poll.Answer{Before: time.Now()}
	err := e.request(ctx)
	a.After = time.Now()
	if err == nil {
		err = e.page.parse(e.body.Bytes())
	}
	if err != nil {
		a.Err = fmt.Errorf("dcgm: %s: %w", e.Clean, err)
		return a
	}
	e.take()
	e.watch(a.After)
	return a
}

// request reads the page into the buffer, which is used again and again.
func (e *endpoint) request(ctx context.Context) error {
	r, err := e.Get(ctx)
	if err != nil {
		return err
	}
	e.pages++
	r.Close = e.fresh()
	response, err := e.client.Do(r)
	if err != nil {
		return web.Of(energy.ErrNoAnswer, web.Explain(web.Cause(err)))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		io.CopyN(io.Discard, response.Body, 4096) // so that the connection can be used again
		return statusError(response.StatusCode)
	}
	e.body.Reset()
	n, err := e.body.ReadFrom(response.Body)
	switch {
	case errors.Is(err, web.ErrTooLong):
		return fmt.Errorf("%w: %w", ErrPage, err)
	case err != nil:
		return fmt.Errorf("%w: the answer breaks off after %d bytes: %w", ErrPage, n, web.Explain(web.Cause(err)))
	}
	return nil
}

// fresh reports whether the next page is to come by a new connection: that of an address
// which stands for several nodes is then another node's, and not always the same one's as
// long as a connection lasts. Two nodes that a service chooses between at random are told
// apart by the first pages but once in 2^15, and later ones go on looking.
func (e *endpoint) fresh() bool {
	const first, later = 16, 4
	return e.nodes == nil || e.pages <= first || e.pages%later == 0
}

// take takes the values of the devices from the page. Where several rows are of
// one GPU, its value is the greatest: they are copies of one counter, and some
// are older by milliseconds.
func (e *endpoint) take() {
	for i := range e.values {
		e.values[i] = value{energy: e.values[i].energy, power: e.values[i].power}
	}
	for i := range e.page.rows {
		r := &e.page.rows[i]
		if r.labels.device < 0 {
			continue
		}
		v := &e.values[r.labels.device]
		if err := r.failure(); err != nil {
			v.broken = err
			continue
		}
		x, ok := e.page.vocabulary().At(r.metric).Value(r.raw)
		switch {
		case ok && r.metric == v.energy:
			v.joules, v.hasJoules = max(v.joules, x), true
		case ok && r.metric == v.power:
			v.watts, v.hasWatts = max(v.watts, x), true
		}
	}
}

// failure says why there is no value of a device on the newest page.
func (e *endpoint) failure(d *energy.Device, v *value) error {
	switch {
	case v.broken != nil:
		return fmt.Errorf("dcgm: %s: %s: %w", e.Clean, d.UUID, v.broken)
	case v.energy < 0 && v.power < 0:
		return fmt.Errorf("dcgm: %s: %w: the page has neither energy nor power of %s, or 0 for its energy\nsee nvidia-smi on its host whether it has failed",
			e.Clean, energy.ErrNoDevice, d.UUID)
	}
	return fmt.Errorf("dcgm: %s: %w: the page has no %s of %s any more\nsee nvidia-smi on its host whether it has failed",
		e.Clean, energy.ErrNoDevice, d.Metric, d.UUID)
}
