package series

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// judge counts the requests that met the objectives, by the servers' histograms.
func (s *servers) judge(ctx context.Context) error {
	of := slices.Sorted(maps.Keys(s.options.Objectives))
	if len(of) == 0 {
		return nil
	}
	met := make([]map[string][]edgecount.Count, len(of)) // of each objective, of models in steps
	all := slices.Clone(met)
	models := map[string][]bool{} // busy
	maps.Copy(models, s.busy)
	for i, objective := range of {
		name := s.kind.Latency[objective]
		if name == "" {
			continue // what is not held to one of them cannot be good
		}
		var err error
		if met[i], all[i], err = s.within(ctx, name+"_bucket", s.options.Objectives[objective].Seconds()); err != nil {
			return err
		}
		for model := range met[i] {
			if models[model] == nil {
				models[model] = make([]bool, s.n)
			}
		}
	}
	for _, model := range slices.Sorted(maps.Keys(models)) {
		for k := range s.n {
			good, judged, lacking := goodOf(met, all, model, k)
			switch {
			case lacking < 0 && judged.Value > 0:
				s.tally.judge(model, k, good, judged)
			case lacking >= 0 && models[model][k]:
				s.tally.unjudged(model, k, energy.Finding{Reason: energy.NoInWindowSamples, Withheld: true, Detail: fmt.Sprintf(
					"requests of %s are not judged: of %s there is no histogram, or it has no count in the step", model, of[lacking])})
			}
		}
	}
	return nil
}

// goodOf is how many requests of a model met all objectives in a step, of how many. lacking is the
// objective of which that is not known; -1 if there is none.
func goodOf(met, all []map[string][]edgecount.Count, model string, k int) (good, judged edgecount.Count, lacking int) {
	for i := range met {
		m, a := met[i][model], all[i][model]
		switch {
		case m == nil || a == nil || math.IsNaN(m[k].Value+a[k].Value):
			return good, judged, i
		case i == 0:
			good, judged = m[k], a[k]
		default:
			good = both(good, m[k], judged)
		}
	}
	return good, judged, -1
}

// both is how many of all meet two objectives, of which it is known how many meet each: at least as
// many as must, and at most as meet the harder one.
func both(a, b, all edgecount.Count) edgecount.Count {
	c := edgecount.Count{Low: max(a.Low+b.Low-all.High, 0), High: min(a.High, b.High)}
	c.Value = (max(a.Value+b.Value-all.Value, 0) + min(a.Value, b.Value)) / 2
	return c
}

// within counts the requests of each model and step whose latency is within a limit: between the
// bounds of the histogram that are next to it. It is nil if there is no histogram.
func (s *servers) within(ctx context.Context, name string, limit float64) (met, all map[string][]edgecount.Count, err error) {
	bounds, err := s.present(ctx, tokens.Selector([]string{name}, s.match), "le")
	if err != nil || len(bounds) == 0 {
		return nil, nil, err
	}
	below, above := "", "+Inf"
	low, high := math.Inf(-1), math.Inf(1)
	for le := range bounds {
		v, err := strconv.ParseFloat(le, 64)
		switch {
		case err != nil:
		case v <= limit && v > low:
			below, low = le, v
		}
		if err == nil && v >= limit && v < high {
			above, high = le, v
		}
	}
	read := func(le string) (map[string][]edgecount.Count, error) { return s.bucket(ctx, name, le) }
	if all, err = read("+Inf"); err != nil {
		return nil, nil, err
	}
	most := all
	if above != "+Inf" {
		if most, err = read(above); err != nil {
			return nil, nil, err
		}
	}
	least := most
	if below != above {
		least = map[string][]edgecount.Count{}
		if below != "" {
			if least, err = read(below); err != nil {
				return nil, nil, err
			}
		}
	}
	met = map[string][]edgecount.Count{}
	for model, list := range most {
		met[model] = slices.Clone(list)
		for k, c := range list {
			l := edgecount.Count{}
			if least[model] != nil {
				l = least[model][k]
			}
			met[model][k] = edgecount.Count{Value: (l.Value + c.Value) / 2, Low: l.Low, High: c.High}
		}
	}
	return met, all, nil
}

// bucket counts what a bucket of a histogram got, of each model and step; not a number where that
// is not known.
func (s *servers) bucket(ctx context.Context, name, le string) (map[string][]edgecount.Count, error) {
	match := append(slices.Clone(s.match), "le="+strconv.Quote(le))
	list, err := s.client.Edges(ctx, tokens.Selector([]string{name}, match), s.grid)
	if err != nil {
		return nil, err
	}
	all := map[string][]edgecount.Count{}
	there := map[string][]bool{}
	for _, e := range once(list, s.kind.Copies) {
		model := cmp.Or(e.Get(s.kind.Model), "unnamed")
		if s.kind.Name != "dynamo" && s.tally.frontends[model] {
			continue
		}
		if all[model] == nil {
			all[model], there[model] = make([]edgecount.Count, s.n), make([]bool, s.n)
		}
		for k := range s.n {
			if math.IsNaN(e.Prev[k].Value) && math.IsNaN(e.Prev[k+1].Value) {
				continue // it was not there
			}
			c, err := e.Count(s.grid, k)
			if err != nil {
				c.Value = math.NaN()
			}
			all[model][k], there[model][k] = all[model][k].Add(c), true
		}
	}
	for model := range all {
		for k := range s.n {
			if !there[model][k] {
				all[model][k].Value = math.NaN()
			}
		}
	}
	return all, nil
}
