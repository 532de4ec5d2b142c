package dcgmsource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// maxWatts is more than any GPU draws.
const maxWatts = 2000

// past is one call of Past: what the server knows of a window, on its way to
// the curves.
type past struct {
	*PrometheusSource
	spans   []energy.Span
	curves  []*energy.History
	clock   clock
	mergers []merger
	// window is from the start of the first span to the end of the last, head
	// what is fetched at once, and tail what is fetched when it is there.
	window, head, tail stretch
	deadline           time.Time
	everyone           []int
	met                map[string]bool // GPUs that were not there at open
}

// ReadRange implements [energy.HistorySource]. It waits until the server has the samples
// of at least two refresh periods after the end of the last span, but not longer
// than 3.2 refresh periods, two scrape intervals and 5 s from that end; or half a
// minute from now, if the server is slow.
//
// The error says that the server did not answer, or not completely.
func (s *PrometheusSource) ReadRange(ctx context.Context, spans []energy.Span, curves []*energy.History) ([]energy.Finding, error) {
	if s.closed.Load() {
		return nil, errPrometheusClosed
	}
	if len(spans) == 0 {
		return nil, nil
	}
	start, end := spans[0].Start, spans[len(spans)-1].End
	p := &past{PrometheusSource: s, spans: spans, curves: curves, mergers: make([]merger, len(curves)), met: map[string]bool{}}
	patience := s.ticks(3.2) + 5*time.Second
	p.deadline = end.Add(patience)
	if now := time.Now(); p.deadline.Before(now.Add(5 * time.Second)) {
		p.deadline = now.Add(5 * time.Second) // for a server that is just restarting
	}
	// A server that takes its time for every answer must not take minutes.
	ctx, cancel := context.WithDeadline(ctx, later(p.deadline, time.Now().Add(slowServer)))
	defer cancel()
	found, err := p.lookAtClock(ctx, start)
	if err != nil {
		return nil, err
	}
	if err := p.plan(start, end); err != nil {
		return found, err
	}
	if err := p.fetchHead(ctx); err != nil {
		return found, err
	}
	if err := p.fetchGauges(ctx); err != nil {
		return found, err
	}
	if err := p.fetchTail(ctx, end); err != nil {
		return found, err
	}
	if err := p.checkInterior(ctx); err != nil {
		return found, err
	}
	p.checkPower(ctx)
	return append(found, p.strangers()...), nil
}

// ticks returns the time of a number of refresh periods and two scrape
// intervals.
func (s *PrometheusSource) ticks(n float64) time.Duration {
	return time.Duration(n*float64(s.period)) + 2*s.scrape
}

func (p *past) lookAtClock(ctx context.Context, start time.Time) (found []energy.Finding, err error) {
	err = p.again(ctx, func(ctx context.Context) error {
		p.clock, found, err = p.checkClock(ctx, start)
		return err
	})
	return found, err
}

// plan decides what to fetch. Windows that are not much longer than what their
// edges need, and those with pauses, are fetched whole.
func (p *past) plan(start, end time.Time) error {
	p.window = stretch{p.clock.there(start), p.clock.there(end)}
	outside, inside := p.ticks(ticksOutside).Milliseconds(), p.ticks(ticksInside).Milliseconds()
	p.head = stretch{p.window.from - outside, p.window.from + inside}
	p.tail = stretch{p.window.to - inside, p.window.to + outside}
	if len(p.spans) == 1 && p.head.to < p.tail.from {
		return nil
	}
	p.head.to, p.tail.from = p.window.to, p.window.to
	if n := p.expect(p.head); len(p.spans) > 1 && n > maxSamples {
		return fmt.Errorf("prometheus: a window with pauses of %v on %d GPUs has %.1f million samples, more than %d million: choose fewer GPUs, or measure without pauses",
			end.Sub(start).Round(time.Second), len(p.devices), float64(n)/1e6, maxSamples/1_000_000)
	}
	return nil
}

