package dcgmsource

import (
	"errors"
	"time"

	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// meter makes one reading of a device out of the pages of its endpoints. All of
// them show the same counter, each as it was some time ago, so that the greatest
// value is the newest.
type meter struct {
	device  *energy.Device
	origins []origin
	pollers []*poll.Poller // of the origins
	after   time.Time      // of the reading before
}

// origin is an endpoint that has the device.
type origin struct {
	endpoint *endpoint
	local    int // position in the endpoint's values
	// joules is the newest value, if there was one. It counts also where the
	// endpoint does not answer for once: if another that is behind took its
	// place, the counter would seem to go down.
	joules float64
	has    bool
	// aside says that the value is of before a reset, which another endpoint has
	// shown. It does not count until it changes.
	aside bool
	// newest is the newest answer of the endpoint; late says that there is none yet.
	newest poll.Answer
	late   bool
	// fresh says that the endpoint has answered with the value just now, and reset
	// that it went down.
	fresh, reset bool
}

// value returns what the newest page of the endpoint has of the device.
func (o *origin) value() *value { return &o.endpoint.values[o.local] }

// failure says why the endpoint has no value of the device. What a request that is under way
// writes is its own.
func (o *origin) failure(d *energy.Device) error {
	if o.newest.Err != nil {
		return web.Of(energy.ErrNoAnswer, o.newest.Err)
	}
	return o.endpoint.failure(d, o.value())
}

// read fills in the reading from the answers of the endpoints.
func (m *meter) read(r *energy.Reading) {
	*r = energy.Reading{Device: r.Device}
	for i := range m.origins {
		m.origins[i].newest, m.origins[i].late = m.origins[i].endpoint.poller.Newest()
	}
	if m.device.Method == energy.Gauge {
		m.readGauge(r)
	} else {
		m.readCounter(r)
	}
	if !r.HasJoules && !r.HasWatts {
		m.fail(r)
	}
	if r.After.Before(m.after) {
		r.After = m.after // the answer waited until the reading before had been made
	}
	m.after = r.After
}

func (m *meter) readGauge(r *energy.Reading) {
	for i := range m.origins {
		o := &m.origins[i]
		if o.newest.Err == nil && o.value().hasWatts {
			r.Watts, r.HasWatts = o.value().watts, true
			r.Before, r.After = o.newest.Before, o.newest.After
			return
		}
	}
}

func (m *meter) readCounter(r *energy.Reading) {
	m.update()
	var best, last *origin
	for i := range m.origins {
		o := &m.origins[i]
		if o.has && !o.aside && (best == nil || o.joules > best.joules) {
			best = o
		}
		if o.fresh && (last == nil || o.newest.After.After(last.newest.After)) {
			last = o
		}
	}
	if best == nil || last == nil {
		return
	}
	if best.fresh {
		last = best
	}
	r.Joules, r.HasJoules = best.joules, true
	r.Watts, r.HasWatts = last.value().watts, last.value().hasWatts
	r.Before, r.After = last.newest.Before, last.newest.After
}

// update takes in the values of the endpoints that have answered. One whose own
// value goes down shows a reset: what the others show is then of before it, until
// it changes.
func (m *meter) update() {
	reset := false
	for i := range m.origins {
		o := &m.origins[i]
		if o.fresh, o.reset = o.newest.Err == nil && o.value().hasJoules, false; !o.fresh {
			continue
		}
		v := o.value()
		switch {
		case o.aside:
			o.aside = v.joules == o.joules
		case o.has && v.joules < o.joules:
			o.reset, reset = true, true
		}
		o.joules, o.has = v.joules, true
	}
	for i := range m.origins {
		if o := &m.origins[i]; reset && !o.reset {
			o.aside = true
		}
	}
}

// fail says why there is no value.
func (m *meter) fail(r *energy.Reading) {
	var errs []error
	r.After = time.Now()
	r.Before = r.After
	for i := range m.origins {
		o := &m.origins[i]
		errs = append(errs, o.failure(m.device))
		if !o.late && o.newest.Before.Before(r.Before) {
			r.Before = o.newest.Before
		}
	}
	r.Err = errors.Join(errs...)
}
