package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	cells := slices.Concat(whole(), parts(), counters(), strange(), fleets(), cpus(), hoppers())
	if len(recordings) > 0 {
		real := []kind{{name: "boards", load: Boards(recordings)}}
		cells = append(cells, grid(real, []goal{{0.25, 3}}, styles, Want{})...)
		cells = append(cells, grid(real, []goal{{1, 0.5}, {5, 0.15}}, styles, Want{Bias: 0.15})...)
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
			w.Held = held[label(c.Name, w.Part)]
		}
	}
	return cells
}

// aim is one want, of a whole window.
func aim(p95, width float64) []Want { return []Want{{P95: p95, Width: width}} }

// kind is a load, with how its edges lie to those of windows.
type kind struct {
	name      string
	load      Load
	lead, lag [2]float64
}

// goal is the wanted P95 for windows of a length.
type goal struct{ length, p95 float64 }

// style is a harness with its name.
type style struct {
	name string
	Harness
}

var (
	metered = []style{{"meter", Meter}}
	styles  = []style{{"meter", Meter}, {"count", Benchmark}}
)

// grid crosses loads with lengths and harnesses.
func grid(kinds []kind, goals []goal, styles []style, want Want) (list []Cell) {
	for _, k := range kinds {
		for _, g := range goals {
			for _, h := range styles {
				want.P95 = g.p95
				list = append(list, Cell{
					Name: fmt.Sprintf("%s/%v/%s", k.name, seconds(g.length), h.name), Load: k.load, Lead: k.lead, Lag: k.lag,
					Harness: h.Harness, Length: g.length, Wants: []Want{want},
				})
			}
		}
	}
	return list
}

