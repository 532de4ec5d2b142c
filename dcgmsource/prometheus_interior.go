package dcgmsource

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// loadSamples is how many samples a function over time may load at once; the
	// default limit of Prometheus is 50 million.
	loadSamples = 20_000_000
	// together is how many devices are named in one query.
	together = 100
)

// overlap is by how much the parts of a long window overlap.
const overlap = 5 * time.Minute

// checkInterior looks for what spoils the window between its edges, where no
// samples were fetched: resets of a counter, and series that begin there.
func (p *past) checkInterior(ctx context.Context) error {
	if p.head.to >= p.tail.from {
		return nil
	}
	suspects := map[int]bool{}
	for _, name := range p.metrics {
		for _, part := range p.chunks(p.interior(), loadSamples) {
			part.from -= overlap.Milliseconds() // for what falls between two parts
			expr := "resets(" + ranged(p.series([]string{name}), part) + ")"
			if err := p.checkResets(ctx, expr, part, suspects); err != nil {
				return err
			}
		}
	}
	return p.checkSuspects(ctx, suspects)
}

// interior is the time of which no samples were fetched, with the last ones
// before and the first ones after it: of every device, since one that is down
// for a while may come back reset.
func (p *past) interior() stretch {
	reach := 2 * p.scrape.Milliseconds()
	from := p.head.to - reach
	for i := range p.mergers {
		from = min(from, p.mergers[i].headAt)
	}
	return stretch{max(from, p.head.from), p.tail.from + reach}
}

// checkResets finds the devices whose counter went down, and those of which a
// series is told that was not there at the beginning: a counter can be reset
// from one series to the next, which no function over time shows.
func (p *past) checkResets(ctx context.Context, expr string, in stretch, suspects map[int]bool) error {
	var mu sync.Mutex
	return p.again(ctx, func(ctx context.Context) error {
		b, err := p.ask(ctx, expr, in.to)
		if err != nil {
			return err
		}
		p.meet(b)
		b.each(func(device int, runs []run) {
			for _, r := range runs {
				if b.samples[r.first].value > 0 || !p.mergers[device].had(r.series, p.head.to) {
					mu.Lock()
					suspects[device] = true
					mu.Unlock()
				}
			}
		})
		return nil
	})
}

// checkSuspects looks at all samples of some devices. Mostly nothing is wrong
// with them: a pod with the GPU has started or ended, or an old exporter has
// shown a number that stands for none.
func (p *past) checkSuspects(ctx context.Context, suspects map[int]bool) error {
	var list []int
	for _, i := range p.all() {
		if suspects[i] {
			list = append(list, i)
		}
	}
	for _, who := range p.groups(list) {
		if err := p.checkSeries(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

// groups divides devices into such as can be named in one query.
func (p *past) groups(list []int) (all [][]int) {
	byLabel := map[string][]int{}
	for _, i := range list {
		byLabel[p.uuidLabels[i]] = append(byLabel[p.uuidLabels[i]], i)
	}
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		all = slices.AppendSeq(all, slices.Chunk(byLabel[label], together))
	}
	return all
}

// checkSeries follows a few devices over the whole window, from series to
// series.
func (p *past) checkSeries(ctx context.Context, who []int) error {
	mergers := make([]merger, len(p.devices))
	for _, part := range p.chunks(p.interior(), chunkSamples*int64(p.rows)/int64(len(who))) {
		err := p.again(ctx, func(ctx context.Context) error {
			b, err := p.raw(ctx, p.metrics, part, p.among(who))
			if err != nil {
				return err
			}
			b.each(func(device int, runs []run) {
				to := p.sink(device)
				to.value = nil
				mergers[device].add(b, runs, to)
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
