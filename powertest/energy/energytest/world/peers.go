package world

import "math"

// Peer is another way to measure the same windows by the same devices.
type Peer struct {
	Name string
	// measure returns the joules of one device over one span. phase, below 1, is where
	// in its interval a peer that polls is.
	measure func(t *ticker, s span, phase float64) float64
}

// Peers are how others measure: two plain reads (trtllm-bench, vLLM); Zeus, which takes the
// power at the end where two reads show nothing; aiperf, a poll in 0.333 s whose last one may
// come 0.666 s after the end; InferenceX, trapezoids under the gauge at 1 Hz; and linear
// interpolation between the ticks on either side of each edge.
var Peers = []Peer{
	{"two-reads", func(t *ticker, s span, _ float64) float64 { return twoReads(t, s) }},
	{"zeus", zeus},
	{"aiperf", aiperf},
	{"inferencex", inferencex},
	{"interpolation", func(t *ticker, s span, _ float64) float64 { return interpolated(t, s.to) - interpolated(t, s.from) }},
}

func twoReads(t *ticker, s span) float64 { return t.at(s.to).joules - t.at(s.from).joules }

func zeus(t *ticker, s span, _ float64) float64 {
	if joules := twoReads(t, s); joules != 0 {
		return joules
	}
	return t.at(s.to).watts * (s.to - s.from)
}

func aiperf(t *ticker, s span, phase float64) float64 {
	const every, grace = 0.333, 0.666
	sample := func(before float64) float64 { return (math.Floor(before/every-phase) + phase) * every }
	return t.at(sample(s.to+grace)).joules - t.at(sample(s.from)).joules
}

func inferencex(t *ticker, s span, phase float64) (joules float64) {
	gauge := func(at float64) float64 { // in a straight line between two samples
		k := math.Floor(at - phase)
		a, b := t.at(k+phase).watts, t.at(k+1+phase).watts
		return a + (b-a)*(at-phase-k)
	}
	for from := s.from; from < s.to; {
		to := min(math.Floor(from-phase)+1+phase, s.to)
		if to <= from {
			to = min(from+1, s.to)
		}
		joules += (gauge(from) + gauge(to)) / 2 * (to - from)
		from = to
	}
	return joules
}

func interpolated(t *ticker, at float64) float64 {
	i := t.index(at)
	if i+1 >= len(t.ticks) {
		return t.ticks[i].joules
	}
	a, b := t.ticks[i], t.ticks[i+1]
	return a.joules + (b.joules-a.joules)*(at-a.at)/(b.at-a.at)
}

// peers measures a window by each peer, after the ticks behind its end are there.
func (m *Machine) peers(spans []span) []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	phase := m.rand.Float64()
	joules := make([]float64, len(Peers))
	for k, p := range Peers {
		for _, t := range m.tickers {
			t.upTo(spans[len(spans)-1].to + 1.2)
			for _, s := range spans {
				joules[k] += p.measure(t, s, phase)
			}
		}
	}
	return joules
}
