package dcgmsource

import (
	"errors"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// meter makes one reading of a device out of the pages of its endpoints. All of
// them show the same counter, each as it was some time ago, so that the greatest
// value is the newest.
type meter struct {
	device  *energy.Device
	origins []origin
	after   time.Time // of the reading before
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
	// fresh says that the endpoint has answered with the value just now, and reset
	// that it went down.
	fresh, reset bool
}

// value returns what the newest page of the endpoint has of the device.
func (o *origin) value() *value { return &o.endpoint.values[o.local] }

// read fills in the reading from the answers of the endpoints.
func (m *meter) read(r *energy.Reading) {
	*r = energy.Reading{Device: r.Device}
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
		if v := o.value(); o.endpoint.answered() && v.hasWatts {
			r.Watts, r.HasWatts = v.watts, true
			r.Before, r.After = o.endpoint.newest.before, o.endpoint.newest.after
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
		if o.fresh && (last == nil || o.endpoint.newest.after.After(last.endpoint.newest.after)) {
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
	r.Before, r.After = last.endpoint.newest.before, last.endpoint.newest.after
}

// update takes in the values of the endpoints that have answered. One whose own
// value goes down shows a reset: what the others show is then of before it, until
// it changes.
func (m *meter) update() {
	reset := false
	for i := range m.origins {
		o := &m.origins[i]
		v := o.value()
		o.fresh, o.reset = o.endpoint.answered() && v.hasJoules, false
		switch {
		case !o.fresh:
			continue
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
		e := o.endpoint
		errs = append(errs, e.failure(m.device, o.value()))
		if e.arrived && e.newest.before.Before(r.Before) {
			r.Before = e.newest.before
		}
	}
	r.Err = errors.Join(errs...)
}
