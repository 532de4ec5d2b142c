package tokens

import (
	"errors"
	"math"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest/energy"
)

// sum counts one thing in all replicas. It is nil if one of them does not count it, or what
// it says cannot be defended.
func (t *tally) sum(what tokenmetric.What, servers []*tokenmetric.Server) *Count {
	var all edgecount.Count
	var metric tokenmetric.Metric
	for i, r := range t.replicas {
		m, found := metricOf(r, servers[i], what)
		if !found {
			return nil
		}
		c, err := t.increase(r, servers[i], m)
		switch {
		case errors.Is(err, edgecount.ErrReset):
			t.find(energy.CounterReset, "%s of %s went down: its server was started anew", m.Name, r.address)
			return nil
		case err != nil:
			t.find(energy.BenchmarkWindowNotBracketed, "%s of %s was not read on both sides of the window", m.Name, r.address)
			return nil
		}
		c, ok := t.inFlight(c, r, servers[i], m, what)
		if !ok {
			t.find(energy.NoInWindowSamples, "%s of %s is added to when a request ends, and how much the running ones have is not known: no %s", m.Name, r.address, what)
			return nil
		}
		all, metric = all.Add(c), m
	}
	return of(t.lessPauses(all), metric)
}

// metricOf returns the metric of a replica that counts something: the best that it has.
func metricOf(r replica, s *tokenmetric.Server, what tokenmetric.What) (tokenmetric.Metric, bool) {
	for _, m := range s.Of[what] {
		if has(r.readings[len(r.readings)-1].rows, m.Name) {
			return m, true
		}
	}
	return tokenmetric.Metric{}, false
}

// increase is by how much a metric of a replica went up in the window.
func (t *tally) increase(r replica, s *tokenmetric.Server, m tokenmetric.Metric) (edgecount.Count, error) {
	series := map[string][]edgecount.Reading{}
	for i, x := range r.readings {
		now := values(x.rows, m, s.Copies)
		for key, v := range now {
			for len(series[key]) < i { // it was not there yet, so it counted nothing
				before := r.readings[len(series[key])]
				series[key] = append(series[key], edgecount.Reading{Before: before.before.UnixNano(), After: before.after.UnixNano()})
			}
			series[key] = append(series[key], edgecount.Reading{Before: x.before.UnixNano(), After: x.after.UnixNano(), Value: v})
		}
	}
	var all edgecount.Count
	for key, list := range series {
		if len(list) < len(r.readings) {
			return all, edgecount.ErrReset // it is not there any more
		}
		from, to := t.edge(r, s, list, t.From), t.edge(r, s, list, t.To)
		c, err := edgecount.Over(list, from, to)
		if err != nil {
			return all, err
		}
		all = all.Add(t.counted(c, r, s, m, key, list))
	}
	return all, nil
}

// edge is an edge of the window with the most by which a counter can go up near it: not at all
// where the server was idle just then, any amount where readings go on through the window, and
// else twice its mean rate.
func (t *tally) edge(r replica, s *tokenmetric.Server, list []edgecount.Reading, when time.Time) edgecount.Edge {
	first, last := list[0], list[len(list)-1]
	apart := time.Duration(max(last.Before-first.After, 1)).Seconds()
	e := edgecount.Edge{At: when.UnixNano(), Most: 2 * (last.Value - first.Value) / apart}
	prev, next, near := r.at(when)
	distance := min(when.Sub(prev.after).Abs(), next.before.Sub(when).Abs())
	switch {
	case distance <= nearEdge && gauge(near.rows, s, tokenmetric.Running) == 0:
		e.Most = 0
	case len(r.readings) > 2:
		e.Most = math.Inf(1)
	}
	return e
}

// counted adds what a server that was idle at the end counted a moment later.
func (t *tally) counted(c edgecount.Count, r replica, s *tokenmetric.Server, m tokenmetric.Metric, key string, list []edgecount.Reading) edgecount.Count {
	if r.late == nil {
		return c
	}
	if more := values(r.late.rows, m, s.Copies)[key] - list[len(list)-1].Value; more > 0 {
		c.High += more
		if gauge(r.late.rows, s, tokenmetric.Running) == 0 {
			c.Value += more
		}
	}
	return c
}

// inFlight widens a count by what requests that were running at the edges have on the wrong
// side of them. ok is false if that is not known.
func (t *tally) inFlight(c edgecount.Count, r replica, s *tokenmetric.Server, m tokenmetric.Metric, what tokenmetric.What) (_ edgecount.Count, ok bool) {
	edges := func(of tokenmetric.What) tokenmetric.Edges {
		return tokenmetric.Edges{Before: r.running(s, of, t.From), After: r.running(s, of, t.To)}
	}
	return m.InFlight(c, what, edges(tokenmetric.Running), edges(tokenmetric.Waiting), func() float64 { return t.length(r, s, what, c.Value) })
}

// length is the mean number of tokens of a request: of those that ended in the window, else as
// the client has it, else of all that the server has counted. NaN if none is known.
func (t *tally) length(r replica, s *tokenmetric.Server, what tokenmetric.What, tokens float64) float64 {
	if m, found := metricOf(r, s, tokenmetric.Requests); found {
		if c, err := t.increase(r, s, m); err == nil && c.Value >= 1 && tokens > 0 {
			return tokens / c.Value
		}
	}
	client := t.Lengths.Output
	if what != tokenmetric.Output {
		client = t.Lengths.Prompt
	}
	if client > 0 {
		return client
	}
	rows := r.readings[len(r.readings)-1].rows
	ever := func(what tokenmetric.What) float64 {
		m, _ := metricOf(r, s, what)
		sum := 0.0
		for _, v := range values(rows, m, s.Copies) {
			sum += v
		}
		return sum
	}
	if requests := ever(tokenmetric.Requests); requests >= 1 {
		return ever(what) / requests
	}
	return math.NaN()
}

// lessPauses widens a count by what can have been counted while the window was interrupted: up
// to twice the mean rate.
func (t *tally) lessPauses(c edgecount.Count) edgecount.Count {
	pauses := t.To.Sub(t.From) - t.Active
	if t.Active <= 0 || pauses <= time.Millisecond {
		return c
	}
	c.Low = max(c.Low-2*c.Value*pauses.Seconds()/t.Active.Seconds(), 0)
	return c
}
