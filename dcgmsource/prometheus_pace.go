package dcgmsource

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// What is assumed of targets that are too new to tell: the defaults of the
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
	// learnChanges is how many times between changes tell the refresh period.
	learnChanges = 3
)

// targetPace is how often a target is scraped, and how often its values change
// as the server sees them; 0 if unknown.
type targetPace struct{ scrape, refresh time.Duration }

// learn sets the scrape interval and the refresh period, of every device and of
// all, from the recent samples of a few.
func (s *PrometheusSource) learn(ctx context.Context, now int64, jobs []string) error {
	who := s.examples(jobs)
	in := stretch{now - learnTime.Milliseconds(), now}
	value, warnings, _, err := s.wire.small().Query(ctx, ranged(s.series(s.metrics, s.among(who)), in), time.UnixMilli(now))
	if err != nil {
		return s.wire.asked(err)
	}
	if err := s.wire.complete(reply{Warnings: warnings}); err != nil {
		return err
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return fmt.Errorf("prometheus: %s answers a query for samples with a %v: it is not a Prometheus API", s.wire.host, value.Type())
	}
	byJob := map[string]targetPace{}
	for _, series := range matrix {
		uuid := string(series.Metric["UUID"] + series.Metric["uuid"])
		if i, known := s.byUUID[uuid]; known {
			byJob[jobs[i]] = slower(byJob[jobs[i]], pace(series.Values))
		}
	}
	s.setPace(jobs, byJob)
	return nil
}

// examples returns devices of different targets, of each job one, and then of
// more targets until they are enough.
func (s *PrometheusSource) examples(jobs []string) []int {
	var list []int
	seen := map[string]bool{}
	pick := func(i int) {
		if t := s.devices[i].Endpoint; !seen[t] && len(list) < learnTargets && s.uuidLabels[i] == s.uuidLabels[0] {
			seen[t] = true
			list = append(list, i)
		}
	}
	told := map[string]bool{}
	for i, job := range jobs {
		if !told[job] {
			told[job] = true
			pick(i)
		}
	}
	for k := range learnTargets {
		pick(k * len(s.devices) / learnTargets)
	}
	for i := range s.devices {
		pick(i)
	}
	return list
}

// pace returns the median times between samples, and between changes.
func pace(samples []model.SamplePair) targetPace {
	var scrape, refresh []time.Duration
	changed := -1
	for i := 1; i < len(samples); i++ {
		scrape = append(scrape, samples[i].Timestamp.Sub(samples[i-1].Timestamp))
		if samples[i].Value == samples[i-1].Value {
			continue
		}
		if changed >= 0 {
			refresh = append(refresh, samples[i].Timestamp.Sub(samples[changed].Timestamp))
		}
		changed = i
	}
	var p targetPace
	if len(scrape) >= learnChanges {
		p.scrape = median(scrape)
	}
	if len(refresh) >= learnChanges {
		p.refresh = median(refresh)
	}
	return p
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2].Round(time.Millisecond)
}

func slower(a, b targetPace) targetPace {
	return targetPace{max(a.scrape, b.scrape), max(a.refresh, b.refresh)}
}

// setPace spreads what was learnt of each job to its devices.
func (s *PrometheusSource) setPace(jobs []string, byJob map[string]targetPace) {
	for i := range s.devices {
		p := byJob[jobs[i]]
		if p.scrape == 0 {
			p.scrape = defaultScrape
		}
		if p.refresh == 0 && s.cfg.Collect > 0 {
			p.refresh = max(p.scrape, s.cfg.Collect)
		} else if p.refresh == 0 {
			p.refresh = max(p.scrape, defaultRefresh)
		}
		s.devices[i].Period = p.refresh
		s.scrape, s.period = max(s.scrape, p.scrape), max(s.period, p.refresh)
		if i == 0 || p.scrape < s.fastest {
			s.fastest = p.scrape
		}
	}
	s.info.Period = s.period
	for i := range s.devices {
		if s.devices[i].Period == s.period {
			s.devices[i].Period = 0 // as [energy.Info.Period] says
		}
	}
}