// whole are single windows of usual counters.
func whole() []Cell {
	exact := []kind{{name: "cold", load: Cold}, {name: "warm", load: Warm}, {name: "decay", load: Decay}, {name: "boost", load: Boost}}
	beside := []kind{
		{"drain", Cold, [2]float64{}, [2]float64{0.01, 0.08}},
		{"delay", Cold, [2]float64{-0.08, -0.01}, [2]float64{}},
		{name: "held", load: Held}, {name: "stepped", load: Stepped}, {name: "clocks", load: Clocks},
		{"llm", LLM, [2]float64{-0.04, -0.002}, [2]float64{0.01, 0.08}},
	}
	early := []kind{{"early", Cold, [2]float64{}, [2]float64{-0.02, -0.01}}}
	changing := []kind{{name: "poisson", load: Poisson}, {name: "training", load: Training}, {name: "batching", load: Batching}}
	hard := []kind{{name: "capping", load: Capping}, {name: "batches", load: Batches}, {name: "in-step", load: InStep}}
	return slices.Concat(
		grid(exact, []goal{{0.1, 4}}, styles, Want{Width: 3, Withheld: 10}),
		grid(exact, []goal{{0.25, 1.5}, {1, 0.5}, {10, 0.05}}, styles, Want{Width: 3}),
		grid(beside, []goal{{0.25, 5}, {1, 1.5}, {10, 0.15}}, styles, Want{Width: 4}),
		grid(early, []goal{{0.25, 4}}, styles, Want{}),
		grid(changing, []goal{{0.25, 6}, {1, 2.5}}, metered, Want{}),
		grid(hard, []goal{{0.25, 0}, {1, 0}}, metered, Want{Marks: true}),
	)
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
		{Name: "requests/warm/250ms", Load: Warm, Harness: Requests, Length: 0.25, Wants: aim(3, 4)},
		{Name: "requests/llm/1s", Load: LLM, Harness: Requests, Length: 1, Lag: [2]float64{0.002, 0.02}, Wants: aim(0.8, 4)},
		{Name: "phases", Load: Cold, Harness: Phases, Length: 0.8, Wants: phased},
		{Name: "pauses/3s", Load: Cold, Harness: Pauses, Length: 3, Wants: aim(1, 0)},
		{Name: "net/1s", Load: Cold, Harness: Net, Length: 1, Wants: net},
		{Name: "net/decay/1s", Load: Decay, Harness: Net, Length: 1, Wants: slices.Clone(net)},
		{Name: "net/clocks/1s", Load: Clocks, Harness: Net, Length: 1, Wants: unsettled},
	}
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
	changing := odd("share-25%/capping", Want{Marks: true}, func(_ *rand.Rand, c *Counter) { c.Share = 0.25 })
	changing.Load = Capping
	known := odd("share-25%/capping/known", Want{Marks: true}, func(_ *rand.Rand, c *Counter) { c.Share, c.Known = 0.25, true })
	known.Load = Capping
	return []Cell{
		odd("lag-20ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.02 }),
		odd("lag-50ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.05 }),
		odd("lag-150ms", marked, func(_ *rand.Rand, c *Counter) { c.Lag = 0.15 }),
		odd("mean-1s/1s", Want{Nothing: true}, mean),
		long, changing, known,
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

// strange are loads and counters that came after the estimator.
func strange() []Cell {
	running := []kind{{name: "sawtooth", load: Sawtooth}, {name: "telegraph", load: Telegraph}, {name: "sparks", load: Sparks},
		{name: "swell", load: Swell}, {name: "stairs", load: Stairs}}
	marks := Want{Marks: true}
	drifting := grid([]kind{{name: "drifting/cold", load: Cold}, {name: "drifting/warm", load: Warm}}, []goal{{0.25, 0}, {1, 0}, {5, 0}}, metered, marks)
	for i := range drifting {
		length := drifting[i].Length
		drifting[i].Vary = with(func(r *rand.Rand, c *Counter) { c.Drift = between(r, -0.01, 0.01) / length })
	}
	list := slices.Concat(
		grid(running, []goal{{0.25, 0}, {1, 0}, {5, 0}}, metered, marks),
		grid([]kind{{name: "aligned", load: Aligned}, {name: "throttled", load: Throttled}}, []goal{{0.25, 0}, {1, 0}, {5, 0}}, styles, marks),
		drifting,
	)
	for i := range list {
		list[i].Name = "strange/" + list[i].Name
	}
	return list
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

// Hopper is what an H100 was seen to do (docs/hardware.md): its counter ticks by an exact clock,
// is made of readings that are 20 ms apart, and takes some ms to read.
var Hopper = Counter{Period: 0.100002, Jitter: 0.0003, Usual: [2]float64{0.01, 0.0025}, Call: 3.1e-3, Slow: 0.08, Gauge: 0.025}

// hoppers are boards with such a counter.
func hoppers() []Cell {
	fair := Want{Width: 4}
	list := slices.Concat(
		grid([]kind{{name: "cold", load: Cold}, {name: "warm", load: Warm}}, []goal{{0.1, 0}, {0.25, 3}, {1, 1}, {10, 0.1}}, styles, fair),
		grid([]kind{{name: "capped", load: Capped}, {"llm", LLM, [2]float64{-0.04, -0.002}, [2]float64{0.01, 0.08}}}, []goal{{0.25, 0}, {1, 0}, {5, 0}}, metered, fair),
		[]Cell{{Name: "phases", Load: Cold, Harness: Phases, Length: 0.8, Wants: []Want{{Part: "prefill"}, {Part: "decode"}, {Part: "whole"}}}},
	)
	for i := range list {
		c := &list[i]
		c.Name, c.Counter = "h100/"+c.Name, Hopper
		c.Vary = func(r *rand.Rand, c *Counter) { c.Mean = between(r, 0.014, 0.026) }
	}
	return list
}

// cpus are a machine of two packages, whose counters are refreshed each millisecond and whose
// calls cost the CPU that is measured.
func cpus() []Cell {
	vary := func(r *rand.Rand, c *Counter) { c.Call = []float64{3e-6, 1e-5, 5e-5}[r.IntN(3)] }
	cpu := func(name string, load Load, h Harness, length float64, wants []Want) Cell {
		return Cell{Name: "cpu/" + name, Load: load, Harness: h, Length: length, Devices: 2,
			Counter: Counter{Period: 0.001, Jitter: 0.02}, Vary: vary, Wants: wants}
	}
	return []Cell{
		cpu("cold/50ms/meter", Cold, Meter, 0.05, aim(4, 0)),
		cpu("cold/250ms/meter", Cold, Meter, 0.25, aim(1, 0)),
		cpu("cold/1s/meter", Cold, Meter, 1, aim(0.25, 0)),
		cpu("cold/1s/count", Cold, Benchmark, 1, aim(0.25, 0)),
		cpu("decay/250ms/count", Decay, Benchmark, 0.25, aim(1, 0)),
		cpu("training/1s/meter", Training, Meter, 1, aim(0.25, 0)),
		cpu("pauses/3s", Cold, Pauses, 3, aim(0.25, 0)),
		cpu("phases", Cold, Phases, 0.8, []Want{{Part: "prefill", P95: 2.5}, {Part: "decode", P95: 1}, {Part: "rest"}, {Part: "whole"}}),
	}
}
