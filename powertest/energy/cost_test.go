package energy

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkCost measures what it costs to measure a window of one device, once it is
// recorded: ns/op is that of one measurement with all its parts. The refresh period is 100 ms.
func BenchmarkCost(b *testing.B) {
	for _, k := range costs {
		b.Run(k.name, func(b *testing.B) {
			var list []measured
			for seed := range uint64(8) {
				list = append(list, k.record(rand.New(rand.NewPCG(1, seed))))
			}
			for i := 0; b.Loop(); i++ {
				m := list[i%len(list)]
				measureDevices([]*curve{m.curve.clone(0)}, m.family, false)
			}
		})
	}
}

// measured is what is measured of a device.
type measured struct {
	curve  *curve
	family family
}

// costKind is a kind of window: its load, and how long it is. It is one of so many that
// follow each other, each divided into requests with two phases.
type costKind struct {
	name     string
	shape    shape
	length   float64
	windows  int
	requests int
}

var costs = []costKind{
	{"cold/100ms", shapeOf("cold"), 0.1, 1, 0},
	{"cold/250ms", shapeOf("cold"), 0.25, 1, 0},
	{"cold/1s", shapeOf("cold"), 1, 1, 0},
	{"cold/10s", shapeOf("cold"), 10, 1, 0},
	{"warm/250ms", shapeOf("warm"), 0.25, 1, 0},
	{"llm/250ms", llm, 0.25, 1, 0},
	{"requests/250ms", shapeOf("cold"), 0.25, 8, 0},
	{"requests/1s", shapeOf("cold"), 1, 8, 0},
	{"phases/10s/100", shapeOf("cold"), 10, 1, 50},
	{"phases/10m/1000", shapeOf("cold"), 600, 1, 500},
}

// llm is a prompt and decoding, which begin late and end late.
func llm(rng *rand.Rand, s, e, T float64) func(float64) float64 {
	s, e = s+uniform(rng, 0.002, 0.04), e+uniform(rng, 0.01, 0.08)
	decodes, level, ripple := s+uniform(rng, 0.05, 0.4), uniform(rng, 250, 400), uniform(rng, 0.01, 0.03)
	return func(t float64) float64 {
		switch {
		case t < s || t >= e:
			return idle
		case t < decodes:
			return 650
		}
		return level * (1 + 0.1*math.Sin(2*math.Pi*t/ripple))
	}
}

// apart is the time between windows, and between requests, in seconds.
const apart = 0.05

// record simulates windows, of which the last but two is to be measured.
func (k costKind) record(rng *rand.Rand) measured {
	const T, lead = 0.1, 2.5
	var edges []float64
	var loads []func(float64) float64
	for i := range k.windows {
		s := lead + T*rng.Float64() + float64(i)*(k.length+apart)
		edges, loads = append(edges, s, s+k.length), append(loads, k.shape(rng, s, s+k.length, T))
	}
	n := max(k.windows-3, 0)
	f := family{spans: spansOf(edges[2*n : 2*n+2])}
	if k.windows > 1 {
		f.others = spansOf(append(append([]float64{}, edges[:2*n]...), edges[2*n+2:]...))
	}
	power := func(t float64) float64 {
		most := 0.0
		for _, load := range loads {
			most = max(most, load(t))
		}
		return most
	}
	if k.requests > 0 {
		edges, f.members, power = k.divide(edges[0])
	}
	until := edges[len(edges)-1] + 2.5
	dev := newCounter(rng, newTruth(rng, power, until), T, until)
	c := newCurve(Device{Method: Counter, Resolution: 1e-3, PowerLimit: 700}, time.Unix(0, 0), 100*time.Millisecond)
	newPoller(rng).record(c, dev, edges[0]-uniform(rng, 2.2, 3.5)*T, edges...)
	return measured{c, f}
}

// divide divides a window into requests. It returns the edges, the phases, and the power.
func (k costKind) divide(s float64) (edges []float64, members [][]span, power func(float64) float64) {
	period := k.length / float64(k.requests)
	edges = append(edges, s)
	var prefill, decode []float64
	for i := range k.requests {
		a, z := s+float64(i)*period, s+float64(i+1)*period-apart
		m := a + (0.2+0.02*float64(i%7))*(z-a)
		prefill, decode = append(prefill, a, m), append(decode, m, z)
		edges = append(edges, a, m, m, z)
	}
	load := make([]burst, 0, 2*k.requests)
	for i := 0; i < len(prefill); i += 2 {
		load = append(load, burst{prefill[i], prefill[i+1], 650}, burst{decode[i], decode[i+1], 400})
	}
	return append(edges, s+k.length), [][]span{spansOf(prefill), spansOf(decode)}, bursts(load)
}

// spansOf returns spans of edges, which are in seconds.
func spansOf(edges []float64) (list []span) {
	for i := 0; i < len(edges); i += 2 {
		from, till := int64(edges[i]*second), int64(edges[i+1]*second)
		list = append(list, span{start: from, end: till, on: till - from})
	}
	return list
}
