package promsource

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// openTimeout bounds how long opening may take.
const openTimeout = 10 * time.Second

// Source is an [energy.HistorySource] on the samples that a server keeps of
// exporters' metrics. Open it with [Open]. A window costs the server a few queries,
// after its end, and nothing while it lasts.
//
// Energy is never that of increase() or of an instant value: the samples around
// the edges of the window are fetched as they are, and the edges closed as those
// of any counter. How well a window is known follows from how often it is scraped,
// and how often exporters collect: a window needs several times the longer of the
// two to have a number.
//
// Times of samples are of the server's clock, which is compared with this
// machine's when the source is opened and after each window; how long a scrape
// took is not in them. The server that answers and those that scrape are assumed to
// agree on the time.
type Source struct {
	client *promapi.Client
	info   energy.Info
	fleet  *fleet
	tempo  tempo
	clock  clockLog
	delay  delay
	closed atomic.Bool
}

var _ energy.HistorySource = (*Source)(nil)

// openTimeout is that of opening: a server that is asked for the GPUs of a long window looks at
// all of their samples, which takes seconds for a fleet's day.
func (cfg *Config) openTimeout() time.Duration {
	const perHour = 5 * time.Second
	return openTimeout + time.Duration(cfg.Window.End.Sub(cfg.Window.Start).Hours()*float64(perHour))
}

// Open opens the GPUs that cfg selects. It asks the server which there are, how
// often they are scraped and what time it is, within 10 s, and 5 s for each hour of the window.
//
// Its errors wrap [energy.ErrNoDevice] if no GPU is selected or one is not there,
// [energy.ErrMalformed] if the configuration cannot be right, [energy.ErrStalled]
// if the server does not answer in time, and [io/fs.ErrPermission] if it refuses to;
// see also [ErrBadQuery], [ErrIncomplete] and [ErrUnknownMetric].
func Open(cfg Config) (*Source, error) {
	sel, err := parseSelector(cfg.Selector)
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, err)
	}
	to, err := cfg.target()
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, err)
	}
	words, err := cfg.Metric.Vocabulary()
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	c, err := promapi.Open(to, cfg.Params, cfg.HTTP)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cfg.openTimeout())
	defer cancel()
	s, err := open(ctx, c, words, sel, cfg)
	if err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, c *promapi.Client, words *metricname.Vocabulary, sel selector, cfg Config) (*Source, error) {
	now, note, err := c.SyncClock(ctx)
	if err != nil {
		return nil, err
	}
	when := whenOf(cfg.Window, now)
	f, err := inventory(ctx, c, words, sel, cfg, when)
	if err != nil {
		return nil, err
	}
	byJob, err := f.learn(ctx, c, when.to)
	if err != nil {
		return nil, err
	}
	periods, t := f.spread(byJob, cfg.Collect)
	for i, p := range periods {
		if f.devices[i].Period = p; p == t.period {
			f.devices[i].Period = 0 // it is as [energy.Info.Period] says
		}
	}
	info := energy.Info{Name: sourceName, Version: "prometheus at " + c.Host + note + strings.TrimSuffix("; "+f.note, "; "), Period: t.period}
	return &Source{client: c, info: info, fleet: f, tempo: t, clock: clockLog{samples: []promapi.Clock{now}}}, nil
}

// Info describes the source. Its period is the slowest that was seen.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs by host, index and UUID.
func (s *Source) Devices() []energy.Device { return s.fleet.devices }

// Close closes idle connections. It is idempotent.
func (s *Source) Close() error {
	if !s.closed.Swap(true) {
		s.client.Close()
	}
	return nil
}

// Scraping returns the longest interval at which the server scrapes one of the devices,
// and by how much its clock was ahead of this machine's, known to ± within, when it was
// last asked for the time: when it was opened, or after a window.
func (s *Source) Scraping() (interval, ahead, within time.Duration) {
	c := s.clock.last()
	return s.tempo.scrape, time.UnixMilli(c.Server).Sub(c.Local.Round(0)), c.Err
}

// Collapsed returns how many series were left out because their GPU was counted
// already.
func (s *Source) Collapsed() (series int) {
	for _, d := range s.fleet.devices {
		series += max(d.Rows-1, 0)
	}
	return series
}

// recent is how far back Read looks for the newest sample, or three scrape
// intervals if that is more.
const recent = 10 * time.Second

// Read fills in the newest sample that the server has of each device, with the
// time of the scrape. It asks the server once, and unlike other sources it
// allocates: windows are measured by [Source.ReadRange]. A device of which
// the server has no recent sample carries an error that wraps
// [energy.ErrNoDevice].
func (s *Source) Read(dst []energy.Reading) {
	back := max(recent, 3*s.tempo.scrape)
	newest, now, err := s.newest(back)
	for k := range dst {
		r := energy.Reading{Device: dst[k].Device, Before: time.Now(), Err: err}
		r.After = r.Before
		switch i := r.Device; {
		case uint(i) >= uint(len(s.fleet.devices)):
			r.Err = fmt.Errorf("prometheus: %w: the reading's index is out of range", energy.ErrNoDevice)
		case err == nil && newest[i].At == 0:
			d := s.fleet.devices[i]
			r.Err = fmt.Errorf("prometheus: %w: no sample of %s in the last %v\ncheck that %s is scraped", energy.ErrNoDevice, d.UUID, back, d.Endpoint)
		case err == nil:
			r = s.reading(i, newest[i].At, newest[i].Value, now)
		}
		dst[k] = r
	}
}

// reading makes a reading of a sample.
func (s *Source) reading(device int, at int64, value float64, clock promapi.Clock) energy.Reading {
	r := energy.Reading{Device: device}
	r.Before, r.After = clock.Within(at)
	if s.fleet.devices[device].Method == energy.Gauge {
		r.Watts, r.HasWatts = value, true
	} else {
		r.Joules, r.HasJoules = value, true
	}
	return r
}

// newest returns the newest sample of every device; its time is 0 if there is
// none.
func (s *Source) newest(back time.Duration) ([]sample, promapi.Clock, error) {
	if s.closed.Load() {
		return nil, promapi.Clock{}, errClosed
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	now := s.clock.last()
	to := now.ToServer(time.Now())
	b, err := s.raw(ctx, s.fleet.names, stretch{to - back.Milliseconds(), to})
	if err != nil {
		return nil, now, err
	}
	list := make([]sample, len(s.fleet.devices))
	b.each(func(device int, runs []run) {
		var m merger
		m.add(b, runs, sink{value: func(at int64, v float64) { list[device] = sample{At: at, Value: v} }})
	})
	return list, now, nil
}
