package promsource

import (
	"cmp"
	"context"
	"time"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/internal/promapi"
)

// What is assumed of targets that are too new: the defaults of the
// ServiceMonitor and of the exporter.
const (
	defaultScrape  = 15 * time.Second
	defaultRefresh = 30 * time.Second
)

const (
	// learnTime is how far back the samples go from which the pace is learnt,
	// and learnTargets of how many scrape targets.
	learnTime    = 5 * time.Minute
	learnTargets = 16
	// learnChanges is how many times between changes give the refresh period.
	learnChanges = 3
)

// pace is how often something is scraped, and how often its values change as the
// server sees them; 0 if unknown.
type pace struct{ scrape, refresh time.Duration }

// tempo is the pace of all devices.
type tempo struct {
	scrape  time.Duration // the longest interval
	fastest time.Duration // the shortest one
	period  time.Duration // the longest refresh period
}

// ticks returns the time of a number of refresh periods and two scrape intervals.
func (t tempo) ticks(n float64) time.Duration {
	return time.Duration(n*float64(t.period)) + 2*t.scrape
}

// learn returns the pace of each job, from the recent samples of a few devices.
func (f *fleet) learn(ctx context.Context, c *promapi.Client, now int64) (map[string]pace, error) {
	in := stretch{now - learnTime.Milliseconds(), now}
	byJob := map[string]pace{}
	for _, who := range f.groups(f.examples()) {
		expr := ranged(f.selector.series(f.names, f.among(who)), in)
		_, err := c.Series(ctx, expr, now, "matrix", func(r *promapi.Stream) {
			_, uuid := f.rowOf(labelsIn(r), string(r.Get("__name__")))
			if i, known := f.position[uuid]; known {
				job, p := f.job[i], paceOf(r.Samples)
				byJob[job] = pace{max(byJob[job].scrape, p.scrape), max(byJob[job].refresh, p.refresh)}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return byJob, nil
}

// examples returns devices of different targets, of each job one, and then of
// more targets until they are enough.
func (f *fleet) examples() []int {
	var list []int
	targets, jobs := map[string]bool{}, map[string]bool{}
	pick := func(i int) {
		if t := f.devices[i].Endpoint; !targets[t] && len(list) < learnTargets {
			targets[t] = true
			list = append(list, i)
		}
	}
	for i, job := range f.job {
		if !jobs[job] {
			jobs[job] = true
			pick(i)
		}
	}
	for k := range learnTargets {
		pick(k * len(f.devices) / learnTargets)
	}
	for i := range f.devices {
		pick(i)
	}
	return list
}

// paceOf returns the median times between samples, and between changes.
func paceOf(samples []sample) pace {
	var scrape, refresh []time.Duration
	changed := -1
	for i := 1; i < len(samples); i++ {
		scrape = append(scrape, samples[i].Since(samples[i-1]))
		if samples[i].Value == samples[i-1].Value {
			continue
		}
		if changed >= 0 {
			refresh = append(refresh, samples[i].Since(samples[changed]))
		}
		changed = i
	}
	var p pace
	if len(scrape) >= learnChanges {
		p.scrape = median.Of(scrape).Round(time.Millisecond)
	}
	if len(refresh) >= learnChanges {
		p.refresh = median.Of(refresh).Round(time.Millisecond)
	}
	return p
}

// spread returns what was learnt of each job for its devices: their refresh periods,
// and the pace of all of them.
func (f *fleet) spread(byJob map[string]pace, collect time.Duration) (periods []time.Duration, all tempo) {
	periods = make([]time.Duration, len(f.devices))
	for i, job := range f.job {
		p := byJob[job]
		p.scrape = cmp.Or(p.scrape, defaultScrape)
		p.refresh = cmp.Or(p.refresh, max(p.scrape, cmp.Or(max(collect, 0), f.devices[i].Period, defaultRefresh)))
		periods[i] = p.refresh
		all.scrape, all.period = max(all.scrape, p.scrape), max(all.period, p.refresh)
		if i == 0 || p.scrape < all.fastest {
			all.fastest = p.scrape
		}
	}
	return periods, all
}
