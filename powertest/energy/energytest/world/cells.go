package world

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Usual is the counter of a data-centre board: it ticks each 100 ms by a clock of its own.
var Usual = Counter{Period: 0.1, Jitter: 0.005}

// vary draws from what usual counters and the gauges beside them differ by.
func vary(r *rand.Rand, c *Counter) {
	c.Jitter = between(r, 0.001, 0.01)
	c.Gauge = []float64{0, 0.025, 0.1}[r.IntN(3)]
}

// with returns what draws a usual counter and then changes it.
func with(change func(r *rand.Rand, c *Counter)) func(r *rand.Rand, c *Counter) {
	return func(r *rand.Rand, c *Counter) {
		vary(r, c)
		change(r, c)
	}
}

// Cells returns the table of what the instrument is to reach. Those with the power of real
// boards are there if there are recordings.
func Cells(recordings []Recorded) []Cell {
	cells := basic()
	cells = append(cells, edges()...)
	cells = append(cells, parts()...)
	cells = append(cells, running1()...)
	cells = append(cells, counters()...)
	cells = append(cells, fleets()...)
	if len(recordings) > 0 {
		cells = append(cells, boards(recordings)...)
	}
	for i := range cells {
		c := &cells[i]
		if c.Vary == nil {
			c.Vary = vary
		}
		if c.Counter == (Counter{}) {
			c.Counter = Usual
		}
		for k := range c.Wants {
			w := &c.Wants[k]
			w.Held = held[key(c.Name, w.Part)]
		}
	}
	return cells
}

// aim is one want, of a whole window.
func aim(p95, width float64) []Want { return []Want{{P95: p95, Width: width}} }

func name(parts ...any) string {
	s := ""
	for i, p := range parts {
		if l, ok := p.(float64); ok {
			p = time.Duration(l * 1e9)
		}
		if i > 0 {
			s += "/"
		}
		s += fmt.Sprint(p)
	}
	return s
}

func key(cell, part string) string {
	if part == "" {
		return cell
	}
	return cell + ":" + part
}

// style is a harness with its name.
type style struct {
	name string
	Harness
}

var styles = []style{{"meter", Meter}, {"count", Benchmark}}

