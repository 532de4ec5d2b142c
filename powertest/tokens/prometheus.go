package tokens

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/internal/metricpage"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// outside is how far around a window samples are asked for: four times the interval at
	// which most servers scrape.
	outside = time.Minute
	// scrapeInterval is assumed where there are too few samples to see it.
	scrapeInterval = 15 * time.Second
	// ingestion is how long a sample takes to be there.
	ingestion = 500 * time.Millisecond
)

// prometheus is a server that scrapes the pages of inference servers.
type prometheus struct {
	*promapi.Client
	series string // a selector

	mu     sync.Mutex
	synced bool
}

func openPrometheus(c Config) (*prometheus, error) {
	to, err := web.Parse(c.Prometheus, web.Defaults{Port: "9090"})
	if err != nil {
		return nil, err
	}
	client, err := promapi.Open(to, nil, c.HTTP)
	if err != nil {
		return nil, err
	}
	server, _ := tokenmetric.Find(c.Server)
	return &prometheus{Client: client, series: Selector(tokenmetric.Names(server), c.Match)}, nil
}

// Selector is a selector of series in PromQL, of some metrics and by matchers.
func Selector(metrics, match []string) string {
	quoted := make([]string, len(metrics))
	for i, name := range metrics {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return "{" + strings.Join(append([]string{"__name__=~" + strconv.Quote(strings.Join(quoted, "|"))}, match...), ",") + "}"
}

// now asks the server what time it is. The first time it also finds out how that server is asked,
// which changes the client: nothing else is asked before.
func (p *prometheus) now(ctx context.Context) (promapi.Clock, error) {
	p.mu.Lock()
	if p.synced {
		p.mu.Unlock()
		return p.SampleClock(ctx)
	}
	defer p.mu.Unlock()
	clock, _, err := p.SyncClock(ctx)
	p.synced = err == nil
	return clock, err
}

// count counts a window, by the samples around it and in it.
func (p *prometheus) count(ctx context.Context, w Window) Counts {
	t := tally{Window: w, counts: Counts{From: []string{"prometheus at " + p.Host}, Start: w.From, End: w.To}}
	clock, err := p.now(ctx)
	if err != nil {
		t.find(reasonOf(err), "%v", err)
		return t.counts
	}
	for {
		if t.replicas, err = p.ask(ctx, clock, w); err != nil {
			t.find(reasonOf(err), "%v", err)
			return t.counts
		}
		every := scraping(t.replicas)
		deadline := w.To.Add(2*every + 5*time.Second)
		if bracketed(t.replicas, w) || time.Now().After(deadline) {
			break
		}
		next := min(max(time.Until(newest(t.replicas).Add(every+ingestion)), ingestion), every)
		if !wait.Sleep(ctx, next) {
			break
		}
	}
	if len(t.replicas) == 0 {
		t.find(energy.SourceUnavailable, "%s has no sample of %s around the window; check the labels, and that the servers are scraped", p.Host, p.series)
	}
	return t.run()
}

// ask returns the replicas with the samples that the server has around a window.
func (p *prometheus) ask(ctx context.Context, clock promapi.Clock, w Window) ([]replica, error) {
	from, to := clock.ToServer(w.From.Add(-outside)), clock.ToServer(w.To.Add(outside))
	to = min(to, clock.ToServer(time.Now()))
	pages := map[string]map[int64][]row{}
	expr := fmt.Sprintf("%s[%dms]", p.series, to-from+1)
	_, err := p.Series(ctx, expr, to, "matrix", func(s *promapi.Stream) {
		r := rowOf(s)
		address := cmp.Or(r.get("instance"), "the server")
		if job := r.get("job"); job != "" {
			address = job + " " + address
		}
		if pages[address] == nil {
			pages[address] = map[int64][]row{}
		}
		for _, v := range s.Samples {
			r.value = v.Value
			pages[address][v.At] = append(pages[address][v.At], r)
		}
	})
	if err != nil {
		return nil, err
	}
	var list []replica
	for _, address := range slices.Sorted(maps.Keys(pages)) {
		r := replica{address: address}
		for _, at := range slices.Sorted(maps.Keys(pages[address])) {
			var x reading
			x.before, x.after = clock.Within(at)
			x.rows = pages[address][at]
			r.readings = append(r.readings, x)
		}
		if !r.gone(w) {
			r.born(clock, w)
			list = append(list, r)
		}
	}
	return list, nil
}

// gone reports whether a replica was there before the window only.
func (r replica) gone(w Window) bool {
	last := r.readings[len(r.readings)-1].after
	return w.From.Sub(last) > 2*scraping([]replica{r})
}

// born gives a replica whose process began in the window a reading of then, when it had counted
// nothing.
func (r *replica) born(clock promapi.Clock, w Window) {
	first := r.readings[0]
	for _, x := range first.rows {
		if x.name != tokenmetric.ProcessStart || !first.after.After(w.From) {
			continue
		}
		began := clock.ToLocal(int64(1000 * x.value))
		if began.Before(w.From) {
			return
		}
		zero := reading{before: w.From, after: w.From}
		for _, y := range first.rows {
			if y.name != tokenmetric.ProcessStart && !tokenmetric.IsCreated(y.name) {
				y.value = 0
			}
			zero.rows = append(zero.rows, y)
		}
		r.readings = slices.Insert(r.readings, 0, zero)
		return
	}
}

// rowOf is a copy of the labels of a series.
func rowOf(s *promapi.Stream) row {
	r := row{name: string(s.Get("__name__"))}
	for _, l := range s.Labels {
		r.labels = append(r.labels, metricpage.Label{Name: string(l.Name), Value: string(l.Value)})
	}
	return r
}

// scraping is the longest interval at which a replica is scraped.
func scraping(list []replica) time.Duration {
	longest := time.Duration(0)
	for _, r := range list {
		var apart []time.Duration
		for i := 1; i < len(r.readings); i++ {
			apart = append(apart, r.readings[i].before.Sub(r.readings[i-1].before))
		}
		if len(apart) > 0 {
			longest = max(longest, median.Of(apart))
		}
	}
	return cmp.Or(longest, scrapeInterval)
}

// newest is when the replica that was scraped the longest ago was scraped.
func newest(list []replica) time.Time {
	oldest := time.Now()
	for _, r := range list {
		if last := r.readings[len(r.readings)-1].before; last.Before(oldest) {
			oldest = last
		}
	}
	return oldest
}

// bracketed reports whether each replica was scraped after the window.
func bracketed(list []replica, w Window) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(r replica) bool {
		return r.readings[len(r.readings)-1].before.Before(w.To)
	})
}
