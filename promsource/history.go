package promsource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/energy"
)

// How much is fetched around the edges of a window, in refresh periods; twice
// the scrape interval comes on top. Ticks further away say nothing of the power
// at an edge, and between the edges the counter adds up by itself.
const (
	ticksOutside = 4
	ticksInside  = 10
)

// maxSamples bounds how many samples are fetched raw in all, where a window has
// to be fetched as a whole; chunkSamples, how many are in memory at a time.
const (
	maxSamples   = 2_000_000
	chunkSamples = 500_000
)

// slowServer is how long a server may take to answer what is asked of one window.
const slowServer = 30 * time.Second

// maxWatts is more than any GPU draws.
const maxWatts = 2000

// history is one call of ReadRange: what the server knows of a window, on its way
// to the histories.
type history struct {
	*Source
	spans []energy.Span
	to    []*energy.History
	asked []int  // the devices that are asked for
	where string // a matcher of their series; empty if all are fetched
	clock promapi.Clock
	plan
	deadline   time.Time
	mergers    []merger
	last       int64           // when samples were last asked for, in the server's time
	unexpected map[string]bool // UUIDs of GPUs that were not there at open
}

// ReadRange implements [energy.HistorySource]. It waits until the server has the samples
// of at least two refresh periods after the end of the last span, but not longer
// than 3.2 refresh periods, two scrape intervals and 5 s from that end; or half a
// minute from now, if the server is slow.
//
// The error says that the server did not answer, or not completely.
func (s *Source) ReadRange(ctx context.Context, spans []energy.Span, to []*energy.History) ([]energy.Finding, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	var asked []int
	for i, h := range to {
		if h != nil {
			asked = append(asked, i)
		}
	}
	if len(spans) == 0 || len(asked) == 0 {
		return nil, nil
	}
	start, end := spans[0].Start, spans[len(spans)-1].End
	deadline := end.Add(s.tempo.ticks(3.2) + 5*time.Second)
	if now := time.Now(); deadline.Before(now.Add(5 * time.Second)) {
		deadline = now.Add(5 * time.Second) // for a server that is just restarting
	}
	// A server that takes its time for every answer must not take minutes.
	last := time.Now().Add(slowServer)
	if deadline.After(last) {
		last = deadline
	}
	ctx, cancel := context.WithDeadline(ctx, last)
	defer cancel()
	var clock promapi.Clock
	var found []energy.Finding
	err := retry(ctx, deadline, func(ctx context.Context) (err error) {
		clock, found, err = s.checkClock(ctx, start)
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := s.planFor(stretch{clock.ToServer(start), clock.ToServer(end)}, len(spans) == 1)
	if err != nil {
		return found, err
	}
	h := &history{
		Source: s, spans: spans, to: to, asked: asked, where: s.fleet.only(asked), clock: clock, plan: p,
		deadline: deadline, mergers: make([]merger, len(to)), unexpected: map[string]bool{},
	}
	for _, step := range []func(context.Context) error{h.fetchHead, h.fetchGauges, h.fetchTail, h.checkInterior} {
		if err := step(ctx); err != nil {
			return found, err
		}
	}
	h.nameGone()
	h.checkPower(ctx)
	return append(found, h.unexpectedGPUs()...), nil
}

// only returns a matcher for some devices, if they can be named in one query;
// empty if they cannot, or are all. Where only some devices are asked for,
// findings about others are left out.
func (f *fleet) only(asked []int) string {
	if len(asked) == len(f.devices) {
		return ""
	}
	if groups := f.groups(asked); len(groups) == 1 {
		return f.among(groups[0])
	}
	return ""
}

// plan is what to fetch: window is from the start of the first span to the end of
// the last, head what is fetched at once, and tail what is fetched when it is
// there.
type plan struct{ window, head, tail stretch }

// planFor decides what to fetch. Windows that are not much longer than what their
// edges need, and those with pauses, are fetched whole.
func (s *Source) planFor(window stretch, single bool) (plan, error) {
	outside, inside := s.tempo.ticks(ticksOutside).Milliseconds(), s.tempo.ticks(ticksInside).Milliseconds()
	p := plan{
		window: window,
		head:   stretch{window.from - outside, window.from + inside},
		tail:   stretch{window.to - inside, window.to + outside},
	}
	if single && p.head.to < p.tail.from {
		return p, nil
	}
	p.head.to, p.tail.from = window.to, window.to
	if n := s.expect(p.head); !single && n > maxSamples {
		return p, fmt.Errorf("prometheus: a window with pauses of %v on %d GPUs has %.1f million samples, more than %d million\nchoose fewer GPUs, or measure without pauses",
			(time.Duration(window.ms()) * time.Millisecond).Round(time.Second), len(s.fleet.devices), float64(n)/1e6, maxSamples/1_000_000)
	}
	return p, nil
}

// expect returns how many samples there are at most in a stretch of time.
func (s *Source) expect(in stretch) int64 {
	return int64(s.fleet.rows) * (in.ms()/max(s.tempo.fastest.Milliseconds(), 1) + 1)
}

// chunks divides a stretch of time so that each part has at most n samples.
func (s *Source) chunks(in stretch, n int64) []stretch {
	parts := (s.expect(in) + n - 1) / n
	step := in.ms()/max(parts, 1) + 1
	var list []stretch
	for from := in.from; from <= in.to; from += step {
		list = append(list, stretch{from, min(from+step-1, in.to)})
	}
	return list
}

// fetchHead fetches what is before the end of the window, which the server has
// by now or will have soon.
func (h *history) fetchHead(ctx context.Context) error {
	if err := h.add(ctx, h.head, h.where); err != nil {
		return err
	}
	for i := range h.mergers {
		h.mergers[i].headAt = h.mergers[i].at
	}
	return nil
}

// fetchGauges fetches what lies between the edges for the devices that have no
// counter: power does not add up by itself.
func (h *history) fetchGauges(ctx context.Context) error {
	between := stretch{h.head.to + 1, h.tail.from}
	gauges := slices.DeleteFunc(slices.Clone(h.fleet.gauges), func(i int) bool { return h.to[i] == nil })
	if len(gauges) == 0 || between.from > between.to {
		return nil
	}
	rows := int64(len(gauges))
	if n := h.expect(between) * rows / int64(h.fleet.rows); n > maxSamples {
		return fmt.Errorf("prometheus: %d GPUs without an energy counter have %.1f million samples in %v, more than %d million\nchoose fewer GPUs, or measure for less long",
			rows, float64(n)/1e6, time.Duration(between.ms())*time.Millisecond, maxSamples/1_000_000)
	}
	for _, who := range h.fleet.groups(gauges) {
		if err := h.add(ctx, between, h.fleet.among(who)); err != nil {
			return err
		}
	}
	return nil
}

// add fetches samples and adds them to the histories. where is a further matcher,
// if it is not empty. What a history has already is passed over.
func (h *history) add(ctx context.Context, in stretch, where string) error {
	return h.each(ctx, h.chunks(in, chunkSamples), where, func(b *batch) {
		h.noteUnexpected(b)
		b.each(func(device int, runs []run) {
			if h.to[device] != nil {
				h.mergers[device].add(b, runs, h.sink(device))
			}
		})
	})
}

// each fetches the samples of stretches of time, one after the other.
func (h *history) each(ctx context.Context, parts []stretch, where string, do func(*batch)) error {
	for _, part := range parts {
		err := retry(ctx, h.deadline, func(ctx context.Context) error {
			b, err := h.raw(ctx, h.fleet.names, part, where)
			if err == nil {
				do(b)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sink returns what adds a device's samples to its history.
func (h *history) sink(device int) sink {
	to := sink{value: func(at int64, v float64) { h.to[device].Add(h.reading(device, at, v, h.clock)) }}
	if h.fleet.devices[device].Method == energy.Gauge {
		return to
	}
	to.skew = maxWatts * h.tempo.scrape.Seconds()
	to.lag = 2 * h.tempo.scrape.Milliseconds()
	to.fell = func(from, until int64, detail string) {
		h.to[device].Note(h.clock.ToLocal(from), h.clock.ToLocal(until), energy.CounterReset, detail)
	}
	return to
}

// noteUnexpected remembers GPUs that are there now and were not when the source was
// opened, but would have been selected.
func (h *history) noteUnexpected(b *batch) {
	for uuid, d := range b.unexpected {
		if h.fleet.selection.Wants(h.fleet.all, d) {
			h.unexpected[uuid] = true
		}
	}
}

// unexpectedGPUs returns the finding about the GPUs that were not there when the
// source was opened.
func (h *history) unexpectedGPUs() []energy.Finding {
	if len(h.unexpected) == 0 {
		return nil
	}
	const shown = 8
	uuids := slices.Sorted(maps.Keys(h.unexpected))
	list := strings.Join(uuids[:min(len(uuids), shown)], ", ")
	return []energy.Finding{{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf(
		"%d GPUs fit the selection that were not there when it was made (%s): open the source again, for a window of the past with window=START/END", len(uuids), list)}}
}

// nameGone notes which devices the server has no samples of any more, although others go on:
// those whose node is gone since.
func (h *history) nameGone() {
	newest := h.newest(h.asked)
	for _, i := range h.asked {
		at := h.mergers[i].at
		if h.to[i].Settled(h.spans) || at != 0 && newest-at <= 3*h.tempo.scrape.Milliseconds() {
			continue
		}
		d, since := h.fleet.devices[i], "in the window"
		if at != 0 {
			since = "since " + h.clock.ToLocal(at).Format(time.RFC3339)
		}
		h.to[i].Note(h.clock.ToLocal(max(at, h.head.from)), h.clock.ToLocal(h.tail.to), energy.BenchmarkWindowNotBracketed, fmt.Sprintf(
			"%s has no sample of it (GPU %d of %s) %s", h.client.Host, d.Index, d.Host, since))
	}
}

// retry asks until there is an answer, as long as that may help.
func retry(ctx context.Context, deadline time.Time, ask func(context.Context) error) error {
	pause := 250 * time.Millisecond
	for {
		c, cancel := withGrace(ctx)
		err := ask(c)
		cancel()
		if err == nil || !errors.Is(err, energy.ErrNoAnswer) || time.Now().Add(pause).After(deadline) || !wait.Sleep(ctx, pause) {
			return err
		}
		pause = min(pause*3/2, 2*time.Second)
	}
}

// grace is how long a query may go on after its context has ended: what there
// is by then is still to be fetched.
const grace = 2 * time.Second

func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	c, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return c, func() {
		stop()
		cancel()
	}
}
