package promsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// stepValues is how many values a query of steps may have: some 30 bytes each.
	stepValues = 1_000_000
	// mostWatts is more than any device draws of which no limit is known.
	mostWatts = 20_000
)

// Step is the energy of one device in one step of a long time.
type Step struct {
	// Device and Step are positions: in [Source.Devices], and in time.
	Device, Step int
	// Energy is the device's in the step: what its counter went up by between the samples at the
	// edges, and all that it can have at these. It is not valid where Reason is set.
	Energy energy.Estimate
	// Reason says why there is no number.
	Reason energy.Reason
	// User is the pod that the device was given to, at both edges as far as it was there; empty
	// if there is none, or more than one.
	User string
}

// Steps measures the devices in n steps, one after the other, and calls each for every device and
// step in which it was there. A device that is read by its power has no steps. It is for days of
// fleets: the interval is that of samples alone, without what [Source.ReadRange] makes of them.
//
// Its errors are those of [Open].
func (s *Source) Steps(ctx context.Context, from time.Time, step time.Duration, n int, each func(Step)) error {
	_, grid := s.Grid(from, step, n)
	size := max(stepValues/max(s.fleet.rows, 1), 8)
	for first := 0; first < n; first += size {
		progress.Of(ctx).Part("asking the server", float64(first)/float64(n))
		if err := s.steps(ctx, grid, first, min(size, n-first), each); err != nil {
			return err
		}
	}
	return nil
}

// Grid returns the steps in the server's time, and the client that asks it: with both, packages of
// this module ask for what else the server has of the same steps. The client is the source's, and
// closed with it.
func (s *Source) Grid(from time.Time, step time.Duration, n int) (*promapi.Client, promapi.Grid) {
	return s.client, promapi.NewGrid(s.clock.last(), from, step, n, s.tempo.scrape)
}

// steps measures some steps. The ones before and after them are asked for too, since they say what
// was there where a scrape was missed.
func (s *Source) steps(ctx context.Context, all promapi.Grid, first, n int, each func(Step)) error {
	begin, end := max(first-1, 0), min(first+n+1, all.N)
	grid := all.Part(begin, end-begin)
	devices := make([]edges, len(s.fleet.devices))
	for _, name := range s.fleet.names {
		list, err := s.client.Edges(ctx, s.fleet.selector.series([]string{name}), grid)
		if err != nil {
			return fmt.Errorf("prometheus: steps: %w", err)
		}
		for _, e := range list {
			rank, uuid := s.fleet.rowOf(e.Get, name)
			if i, ours := s.fleet.position[uuid]; ours && s.fleet.metric[i] == rank && s.fleet.devices[i].Metric == name && s.fleet.devices[i].Method == energy.Counter {
				devices[i].add(e, s.fleet.words.At(rank))
			}
		}
	}
	for i := range devices {
		for k := first; k < first+n && devices[i].prev != nil; k++ {
			if one, there := devices[i].step(grid, k-begin); there {
				one.Device, one.Step = i, k
				each(one)
			}
		}
	}
	return nil
}

// edges is what is known of a device at edges, by all of its series, which are of one counter.
type edges struct {
	prev, next []edgecount.Reading
	reset      []bool
	users      []string // at the edges
}

// shared stands for several users at an edge.
const shared = "\x00"

// add takes in a series.
func (d *edges) add(e *promapi.Edged, m *metricname.Metric) {
	for _, list := range [][]edgecount.Reading{e.Prev, e.Next} {
		for k := range list {
			v, ok := m.Value(list[k].Value)
			if !ok {
				v = math.NaN()
			}
			list[k].Value = v
		}
	}
	if d.prev == nil {
		d.prev, d.next, d.reset, d.users = e.Prev, e.Next, e.Reset, make([]string, len(e.Prev))
	} else {
		for k := range d.prev { // the highest that was seen before, and the lowest after
			if p := e.Prev[k]; !(p.Value <= d.prev[k].Value) {
				d.prev[k] = known(p, d.prev[k])
			}
			if x := e.Next[k]; !(x.Value >= d.next[k].Value) {
				d.next[k] = known(x, d.next[k])
			}
		}
		for k := range d.reset {
			d.reset[k] = d.reset[k] || e.Reset[k]
		}
	}
	user := e.Get("exported_pod")
	if user == "" {
		user = e.Get("pod")
	}
	for k := range d.users {
		if math.IsNaN(e.Prev[k].Value) || user == "" || user == d.users[k] {
			continue
		}
		if d.users[k] != "" {
			d.users[k] = shared
		} else {
			d.users[k] = user
		}
	}
}

// known returns a reading if it has a value, and else another.
func known(r, other edgecount.Reading) edgecount.Reading {
	if math.IsNaN(r.Value) {
		return other
	}
	return r
}

// step is one step. there is false if nothing is known of the device then.
func (d *edges) step(g promapi.Grid, k int) (s Step, there bool) {
	if math.IsNaN(d.prev[k].Value) && math.IsNaN(d.next[k].Value) && math.IsNaN(d.prev[k+1].Value) && math.IsNaN(d.next[k+1].Value) {
		return s, false
	}
	user := cmp.Or(d.users[k], d.users[k+1])
	if user != shared && (d.users[k+1] == "" || d.users[k+1] == user) {
		s.User = user
	}
	c, err := promapi.Between(d.prev[k:], d.next[k:], d.reset[k], g, k)
	switch {
	case errors.Is(err, edgecount.ErrReset):
		s.Reason = energy.CounterReset
	case err != nil:
		s.Reason = energy.BenchmarkWindowNotBracketed
	case c.Value > mostWatts*float64(g.Step)/1000:
		s.Reason = energy.CounterJump
	default:
		s.Energy = energy.Estimate{Joules: c.Value, Low: c.Low, High: c.High}
	}
	return s, true
}
