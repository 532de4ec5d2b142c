package promsource

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// clockSample relates the server's time to this machine's: local is when the
// server's clock showed server, give or take err. local has a monotonic reading, so
// that setting this machine's wall clock changes nothing.
type clockSample struct {
	server int64 // ms since the epoch
	local  time.Time
	err    time.Duration
	date   time.Time // of the reply's header; zero if it has none
}

// toLocal returns the local time of a server's time in ms since the epoch.
func (c clockSample) toLocal(at int64) time.Time {
	return c.local.Add(time.Duration(at-c.server) * time.Millisecond)
}

// within returns between which local times a server's time lies.
func (c clockSample) within(at int64) (from, to time.Time) {
	t := c.toLocal(at)
	return t.Add(-c.err), t.Add(c.err)
}

// toServer returns the server's time of a local one, in ms since the epoch.
func (c clockSample) toServer(t time.Time) int64 {
	return c.server + t.Sub(c.local).Milliseconds()
}

const (
	// clockTries is how often the server is asked for the time: the quickest
	// answer is the most exact.
	clockTries = 3
	quickReply = 20 * time.Millisecond
)

// sampleClock asks the server what time it is.
func (c *client) sampleClock(ctx context.Context) (clockSample, error) {
	var best clockSample
	for i := range clockTries {
		now, err := c.askTime(ctx)
		if err != nil {
			return now, err
		}
		if i == 0 || now.err < best.err {
			best = now
		}
		if best.err < quickReply/2 {
			break
		}
	}
	return best, nil
}

// Expressions that say what time it is. Prometheus has no clock but the time of the query.
// VictoriaMetrics rounds that down to whole seconds unless it is given, and may have it lag;
// its clock is now(), which no other server has.
const (
	prometheusClock = "vector(time())"
	victoriaClock   = "now()"
)

func (c *client) askTime(ctx context.Context) (clockSample, error) {
	before := time.Now()
	var now clockSample
	header, err := c.series(ctx, c.clock, 0, "vector", func(r *stream) {
		for _, v := range r.samples {
			if v.value > 0 && v.value < 1e12 {
				now.server = int64(math.Round(1000 * v.value))
			}
		}
	})
	if err == nil && now.server == 0 {
		err = fmt.Errorf("prometheus: %s does not say what time it is", c.host)
	}
	if err != nil {
		return clockSample{}, err
	}
	took := time.Since(before)
	now.local, now.err = before.Add(took/2), took/2
	if d, err := http.ParseTime(header.Get("Date")); err == nil {
		now.date = d
	}
	return now, nil
}

// dateSlack is by how much the server's time() and the date of its reply may
// differ, besides the round trip and the header's resolution of a second.
const dateSlack = 2 * time.Second

// shifted returns by how much time() lags behind the date of the reply, if that
// is more than the slack.
func (c clockSample) shifted() (lag time.Duration, off bool) {
	if c.date.IsZero() {
		return 0, false
	}
	const resolution = time.Second
	lag = c.date.Sub(time.UnixMilli(c.server))
	return lag.Round(time.Second), (lag + resolution/2).Abs() > dateSlack+resolution/2+2*c.err
}

// latencyOffset is the parameter by which VictoriaMetrics answers queries as of some time
// ago, to wait for late samples.
const latencyOffset = "latency_offset"

// syncClock asks for the time when the source is opened. A server that answers queries as
// of some time ago is asked not to: then no sample's time would be known to better than
// the header's second.
func (c *client) syncClock(ctx context.Context) (now clockSample, note string, err error) {
	if now, err = c.sampleClock(ctx); err != nil {
		return now, "", err
	}
	lag, off := now.shifted()
	if now.server%1000 == 0 || off {
		if exact, ok := c.syncVictoria(ctx, now); ok {
			now, c.clock = exact, victoriaClock
			if !c.params.Has(latencyOffset) {
				off = false
			}
		}
	}
	if (off || c.clock == victoriaClock) && !c.params.Has(latencyOffset) {
		c.params.Set(latencyOffset, "1ms")
		note = ", asked with " + latencyOffset + "=1ms"
		if now, err = c.sampleClock(ctx); err != nil {
			return now, "", err
		}
		lag, off = now.shifted()
	}
	if !off {
		return now, note, nil
	}
	return now, "", fmt.Errorf("prometheus: the time() of %s lags by %v behind its Date header\nask it directly rather than through a cache, and if it is VictoriaMetrics set latency_offset=1ms", c.host, lag)
}

// syncVictoria asks for the time as only VictoriaMetrics tells it; ok is false if that is
// not what it is. Something else may answer whatever is asked, and then not with a time
// near the one before.
func (c *client) syncVictoria(ctx context.Context, before clockSample) (now clockSample, ok bool) {
	usual := c.clock
	defer func() { c.clock = usual }()
	c.clock = victoriaClock
	now, err := c.sampleClock(ctx)
	const far = time.Hour
	return now, err == nil && now.toLocal(before.server).Sub(before.local).Abs() < far
}

// setSince reports by how much the server's clock was set between two samples of it.
func (c clockSample) setSince(past clockSample) (time.Duration, bool) {
	moved := time.Duration(c.server-past.server) * time.Millisecond
	return energy.ClockSet(moved, c.local.Sub(past.local), 2*(c.err+past.err))
}

// maxClockSamples bounds how many samples of the server's clock are kept. The older
// half is thinned out, so that a window that began long ago has still some of
// before a step.
const maxClockSamples = 256

// clockLog is the samples of the server's clock. They are kept, since several
// windows may enclose the same step.
type clockLog struct {
	mu      sync.Mutex
	samples []clockSample
}

// add adds a sample, and reports by how much the clock was set since start.
func (l *clockLog) add(now clockSample, start time.Time) (by time.Duration, set bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := 0
	for i, c := range l.samples {
		if !c.local.After(start) {
			first = i
		}
	}
	for _, c := range l.samples[first:] {
		if by, set = now.setSince(c); set {
			break
		}
	}
	if l.samples = append(l.samples, now); len(l.samples) > maxClockSamples {
		kept, older := l.samples[:0], len(l.samples)/2
		for i, c := range l.samples {
			if i >= older || i%2 == 0 {
				kept = append(kept, c)
			}
		}
		l.samples = kept
	}
	return by, set
}

// last returns the newest sample.
func (l *clockLog) last() clockSample {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.samples[len(l.samples)-1]
}

// checkClock samples the server's clock, and compares it with what it showed since
// start.
func (s *Source) checkClock(ctx context.Context, start time.Time) (clockSample, []energy.Finding, error) {
	now, err := s.client.sampleClock(ctx)
	if err != nil {
		return now, nil, err
	}
	by, set := s.clock.add(now, start)
	if !set {
		return now, nil, nil
	}
	return now, []energy.Finding{{Reason: energy.ClockStep, Detail: fmt.Sprintf(
		"the clock of %s was set by %v, so that the times of its samples are unknown; run NTP there, and measure again",
		s.client.host, by.Round(time.Millisecond))}}, nil
}
