package dcgmsource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// clock relates the server's time to this machine's: local is when the server's
// clock showed server, give or take err. local has a monotonic reading, so that
// setting this machine's wall clock changes nothing.
type clock struct {
	server int64 // ms since the epoch
	local  time.Time
	err    time.Duration
	date   time.Time // of the reply's header; zero if it has none
}

// here returns the local time of a server's time in ms since the epoch.
func (c clock) here(at int64) time.Time {
	return c.local.Add(time.Duration(at-c.server) * time.Millisecond)
}

// within returns between which local times a server's time lies.
func (c clock) within(at int64) (from, to time.Time) {
	t := c.here(at)
	return t.Add(-c.err), t.Add(c.err)
}

// there returns the server's time of a local one, in ms since the epoch.
func (c clock) there(t time.Time) int64 { return c.server + t.Sub(c.local).Milliseconds() }

const (
	// clockTries is how often the server is asked for the time: the quickest
	// answer tells it best.
	clockTries = 3
	quickReply = 20 * time.Millisecond
)

// askClock asks the server what time it is.
func (w *wire) askClock(ctx context.Context) (clock, error) {
	var best clock
	for i := range clockTries {
		c, err := w.askTime(ctx)
		if err != nil {
			return c, err
		}
		if i == 0 || c.err < best.err {
			best = c
		}
		if best.err < quickReply/2 {
			break
		}
	}
	return best, nil
}

func (w *wire) askTime(ctx context.Context) (clock, error) {
	before := time.Now()
	resp, body, err := w.query(ctx, "time()", 0)
	if err != nil {
		return clock{}, err
	}
	took := time.Since(before)
	var answer struct {
		Warnings []string
		Data     struct {
			ResultType string
			Result     []json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return clock{}, w.garbled(resp, body, err)
	}
	if answer.Data.ResultType != "scalar" || len(answer.Data.Result) != 2 {
		return clock{}, w.garbled(resp, body, fmt.Errorf("the result is not a scalar"))
	}
	if err := w.complete(reply{Warnings: answer.Warnings}); err != nil {
		return clock{}, err
	}
	var digits string
	if err := json.Unmarshal(answer.Data.Result[1], &digits); err != nil {
		return clock{}, w.garbled(resp, body, err)
	}
	c := clock{local: before.Add(took / 2), err: took / 2}
	if c.server, err = milliseconds([]byte(digits)); err != nil {
		return clock{}, w.garbled(resp, body, err)
	}
	if d, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.date = d
	}
	return c, nil
}

// dateSlack is by how much the server's time() and the date of its reply may
// differ, besides the round trip and the header's resolution of a second.
const dateSlack = 2 * time.Second

// shifted returns by how much time() lags behind the date of the reply, if that
// is more than the slack.
func (c clock) shifted() (lag time.Duration, off bool) {
	if c.date.IsZero() {
		return 0, false
	}
	const resolution = time.Second
	lag = c.date.Sub(time.UnixMilli(c.server))
	return lag.Round(time.Second), (lag + resolution/2).Abs() > dateSlack+resolution/2+2*c.err
}

// syncClock asks for the time when the source is opened. A server that answers
// queries as of some time ago, as VictoriaMetrics does to wait for late samples,
// is asked not to: then no sample's time would be known to better than the
// header's second.
func (w *wire) syncClock(ctx context.Context) (c clock, note string, err error) {
	c, err = w.askClock(ctx)
	if err != nil {
		return c, "", err
	}
	if _, off := c.shifted(); !off {
		return c, "", nil
	}
	const key = "latency_offset"
	if !w.params.Has(key) {
		w.params.Set(key, "1ms")
		if c, err = w.askClock(ctx); err != nil {
			return c, "", err
		}
		if _, off := c.shifted(); !off {
			return c, ", asked with latency_offset=1ms", nil
		}
	}
	lag, _ := c.shifted()
	return c, "", fmt.Errorf("prometheus: %s says in its Date header another time than with the query time(), which lags by %v: ask it directly rather than through a cache, and if it is VictoriaMetrics set latency_offset=1ms", w.host, lag)
}

// maxMove is by how much the server's clock may move against ours between two
// looks at it, besides what cannot be told and what quartz drifts.
const (
	maxMove  = 250 * time.Millisecond
	maxDrift = 50e-6
)

// stepped reports by how much the server's clock was set between two looks at
// it.
func (c clock) stepped(since clock) (time.Duration, bool) {
	passed := c.local.Sub(since.local)
	move := time.Duration(c.server-since.server)*time.Millisecond - passed
	return move, move.Abs() > maxMove+2*c.err+2*since.err+time.Duration(maxDrift*float64(passed))
}

// maxLooks bounds how many looks at the server's clock are remembered. The older
// half is thinned out, so that a window that began long ago has still some of
// before a step.
const maxLooks = 256

// checkClock looks at the server's clock, and at what it showed since start.
// Looks are remembered, since several windows may enclose the same step.
func (s *PrometheusSource) checkClock(ctx context.Context, start time.Time) (clock, []energy.Finding, error) {
	now, err := s.wire.askClock(ctx)
	if err != nil {
		return now, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := 0
	for i, c := range s.looks {
		if !c.local.After(start) {
			first = i
		}
	}
	var found []energy.Finding
	for _, c := range s.looks[first:] {
		if move, yes := now.stepped(c); yes {
			found = append(found, energy.Finding{Reason: energy.ClockStep, Detail: fmt.Sprintf(
				"the clock of %s was set by %v: the times of its samples can't be told; run NTP there, and measure again",
				s.wire.host, move.Round(time.Millisecond))})
			break
		}
	}
	if s.looks = append(s.looks, now); len(s.looks) > maxLooks {
		s.looks = thinned(s.looks)
	}
	return now, found, nil
}

// thinned returns the looks without every second of the older half. The first
// one stays.
func thinned(looks []clock) []clock {
	kept, older := looks[:0], len(looks)/2
	for i, c := range looks {
		if i >= older || i%2 == 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
