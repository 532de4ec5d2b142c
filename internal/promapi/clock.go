package promapi

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Clock relates the server's time to this machine's: Local is when the
// server's clock showed Server, give or take Err. Local has a monotonic reading, so
// that setting this machine's wall clock changes nothing.
type Clock struct {
	Server int64 // ms since the epoch
	Local  time.Time
	Err    time.Duration
	date   time.Time // of the reply's header; zero if it has none
}

// ToLocal returns the local time of a server's time in ms since the epoch.
func (c Clock) ToLocal(at int64) time.Time {
	return c.Local.Add(time.Duration(at-c.Server) * time.Millisecond)
}

// Within returns between which local times a server's time lies.
func (c Clock) Within(at int64) (from, to time.Time) {
	t := c.ToLocal(at)
	return t.Add(-c.Err), t.Add(c.Err)
}

// ToServer returns the server's time of a local one, in ms since the epoch.
func (c Clock) ToServer(t time.Time) int64 {
	return c.Server + t.Sub(c.Local).Milliseconds()
}

const (
	// clockTries is how often the server is asked for the time: the quickest
	// answer is the most exact.
	clockTries = 3
	quickReply = 20 * time.Millisecond
)

// SampleClock asks the server what time it is.
func (c *Client) SampleClock(ctx context.Context) (Clock, error) {
	var best Clock
	for i := range clockTries {
		now, err := c.askTime(ctx)
		if err != nil {
			return now, err
		}
		if i == 0 || now.Err < best.Err {
			best = now
		}
		if best.Err < quickReply/2 {
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

func (c *Client) askTime(ctx context.Context) (Clock, error) {
	before := time.Now()
	var now Clock
	header, err := c.Series(ctx, c.clock, 0, "vector", func(r *Stream) {
		for _, v := range r.Samples {
			if v.Value > 0 && v.Value < 1e12 {
				now.Server = int64(math.Round(1000 * v.Value))
			}
		}
	})
	if err == nil && now.Server == 0 {
		err = fmt.Errorf("prometheus: %s does not say what time it is", c.Host)
	}
	if err != nil {
		return Clock{}, err
	}
	took := time.Since(before)
	now.Local, now.Err = before.Add(took/2), took/2
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
func (c Clock) shifted() (lag time.Duration, off bool) {
	if c.date.IsZero() {
		return 0, false
	}
	const resolution = time.Second
	lag = c.date.Sub(time.UnixMilli(c.Server))
	return lag.Round(time.Second), (lag + resolution/2).Abs() > dateSlack+resolution/2+2*c.Err
}

// LatencyOffset is the parameter by which VictoriaMetrics answers queries as of some time
// ago, to wait for late samples.
const LatencyOffset = "latency_offset"

// SyncClock asks for the time for the first time, and finds out by the answer how the server
// is to be asked. One that answers queries as of some time ago is asked not to: else no sample's
// time would be known to better than the header's second.
func (c *Client) SyncClock(ctx context.Context) (now Clock, note string, err error) {
	if now, err = c.SampleClock(ctx); err != nil {
		return now, "", err
	}
	lag, off := now.shifted()
	if now.Server%1000 == 0 || off {
		if exact, ok := c.syncVictoria(ctx, now); ok {
			now, c.clock = exact, victoriaClock
			if !c.Params.Has(LatencyOffset) {
				off = false
			}
		}
	}
	if (off || c.clock == victoriaClock) && !c.Params.Has(LatencyOffset) {
		c.Params.Set(LatencyOffset, "1ms")
		note = ", asked with " + LatencyOffset + "=1ms"
		if now, err = c.SampleClock(ctx); err != nil {
			return now, "", err
		}
		lag, off = now.shifted()
	}
	if !off {
		return now, note, nil
	}
	return now, "", fmt.Errorf("prometheus: the time() of %s lags by %v behind its Date header\nask it directly rather than through a cache, and if it is VictoriaMetrics set latency_offset=1ms", c.Host, lag)
}

// syncVictoria asks for the time as only VictoriaMetrics reports it; ok is false if that is
// not what it is. Something else may answer whatever is asked, and then not with a time
// near the one before.
func (c *Client) syncVictoria(ctx context.Context, before Clock) (now Clock, ok bool) {
	usual := c.clock
	defer func() { c.clock = usual }()
	c.clock = victoriaClock
	now, err := c.SampleClock(ctx)
	const far = time.Hour
	return now, err == nil && now.ToLocal(before.Server).Sub(before.Local).Abs() < far
}