// basic are loads whose edges are those of the window.
func basic() (list []Cell) {
	shapes := []struct {
		name string
		load Load
	}{{"cold", Cold}, {"warm", Warm}, {"decay", Decay}, {"boost", Boost}}
	goals := []struct{ length, p95 float64 }{{0.1, 4}, {0.25, 1.5}, {1, 0.5}, {10, 0.05}}
	for _, s := range shapes {
		for _, g := range goals {
			for _, h := range styles {
				c := Cell{Name: name(s.name, g.length, h.name), Load: s.load, Harness: h.Harness, Length: g.length, Wants: aim(g.p95, 3)}
				if g.length == 0.1 {
					c.Wants[0].Withheld = 10
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// edges are loads that begin or end beside the window, or have a tail.
func edges() (list []Cell) {
	shapes := []struct {
		name      string
		load      Load
		lead, lag [2]float64
	}{
		{"drain", Cold, [2]float64{}, [2]float64{0.01, 0.08}},
		{"delay", Cold, [2]float64{-0.08, -0.01}, [2]float64{}},
		{"held", Held, [2]float64{}, [2]float64{}},
		{"stepped", Stepped, [2]float64{}, [2]float64{}},
		{"clocks", Clocks, [2]float64{}, [2]float64{}},
		{"llm", LLM, [2]float64{-0.04, -0.002}, [2]float64{0.01, 0.08}},
	}
	goals := []struct{ length, p95 float64 }{{0.25, 5}, {1, 1.5}, {10, 0.15}}
	for _, s := range shapes {
		for _, g := range goals {
			for _, h := range styles {
				list = append(list, Cell{
					Name: name(s.name, g.length, h.name), Load: s.load, Lead: s.lead, Lag: s.lag,
					Harness: h.Harness, Length: g.length, Wants: aim(g.p95, 4),
				})
			}
		}
	}
	for _, h := range styles {
		list = append(list, Cell{
			Name: name("early", 0.25, h.name), Load: Cold, Lag: [2]float64{-0.02, -0.01},
			Harness: h.Harness, Length: 0.25, Wants: aim(4, 0),
		})
	}
	return list
}

// parts are windows beside windows, and windows with phases or pauses in them.
func parts() []Cell {
	net := []Want{{Part: "idle-W", P95: 3}, {Part: "net", P95: 3}}
	unsettled := []Want{{Part: "idle-W", P95: 3, Marks: true}, {Part: "net", P95: 3, Marks: true}}
	phased := []Want{
		{Part: "prefill", P95: 2.5, Width: 3}, {Part: "decode", P95: 1, Width: 3},
		{Part: "rest"}, {Part: "whole"}, {Part: "sum", P95: 1e-6},
	}
	return []Cell{
		{Name: "requests/250ms", Load: Cold, Harness: Requests, Length: 0.25, Wants: aim(3, 4)},
		{Name: "requests/1s", Load: Cold, Harness: Requests, Length: 1, Wants: aim(0.8, 4)},
		{Name: "requests/llm/1s", Load: LLM, Harness: Requests, Length: 1, Lag: [2]float64{0.002, 0.02}, Wants: aim(0.8, 4)},
		{Name: "phases", Load: Cold, Harness: Phases, Length: 0.8, Wants: phased},
		{Name: "pauses/3s", Load: Cold, Harness: Pauses, Length: 3, Wants: aim(1, 0)},
		{Name: "net/1s", Load: Cold, Harness: Net, Length: 1, Wants: net},
		{Name: "net/decay/1s", Load: Decay, Harness: Net, Length: 1, Wants: append([]Want(nil), net...)},
		{Name: "net/clocks/1s", Load: Clocks, Harness: Net, Length: 1, Wants: unsettled},
	}
}

// running1 are loads that go on over the edges of the window.
func running1() (list []Cell) {
	shapes := []struct {
		name string
		load Load
	}{{"poisson", Poisson}, {"training", Training}, {"batching", Batching}}
	for _, s := range shapes {
		list = append(list,
			Cell{Name: name(s.name, 0.25), Load: s.load, Harness: Meter, Length: 0.25, Wants: aim(6, 0)},
			Cell{Name: name(s.name, 1.0), Load: s.load, Harness: Meter, Length: 1, Wants: aim(2.5, 0)})
	}
	hard := []struct {
		name string
		load Load
	}{{"capping", Capping}, {"batches", Batches}, {"in-step", InStep}}
	for _, s := range hard {
		for _, l := range []float64{0.25, 1} {
			list = append(list, Cell{Name: name(s.name, l), Load: s.load, Harness: Meter, Length: l, Wants: []Want{{Marks: true}}})
		}
	}
	return list
}

// counters are counters that do something else than the usual ones, under work of 1 s.
func counters() []Cell {
	odd := func(name string, want Want, change func(r *rand.Rand, c *Counter)) Cell {
		return Cell{Name: "counter/" + name, Load: Cold, Harness: Meter, Length: 1, Vary: with(change), Wants: []Want{want}}
	}
	fair, marked := Want{P95: 0.5, Width: 4}, Want{P95: 1.5, Marks: true}
	mean := func(_ *rand.Rand, c *Counter) { c.Mean, c.Gauge = 1, 0.1 }
	long := odd("mean-1s/10s", Want{Nothing: true}, mean)
	long.Length = 10
	return []Cell{
		odd("lag-20ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.02 }),
		odd("lag-50ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.05 }),
		odd("lag-150ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.15 }),
		odd("mean-1s/1s", Want{Nothing: true}, mean),
		long,
		odd("share-25%", Want{Marks: true}, func(_ *rand.Rand, c *Counter) { c.Share = 0.25 }),
		odd("share-50%", Want{Marks: true}, func(_ *rand.Rand, c *Counter) { c.Share = 0.5 }),
		odd("jitter-4%", fair, func(_ *rand.Rand, c *Counter) { c.Jitter = 0.04 }),
		odd("missed-5%", fair, func(_ *rand.Rand, c *Counter) { c.Missed = 0.05 }),
		odd("double-10%", fair, func(_ *rand.Rand, c *Counter) { c.Double = 0.1 }),
		odd("step-1J", fair, func(_ *rand.Rand, c *Counter) { c.Step = 1 }),
		odd("loaded-0.7", fair, func(_ *rand.Rand, c *Counter) { c.Loaded = 0.7 }),
		odd("20ms", Want{P95: 0.2, Width: 4}, func(_ *rand.Rand, c *Counter) { c.Period = 0.02 }),
	}
}

// fleets are many devices, and a monitoring server.
func fleets() []Cell {
	return []Cell{
		{Name: "8gpus/1s", Load: Cold, Harness: Meter, Length: 1, Devices: 8,
			Lead: [2]float64{-0.05, 0.05}, Lag: [2]float64{-0.02, 0.05}, Wants: aim(1.5, 0)},
		{Name: "8gpus/training/1s", Load: Training, Harness: Meter, Length: 1, Devices: 8, Wants: aim(2.5, 0)},
		{Name: "prometheus/exact/30s", Load: Cold, Harness: Past, Length: 30, Wants: aim(1.2, 0)},
		{Name: "prometheus/30s", Load: Cold, Harness: Past, Length: 30,
			Lead: [2]float64{0, 1}, Lag: [2]float64{0, 1}, Wants: aim(1.2, 0)},
	}
}

// boards are the power of real boards.
func boards(recordings []Recorded) (list []Cell) {
	for _, h := range styles {
		for _, g := range []struct{ length, p95 float64 }{{0.25, 3}, {1, 0.5}, {5, 0.15}} {
			list = append(list, Cell{Name: name("boards", g.length, h.name), Load: Boards(recordings), Harness: h.Harness, Length: g.length, Wants: aim(g.p95, 0)})
		}
	}
	return list
}

// held are the criteria that today's code keeps, by cell and part.
var held = map[string]Criteria{}
