package promapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/metricpage"
)

// Grid is edges of steps: From, and N times another Step later, in ms of the server's time.
// Scrape is the scrape interval, and After how long after an edge the next sample is looked for:
// that and a bit.
type Grid struct {
	From, Step, Scrape, After int64
	N                         int
}

// NewGrid is the grid of n steps from a local time on, of what is scraped so often.
func NewGrid(c Clock, from time.Time, step time.Duration, n int, scrape time.Duration) Grid {
	after := scrape + max(scrape/10, time.Second)
	return Grid{From: c.ToServer(from), Step: step.Milliseconds(), Scrape: max(scrape.Milliseconds(), 1), After: after.Milliseconds(), N: n}
}

// At is the time of an edge.
func (g Grid) At(edge int) int64 { return g.From + int64(edge)*g.Step }

// Part is the grid of some of its steps.
func (g Grid) Part(first, steps int) Grid {
	g.From, g.N = g.At(first), steps
	return g
}

// Edged is what is known of a series at the edges of a grid.
type Edged struct {
	// Labels are all but the metric's name.
	Labels []metricpage.Label
	// Prev and Next are the samples before each edge and after it. The value of one that is not
	// there is not a number. Their times are those of an even scrape.
	Prev, Next []edgecount.Reading
	// Reset says of each step whether the series went down in it or just after.
	Reset []bool

	phase int64 // of its scrapes, in ms
}

// Get returns the value of a label; empty if there is none.
func (e *Edged) Get(name string) string {
	for _, l := range e.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// identity makes the identity of a series within this process.
var identity = maphash.MakeSeed()

// ID is the identity of a series, without the metric's name, which functions of PromQL drop.
func (r *Stream) ID() uint64 {
	var h maphash.Hash
	h.SetSeed(identity)
	for _, l := range r.Labels {
		if string(l.Name) == "__name__" {
			continue
		}
		h.Write(l.Name)
		h.WriteByte(0xff)
		h.Write(l.Value)
		h.WriteByte(0xff)
	}
	return h.Sum64()
}

// Edges asks what is known of the series of a selector, which are of one metric, at the edges of
// a grid. It is for many series and a long time: the server looks at each sample, and sends two of
// an edge. Of their times it is asked once, since timestamp() costs it ten times as much: they
// only say where between the two an edge is, and a server scrapes a target at an even pace.
func (c *Client) Edges(ctx context.Context, selector string, g Grid) ([]*Edged, error) {
	e := edger{grid: g, at: map[uint64]int{}}
	queries := []edgeQuery{
		{selector, 0, 0, func(s *Edged, k int, v float64) { s.Prev[k].Value = v }},
		{fmt.Sprintf("last_over_time(%s[%dms])", selector, g.After), 0, g.After, func(s *Edged, k int, v float64) { s.Next[k].Value = v }},
		{fmt.Sprintf("resets(%s[%dms]) > 0", selector, g.Step+g.After), 1, g.After, func(s *Edged, k int, _ float64) {
			if k > 0 {
				s.Reset[k-1] = true
			}
		}},
	}
	// At once, since a server answers each on one processor.
	errs := make([]error, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() {
			errs[i] = c.Range(ctx, q.expr, g.At(q.first)+q.after, g.At(g.N)+q.after, g.Step, func(r *Stream) { e.each(r, q) })
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, edge := range []int{g.N, 0} {
		_, err := c.Series(ctx, "timestamp("+selector+")", g.At(edge), "vector", func(r *Stream) {
			if i, known := e.at[r.ID()]; known && len(r.Samples) > 0 {
				e.list[i].phase = int64(1000*r.Samples[0].Value) % g.Scrape
			}
		})
		if err != nil {
			return nil, err
		}
	}
	e.settle()
	return e.list, nil
}

// edgeQuery is a query at edges, from the first on, as of some time after each.
type edgeQuery struct {
	expr  string
	first int
	after int64
	take  func(s *Edged, edge int, v float64)
}

// edger joins the answers.
type edger struct {
	grid Grid

	mu   sync.Mutex
	list []*Edged
	at   map[uint64]int
}

// each takes every value of a series, with its edge.
func (e *edger) each(r *Stream, q edgeQuery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.series(r)
	for _, v := range r.Samples {
		k := (v.At - q.after - e.grid.From) / e.grid.Step
		if k >= 0 && k <= int64(e.grid.N) {
			q.take(s, int(k), v.Value)
		}
	}
}

// series returns the series, a new one if need be.
func (e *edger) series(r *Stream) *Edged {
	id := r.ID()
	i, known := e.at[id]
	if !known {
		i = len(e.list)
		e.at[id] = i
		n := e.grid.N + 1
		readings := make([]edgecount.Reading, 2*n)
		for k := range readings {
			readings[k].Value = math.NaN()
		}
		s := &Edged{Prev: readings[:n:n], Next: readings[n:], Reset: make([]bool, e.grid.N)}
		for _, l := range r.Labels {
			if string(l.Name) != "__name__" { // not all answers have it
				s.Labels = append(s.Labels, metricpage.Label{Name: string(l.Name), Value: string(l.Value)})
			}
		}
		e.list = append(e.list, s)
	}
	return e.list[i]
}

// settle sorts the series by their labels, since answers come in any order, and gives the samples
// their times. The sample of a missed scrape is taken from the edge's neighbour.
func (e *edger) settle() {
	slices.SortFunc(e.list, func(a, b *Edged) int {
		return slices.CompareFunc(a.Labels, b.Labels, func(x, y metricpage.Label) int {
			return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Value, y.Value))
		})
	})
	for _, s := range e.list {
		for k := range s.Prev {
			at := e.grid.At(k)
			since := ((at-s.phase)%e.grid.Scrape + e.grid.Scrape) % e.grid.Scrape
			s.Prev[k].Before = (at - since) * 1e6
			s.Next[k].Before = (at - since + e.grid.Scrape) * 1e6
			s.Prev[k].After, s.Next[k].After = s.Prev[k].Before, s.Next[k].Before
		}
		for k := range s.Prev {
			// One that is known on neither side was not there.
			before, after := math.IsNaN(s.Prev[k].Value), math.IsNaN(s.Next[k].Value)
			switch {
			case before && !after && k > 0:
				s.Prev[k] = s.Next[k-1]
			case after && !before && k < e.grid.N:
				s.Next[k] = s.Prev[k+1]
			}
		}
	}
}

// Count is by how much the series went up in a step, with an interval. Its errors are those of
// package edgecount.
func (e *Edged) Count(g Grid, step int) (edgecount.Count, error) {
	return Between(e.Prev[step:], e.Next[step:], e.Reset[step], g, step)
}

// Between is the count of a step by the samples on both sides of its two edges, which are the first
// two of each list.
func Between(prev, next []edgecount.Reading, reset bool, g Grid, step int) (edgecount.Count, error) {
	if math.IsNaN(prev[0].Value + next[0].Value + prev[1].Value + next[1].Value) {
		return edgecount.Count{}, edgecount.ErrNotBracketed
	}
	if reset || next[0].Value < prev[0].Value || next[1].Value < prev[1].Value || prev[1].Value < prev[0].Value {
		return edgecount.Count{}, edgecount.ErrReset
	}
	edge := func(k int) edgecount.Count {
		return edgecount.Between(prev[k], next[k], edgecount.Edge{At: g.At(step+k) * 1e6, Most: math.Inf(1)})
	}
	a, b := edge(0), edge(1)
	return edgecount.Count{Value: max(b.Value-a.Value, 0), Low: max(b.Low-a.High, 0), High: b.High - a.Low}, nil
}
