package estimate

import "math"

// The hypotheses: how power may go over edges, and how noisy it is. Their priors are
// broad on purpose, and the same for all devices; nothing is fitted to one.

// shape is one way that power may go over edges, with the log of its prior probability.
// Times are in seconds. Of each end at most one is not 0, but for late, which may have a burst,
// and early, which has a tail.
type shape struct {
	start
	end
	number   [2]int // of the start and of the end, in their lists
	logPrior float64
}

// start is how the load begins: exactly, or
type start struct {
	ramp  float64 // by a ramp, 1 − exp(−t/ramp);
	late  float64 // after the edge;
	lead  float64 // with a level before it, as where a server is filled;
	burst float64 // or with another level at first
	prior float64
}

// end is how it ends: exactly, or
type end struct {
	tail  float64 // by a tail, exp(−t/tail);
	early float64 // before the edge;
	over  float64 // after the edge, as where a last step overruns;
	hold  float64 // with another level that is held after it;
	drain float64 // or with another level at last
	prior float64
}

func (s start) longest() float64 { return max(s.ramp, s.late, s.lead, s.burst) }
func (e end) longest() float64   { return max(e.tail, e.early, e.over, e.hold, e.drain) }

// scaled returns it with its shifts scaled; what is exponential stays.
func (s start) scaled(f float64) start {
	s.late, s.lead, s.burst = s.late*f, s.lead*f, s.burst*f
	return s
}

func (e end) scaled(f float64) end {
	e.early, e.over, e.hold, e.drain = e.early*f, e.over*f, e.hold*f, e.drain*f
	return e
}

var (
	usualStarts = []start{
		{prior: 0.40},
		{ramp: 0.01, prior: 0.12}, {ramp: 0.03, prior: 0.10}, {ramp: 0.1, prior: 0.09}, {ramp: 0.25, prior: 0.07}, {ramp: 0.6, prior: 0.05},
		{late: 0.006, prior: 0.02}, {late: 0.015, prior: 0.02}, {late: 0.03, prior: 0.02}, {late: 0.06, prior: 0.02}, {late: 0.1, prior: 0.01},
		{lead: 0.02, prior: 0.02}, {lead: 0.04, prior: 0.02}, {lead: 0.08, prior: 0.02}, {lead: 0.15, prior: 0.01},
		{burst: 0.05, prior: 0.02}, {burst: 0.12, prior: 0.015}, {burst: 0.3, prior: 0.01},
		// A request takes its way to a server, which then prefills before it decodes.
		{late: 0.015, burst: 0.1, prior: 0.02}, {late: 0.03, burst: 0.1, prior: 0.02},
	}
	usualEnds = []end{
		{prior: 0.30},
		{tail: 0.005, prior: 0.05}, {tail: 0.01, prior: 0.05}, {tail: 0.02, prior: 0.05}, {tail: 0.04, prior: 0.05},
		{tail: 0.08, prior: 0.05}, {tail: 0.16, prior: 0.05}, {tail: 0.32, prior: 0.05},
		{early: 0.008, prior: 0.015}, {early: 0.02, prior: 0.015}, {early: 0.04, prior: 0.01},
		{early: 0.012, tail: 0.025, prior: 0.015}, {early: 0.03, tail: 0.025, prior: 0.015},
		{over: 0.01, prior: 0.03}, {over: 0.02, prior: 0.03}, {over: 0.035, prior: 0.03}, {over: 0.06, prior: 0.03}, {over: 0.1, prior: 0.015},
		{hold: 0.02, prior: 0.03}, {hold: 0.04, prior: 0.03}, {hold: 0.08, prior: 0.03}, {hold: 0.15, prior: 0.03}, {hold: 0.3, prior: 0.03},
		{drain: 0.04, prior: 0.015}, {drain: 0.12, prior: 0.01},
	}
	// The slow are what a slow counter can show: a server drains its queue, and
	// a GPU leaves its highest clocks, in seconds.
	slowStarts = []start{{prior: 0.6}, {ramp: 0.3, prior: 0.15}, {ramp: 1, prior: 0.15}, {ramp: 3, prior: 0.1}}
	slowEnds   = []end{{prior: 0.4}, {tail: 0.3, prior: 0.15}, {tail: 0.8, prior: 0.15}, {tail: 1.6, prior: 0.15}, {tail: 3.2, prior: 0.15}}
	// The brief are for fleets of devices: thousands are to be measured in a
	// second, and what one of them is off by matters little to the sum.
	briefStarts = []start{{prior: 0.7}, {ramp: 0.3, prior: 0.3}}
	briefEnds   = []end{{prior: 0.6}, {tail: 0.2, prior: 0.4}}
)

