package promsource

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// loadSamples is how many samples a function over time may load at once; the
// default limit of Prometheus is 50 million.
const loadSamples = 20_000_000

// overlap is by how much the parts of a long window overlap.
const overlap = 5 * time.Minute

// checkInterior looks for what spoils the window between its edges, where no
// samples were fetched: resets of a counter, and series that begin there.
func (h *history) checkInterior(ctx context.Context) error {
	if h.head.to >= h.tail.from {
		return nil
	}
	suspects := map[int]bool{}
	for _, name := range h.fleet.names {
		for _, part := range h.chunks(h.interior(), loadSamples) {
			part.from -= overlap.Milliseconds() // for what falls between two parts
			expr := "resets(" + ranged(h.fleet.selector.series([]string{name}, h.where), part) + ")"
			if err := h.checkResets(ctx, expr, name, part, suspects); err != nil {
				return err
			}
		}
	}
	return h.checkSuspects(ctx, suspects)
}

// interior is the time of which no samples were fetched, with the last ones
// before and the first ones after it: of every device, since one that is down
// for a while may come back reset.
func (h *history) interior() stretch {
	reach := 2 * h.tempo.scrape.Milliseconds()
	from := h.head.to - reach
	for _, i := range h.asked {
		from = min(from, h.mergers[i].headAt)
	}
	return stretch{max(from, h.head.from), h.tail.from + reach}
}

// checkResets finds the devices whose counter went down, and those of which there
// is a series that was not there at the beginning: a counter can be reset
// from one series to the next, which no function over time shows.
func (h *history) checkResets(ctx context.Context, expr, of string, in stretch, suspects map[int]bool) error {
	var mu sync.Mutex
	return retry(ctx, h.deadline, func(ctx context.Context) error {
		b, err := h.ask(ctx, expr, in.to, of)
		if err != nil {
			return err
		}
		h.noteUnexpected(b)
		b.each(func(device int, runs []run) {
			for _, r := range runs {
				if b.samples[r.first].Value > 0 || !h.mergers[device].had(r.series, h.head.to) {
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
func (h *history) checkSuspects(ctx context.Context, suspects map[int]bool) error {
	list := slices.DeleteFunc(slices.Clone(h.asked), func(i int) bool { return !suspects[i] })
	for _, who := range h.fleet.groups(list) {
		if err := h.checkSeries(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

// checkSeries follows a few devices over the whole window, from series to
// series.
func (h *history) checkSeries(ctx context.Context, who []int) error {
	mergers := make([]merger, len(h.mergers))
	parts := h.chunks(h.interior(), chunkSamples*int64(h.fleet.rows)/int64(len(who)))
	return h.each(ctx, parts, h.fleet.among(who), func(b *batch) {
		b.each(func(device int, runs []run) {
			to := h.sink(device)
			to.value = nil
			mergers[device].add(b, runs, to)
		})
	})
}

// checkPower gives the histories of counters the mean of the power gauge over the
// window, as the cross-check, however few samples it is of. Without it a number stands all
// the same, so what the server does not answer is left out.
func (h *history) checkPower(ctx context.Context) {
	if len(h.spans) != 1 || len(h.fleet.gauges) == len(h.fleet.devices) {
		return
	}
	for _, name := range h.fleet.powers {
		watts, err := h.meanPower(ctx, name)
		if err != nil {
			continue
		}
		for device, w := range watts {
			if h.to[device] != nil && h.fleet.devices[device].Method == energy.Counter {
				h.to[device].MeanPower(h.spans[0].Start, h.spans[0].End, w)
			}
		}
	}
}

// meanPower returns the mean of a power metric over the window, in watts, of
// each device that has it in all of the window. It is the mean of all samples,
// of whatever series: the pods of a GPU follow each other, and MIG instances and
// replicas all have the same.
func (h *history) meanPower(ctx context.Context, name string) (map[int]float64, error) {
	parts := h.chunks(h.window, loadSamples)
	labels := strings.Join(h.fleet.words.At(h.fleet.words.Find(name)).From.KeyLabels(), ",")
	joules, found := map[int]float64{}, map[int]int{}
	for _, part := range parts {
		samples := ranged(h.fleet.selector.series([]string{name}, h.where), part)
		expr := fmt.Sprintf("sum by (%s) (sum_over_time(%s)) / sum by (%[1]s) (count_over_time(%[2]s))", labels, samples)
		b, err := h.ask(ctx, expr, part.to, name)
		if err != nil {
			return nil, err
		}
		for _, r := range b.runs {
			joules[int(r.device)] += b.samples[r.first].Value * float64(part.ms()+1)
			found[int(r.device)]++
		}
	}
	whole := float64(h.window.ms() + 1)
	for device, n := range found {
		if joules[device] /= whole; n < len(parts) || !(joules[device] >= 0) {
			delete(joules, device)
		}
	}
	return joules, nil
}
