package estimate

import (
	"math"
	"slices"
)

// Recorded readings were made at regular times, by someone who did not look
// for the ticks: a tick may lie anywhere between two of them, and all ticks may
// be late by the same. How late is a hypothesis, too: where the load begins and
// ends with the window, the ticks around its edges show it; where it goes on over
// them it matters little, since what is moved in at one edge is moved out at the
// other. What scatters from tick to tick does not cancel.

// delays are how late all ticks are, as shares of the time in which each may lie,
// from the middle of it.
var (
	delays      = []float64{-0.48, -0.32, -0.16, 0, 0.16, 0.32, 0.48}
	briefDelays = []float64{-0.45, 0, 0.45}
)

// recorded returns the energies by recorded readings.
func (w *window) recorded(in *Input) []estimate {
	shares := delays
	if in.Brief {
		shares = briefDelays
	}
	cuts := w.cuts(pieces(w.ticks))
	mixes := make([]mixture, len(w.targets))
	energies := make([]estimate, len(w.targets))
	add := func(ks []timedTick) {
		for i, c := range w.delayedBy(in, ks, cuts, energies) {
			mixes[i] = append(mixes[i], c)
		}
	}
	for _, share := range shares {
		if ks := delayed(w.ticks, share); w.encloses(ks) {
			add(ks)
		}
	}
	if len(mixes[0]) == 0 {
		add(w.ticks)
	}
	for i, mix := range mixes {
		mix, _ = mix.normalize()
		e := &energies[i]
		e.mean, e.low, e.high = mix.mean(), mix.quantile(credible), mix.quantile(1-credible)
	}
	return energies
}

// delayed returns the ticks moved by a share of the time in which each may lie. All
// of them stay, and in order: likelihoods are compared on the same pieces.
func delayed(ks []timedTick, share float64) []timedTick {
	out := slices.Clone(ks)
	for i := range out {
		out[i].t += share * out[i].sd * math.Sqrt(12)
		if i > 0 && out[i].t <= out[i-1].t {
			out[i].t = out[i-1].t + 1e-6
		}
	}
	return out
}

// wide is how many standard deviations a half-width is.
const wide = 2

// delayedBy returns the distributions of the energies if the times of the ticks are right
// but for what scatters; their weight is the log of the likelihood. What else is doubtful
// it notes.
func (w *window) delayedBy(in *Input, ks []timedTick, cuts [][2]int, doubtful []estimate) []component {
	list := pieces(ks)
	w.keepScatter(list, in.Period.Seen/second)
	sums := make([]component, len(w.targets)) // with variances in sd
	for i, e := range w.known(list, cuts) {
		sums[i].mean = e.mean
	}
	likelihood := 0.0
	for _, cut := range cuts {
		m := newModel(in, w.tl, list[cut[0]:cut[1]])
		all := m.weigh(in)
		log := 0.0
		for i, t := range m.targets {
			var mix mixture
			mix, log = m.mixture(all, i).normalize()
			mean := mix.mean()
			sums[t].mean += mean
			sums[t].sd += mix.variance(mean) + sq(m.misplaced(t, in.Far)/wide)
			// Energy moves across the edges with what scatters.
			m.straddling(t, func(q edgePiece) { sums[t].sd += sq(q.most * max(q.sd0, q.sd1)) })
			e := m.doubts(in, t)
			d := &doubtful[t]
			d.bare, d.passed, d.steep = e.bare, max(d.passed, e.passed), max(d.steep, e.steep)
		}
		likelihood += log
	}
	for i := range sums {
		sums[i].sd, sums[i].weight = math.Sqrt(sums[i].sd), likelihood
	}
	return sums
}

// leastScatter is the least that ticks are taken to scatter, as a share of the
// time in which they may lie: the phase of two clocks drifts.
const leastScatter = 0.25

// keepScatter leaves to the times of the ticks only what scatters from tick to tick. A
// tick that is late makes one piece longer and the next one shorter: where times scatter,
// the changes of power from piece to piece do, with six times the variance.
func (w *window) keepScatter(list []piece, period float64) {
	const enough = 4
	sum, n := 0.0, 0.0
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if w.tl.at(a.t0) == w.tl.at(b.t1) {
			sum, n = sum+sq(2*(a.power()-b.power())/(a.power()+b.power())), n+1
		}
	}
	if n < enough {
		return
	}
	seen := period * math.Sqrt(sum/n/6) * (1 + 2/n)
	for i := range list {
		q := &list[i]
		q.sd0 = min(max(seen, leastScatter*q.sd0), q.sd0)
		q.sd1 = min(max(seen, leastScatter*q.sd1), q.sd1)
	}
}