const (
	// slowPeriod is the refresh period of a slow counter, in seconds.
	slowPeriod = 1.5
	// scaledPeriod is that from which on shifts are those that a server's
	// scheduling can make, in proportion to it: by shiftScale a second.
	scaledPeriod = 0.5
	shiftScale   = 6
	// finest is the share of a refresh period below which shapes can't be told
	// from none.
	finest = 1.0 / 50
)

// shapes returns all that the refresh period can tell apart, and that the edges have.
func (m *model) shapes() []shape {
	starts, ends := usualStarts, usualEnds
	switch {
	case m.period > slowPeriod:
		starts, ends = slowStarts, slowEnds
	case m.brief:
		starts, ends = briefStarts, briefEnds
	}
	scale := 1.0
	if m.period > scaledPeriod {
		scale = shiftScale * m.period
	}
	up, down := false, false
	for i := range m.kinds {
		k := &m.kinds[i]
		up = up || m.rises(k) || !m.falls(k) && m.up(k)
		down = down || m.falls(k) || !m.rises(k) && !m.up(k)
	}
	var all []shape
	for i, s := range starts {
		s = s.scaled(scale)
		if i > 0 && (!up || s.longest() <= m.period*finest) {
			continue
		}
		if s.late > 0 && s.burst > 0 && s.late+s.burst >= m.tl.till-m.tl.from {
			continue // nothing is left that it would be the burst of
		}
		for j, e := range ends {
			e = e.scaled(scale)
			if j > 0 && (!down || e.longest() <= m.period*finest) {
				continue
			}
			all = append(all, shape{s, e, [2]int{i, j}, math.Log(s.prior * e.prior)})
		}
	}
	return all
}

// nearby returns the shapes that are near one, by a factor.
func (h shape) nearby(factor float64) (list []shape) {
	for _, f := range []float64{1 / factor, factor} {
		if s := h.start; max(s.ramp, s.late) > 0 {
			s.ramp, s.late = s.ramp*f, s.late*f
			list = append(list, shape{s, h.end, h.number, h.logPrior})
		}
		if e := h.end; e.longest() > 0 {
			e.tail *= f
			list = append(list, shape{h.start, e.scaled(f), h.number, h.logPrior})
		}
	}
	return list
}

// noise is how noisy power is, as white noise relative to the level whose size is that
// of the mean over a refresh period: on while the load is meant to run, off otherwise.
// texture is how much it may vary within a refresh period beyond that, as with a load
// that repeats nearly in step with the ticks.
// idle says that nothing runs in the pauses of a window, and between windows; otherwise
// something may, in some of them more than in others.
type noise struct {
	on, off, texture float64
	idle             bool
	logPrior         float64
}

// loud is the noise from which on it is the largest.
const loud = 0.1

// weighted is a value with its prior probability.
type weighted struct{ value, prior float64 }

var (
	onNoise       = []weighted{{0.015, 0.45}, {0.045, 0.30}, {0.25, 0.25}}
	offNoise      = []weighted{{0.03, 0.7}, {0.2, 0.3}}
	briefOnNoise  = []weighted{{0.02, 0.6}, {0.2, 0.4}}
	briefOffNoise = []weighted{{0.05, 1}}
	textures      = [3]float64{0, 0.6, 1.5}
)

// idlePrior is the probability that nothing runs in pauses.
const idlePrior = 0.4

// texturePrior is the probability of each texture for a noise: load that is rough at
// one scale is likely to be rough at another.
func texturePrior(noise float64) [3]float64 {
	switch {
	case noise < 0.05:
		return [3]float64{0.98, 0.013, 0.007}
	case noise < 0.1:
		return [3]float64{0.5, 0.3, 0.2}
	}
	return [3]float64{0.2, 0.4, 0.4}
}

// noises returns all hypotheses of the noise.
func (m *model) noises() (all []noise) {
	ons, offs := onNoise, offNoise
	if m.brief {
		ons, offs = briefOnNoise, briefOffNoise
	}
	for _, on := range ons {
		for _, off := range offs {
			for i, p := range texturePrior(max(on.value, off.value)) {
				n := noise{on: on.value, off: off.value, texture: textures[i], logPrior: math.Log(on.prior * off.prior * p)}
				if m.local[pause] >= 0 && i == 0 && off == offs[0] {
					quiet := n
					quiet.idle = true
					quiet.logPrior += math.Log(idlePrior)
					n.logPrior += math.Log(1 - idlePrior)
					all = append(all, quiet)
				}
				all = append(all, n)
			}
		}
	}
	return all
}
