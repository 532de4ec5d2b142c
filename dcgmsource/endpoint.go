package dcgmsource

import (
	"bytes"
	"context"
	"fmt"

	"github.com/joulebench/joulebench/powertest/energy"
)

// endpoint is one exporter. At most one request is under way: what the request
// writes belongs to its goroutine until the answer has been received.
type endpoint struct {
	target
	web  *web
	body bytes.Buffer
	page page
	// values are what the newest page tells of the devices of the endpoint.
	values []value

	answers chan answer

	// The rest belongs to who calls Read.

	underWay bool
	asked    uint64 // the read that asked last
	// newest is the answer to the read that asked last, if it is here.
	newest answer
	here   bool
}

// value is what one page tells of one device.
type value struct {
	// energy and power are the metrics that are read, as positions in metrics;
	// negative if there is none.
	energy, power       int
	joules, watts       float64
	hasJoules, hasWatts bool
	// broken says why a row of the device could not be understood.
	broken error
}

func newEndpoint(t target, w *web) *endpoint {
	return &endpoint{target: t, web: w, answers: make(chan answer, 1)}
}

// update requests the page and takes the values from it.
func (e *endpoint) update(ctx context.Context) answer {
	a := e.fetch(ctx)
	if a.err != nil {
		return a
	}
	if err := e.page.parse(e.body.Bytes()); err != nil {
		a.err = fmt.Errorf("dcgm: %s: %w", e.clean, err)
		return a
	}
	e.take()
	return a
}

// take takes the values of the devices from the page. Where several rows tell of
// a GPU, its value is the greatest: they are copies of one counter, and some
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
		x, ok := metrics[r.metric].value(r.raw)
		switch {
		case ok && r.metric == v.energy:
			v.joules, v.hasJoules = max(v.joules, x), true
		case ok && r.metric == v.power:
			v.watts, v.hasWatts = max(v.watts, x), true
		}
	}
}

// missing says that a good page has no value of a device.
func (e *endpoint) missing(d *energy.Device, v *value) error {
	if v.broken != nil {
		return fmt.Errorf("dcgm: %s: %s: %w", e.clean, d.UUID, v.broken)
	}
	if v.energy < 0 && v.power < 0 {
		return fmt.Errorf("dcgm: %s: %w: %s is on the page, but neither its energy nor its power: "+
			"if it has failed, see nvidia-smi on its host; to measure the other GPUs, select them (POWERTEST_DEVICES)", e.clean, energy.ErrNoDevice, d.UUID)
	}
	return fmt.Errorf("dcgm: %s: %w: the page has no %s of %s any more: see nvidia-smi on its host, whether it has failed",
		e.clean, energy.ErrNoDevice, d.Metric, d.UUID)
}
