package dcgmsource

import (
	"context"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// readTime is how far back Read looks for the newest sample, or three scrape
// intervals if that is more.
const readTime = 10 * time.Second

// Read fills in the newest sample that the server has of each device, with the
// time of the scrape. It asks the server once, and unlike other sources it
// allocates: windows are measured by [PrometheusSource.Past]. A device of which
// the server has no recent sample carries an error that wraps
// [energy.ErrNoDevice].
func (s *PrometheusSource) Read(dst []energy.Reading) {
	newest, now, err := s.newest()
	for k := range dst {
		r := energy.Reading{Device: dst[k].Device, Before: time.Now(), Err: err}
		r.After = r.Before
		switch i := r.Device; {
		case uint(i) >= uint(len(s.devices)):
			r.Err = fmt.Errorf("prometheus: %w: the reading's index is out of range", energy.ErrNoDevice)
		case err == nil && newest[i].at == 0:
			r.Err = fmt.Errorf("prometheus: %w: no sample of %s in the last %v: is %s scraped?", energy.ErrNoDevice, s.devices[i].UUID, s.readTime(), s.devices[i].Endpoint)
		case err == nil:
			r.Before, r.After = now.within(newest[i].at)
			s.fill(&r, newest[i].value)
		}
		dst[k] = r
	}
}

func (s *PrometheusSource) readTime() time.Duration { return max(readTime, 3*s.scrape) }

func (s *PrometheusSource) fill(r *energy.Reading, value float64) {
	if s.devices[r.Device].Method == energy.Gauge {
		r.Watts, r.HasWatts = value, true
		return
	}
	r.Joules, r.HasJoules = value, true
}

// newest returns the newest sample of every device; its time is 0 if there is
// none.
func (s *PrometheusSource) newest() ([]sample, clock, error) {
	if s.closed.Load() {
		return nil, clock{}, errPrometheusClosed
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	s.mu.Lock()
	now := s.looks[len(s.looks)-1]
	s.mu.Unlock()
	to := now.there(time.Now())
	b, err := s.raw(ctx, s.metrics, stretch{to - s.readTime().Milliseconds(), to})
	if err != nil {
		return nil, now, err
	}
	list := make([]sample, len(s.devices))
	b.each(func(device int, runs []run) {
		var m merger
		m.add(b, runs, sink{value: func(at int64, v float64) { list[device] = sample{at, v} }})
	})
	return list, now, nil
}