// expect returns how many samples there are at most in a stretch of time.
func (s *PrometheusSource) expect(in stretch) int64 {
	return int64(s.rows) * (in.ms()/max(s.fastest.Milliseconds(), 1) + 1)
}

// chunks divides a stretch of time so that each part has at most n samples.
func (s *PrometheusSource) chunks(in stretch, n int64) []stretch {
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
func (p *past) fetchHead(ctx context.Context) error {
	for _, part := range p.chunks(p.head, chunkSamples) {
		if err := p.add(ctx, part); err != nil {
			return err
		}
	}
	for i := range p.mergers {
		p.mergers[i].headAt = p.mergers[i].at
	}
	return nil
}

// fetchGauges fetches what lies between the edges for the devices that have no
// counter: power does not add up by itself.
func (p *past) fetchGauges(ctx context.Context) error {
	between := stretch{p.head.to + 1, p.tail.from}
	if len(p.gauges) == 0 || between.from > between.to {
		return nil
	}
	rows := int64(len(p.gauges))
	if n := p.expect(between) * rows / int64(p.rows); n > maxSamples {
		return fmt.Errorf("prometheus: %d GPUs have no energy counter, and a window of %v has %.1f million samples of their power, more than %d million: choose fewer GPUs, or measure for less long",
			rows, time.Duration(between.ms())*time.Millisecond, float64(n)/1e6, maxSamples/1_000_000)
	}
	for _, who := range p.groups(p.gauges) {
		for _, part := range p.chunks(between, chunkSamples) {
			if err := p.add(ctx, part, p.among(who)); err != nil {
				return err
			}
		}
	}
	return nil
}

// add fetches samples and adds them to the curves. Those that a curve has
// already are passed over.
func (p *past) add(ctx context.Context, in stretch, where ...string) error {
	return p.again(ctx, func(ctx context.Context) error {
		b, err := p.raw(ctx, p.metrics, in, where...)
		if err != nil {
			return err
		}
		p.meet(b)
		b.each(func(device int, runs []run) {
			p.mergers[device].add(b, runs, p.sink(device))
		})
		return nil
	})
}

// sink returns what adds a device's samples to its curve.
func (p *past) sink(device int) sink {
	d, c := p.devices[device], p.curves[device]
	if d.Method == energy.Gauge {
		return sink{value: func(at int64, v float64) {
			t := p.clock.here(at)
			c.Add(energy.Reading{Device: device, Before: t.Add(-p.clock.err), After: t.Add(p.clock.err), Watts: v, HasWatts: true})
		}}
	}
	return sink{
		skew: maxWatts * p.scrape.Seconds(),
		lag:  2 * p.scrape.Milliseconds(),
		value: func(at int64, v float64) {
			t := p.clock.here(at)
			c.Add(energy.Reading{Device: device, Before: t.Add(-p.clock.err), After: t.Add(p.clock.err), Joules: v, HasJoules: true})
		},
		fell: p.fell(device),
	}
}

// fell returns what notes that a device's counter was reset.
func (p *past) fell(device int) func(from, to int64, detail string) {
	return func(from, to int64, detail string) {
		p.curves[device].Note(p.clock.here(from), p.clock.here(to), energy.CounterReset, detail)
	}
}

// meet remembers GPUs that are there now and were not when the source was
// opened, but would have been selected.
func (p *past) meet(b *batch) {
	for uuid, d := range b.strangers {
		if p.wants(d) {
			p.met[uuid] = true
		}
	}
}

// strangers returns the finding about the GPUs that were met.
func (p *past) strangers() []energy.Finding {
	if len(p.met) == 0 {
		return nil
	}
	const shown = 8
	uuids := slices.Sorted(maps.Keys(p.met))
	list := strings.Join(uuids[:min(len(uuids), shown)], ", ")
	return []energy.Finding{{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf(
		"%d GPUs fit the selection that were not there when it was made (%s): open the source again", len(uuids), list)}}
}
