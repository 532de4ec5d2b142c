package energy

import (
	"math"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// knot is a tick whose time has been narrowed down: the counter showed joules
// from time t on, known to a standard deviation of sd. Times are in seconds
// since the curve's base.
type knot struct{ t, sd, joules float64 }

const second = 1e9

// knots narrows down the times of ticks: each was seen to lie between two
// reads, and all of them lie near a line, tick number against time. Ticks that
// are close together in time should be given, so that the line is straight.
func (c *Curve) knots(ticks []tick) []knot {
	line, ok := c.fit(ticks)
	ok = ok && !c.recorded
	out := make([]knot, 0, len(ticks))
	for i, t := range ticks {
		lo, hi := float64(t.lo), float64(t.hi)
		until := hi // the value stayed visible
		if i+1 < len(ticks) && ticks[i+1].epoch == t.epoch {
			until = max(hi, float64(ticks[i+1].lo))
		}
		// The value that was read last was set within one period before.
		lo = max(lo, hi-1.25*line.period-line.jitter)
		k := knot{t: (lo + hi) / 2, sd: (hi - lo) / math.Sqrt(12), joules: t.joules}
		if ok {
			k.t, k.sd = line.place(lo, hi, until)
		}
		b := float64(c.device.Behind)
		k.t, k.sd = (k.t-b/2)/second, math.Hypot(k.sd, b/math.Sqrt(12))/second
		if n := len(out); n > 0 && k.t <= out[n-1].t {
			// Contradicts its neighbour: keep the later value, which holds
			// the energy of both.
			out[n-1].joules = k.joules
			continue
		}
		out = append(out, k)
	}
	return out
}

// straight is how many ticks lie on one line for sure.
const straight = 32

// knotsNear narrows down ticks in runs that are short enough to lie on lines.
func (c *Curve) knotsNear(ticks []tick) []knot {
	out := make([]knot, 0, len(ticks))
	for len(ticks) > 0 {
		n := min(straight, len(ticks))
		if rest := len(ticks) - n; rest < straight/4 {
			n = len(ticks)
		}
		out = append(out, c.knots(ticks[:n])...)
		ticks = ticks[n:]
	}
	return out
}

// line is the time of tick k: phase + k period, give or take the jitter of a
// tick and the error of the line, in ns.
type line struct {
	phase, period  float64
	jitter         float64
	vPhase, vSlope float64 // variances at kMean
	kMean          float64
}

// fit puts a weighted least-squares line through the ticks that were seen
// closely. ok is false if there is no period to go by, or the ticks do not lie
// on a line.
func (c *Curve) fit(ticks []tick) (line, bool) {
	p := &c.pace
	l := line{period: p.Period(), jitter: math.Sqrt(p.JitterVariance())}
	if p.Phase() == pace.Hunting {
		return l, false
	}
	var k, prev float64
	var sw, swk, swt, swkk, swkt float64
	type obs struct{ k, t, v float64 }
	var obsBuf [64]obs
	used := obsBuf[:0]
	origin := 0.0
	for _, t := range ticks {
		w := float64(t.hi - t.lo)
		if w > l.period/2 || t.inferred || len(used) == cap(used) {
			continue
		}
		if len(used) == 0 {
			origin = t.mid()
		} else {
			k += math.Round((t.mid() - prev) / l.period)
		}
		prev = t.mid()
		o := obs{k, t.mid() - origin, sq(w)/12 + sq(l.jitter)}
		used = append(used, o)
		sw, swk, swt = sw+1/o.v, swk+o.k/o.v, swt+o.t/o.v
		swkk, swkt = swkk+o.k*o.k/o.v, swkt+o.k*o.t/o.v
	}
	if len(used) == 0 {
		return l, false
	}
	l.kMean = swk / sw
	// A prior on the period, from all that was seen before.
	prior := 1 / (p.PeriodVariance() + sq(p.Period()*1e-4))
	det := swkk - sw*sq(l.kMean) + prior
	l.period = (swkt - swk*swt/sw + prior*p.Period()) / det
	tMean := swt / sw
	l.phase = origin + tMean - l.kMean*l.period
	l.vPhase, l.vSlope = 1/sw, 1/det
	chi2 := 0.0
	for _, o := range used {
		chi2 += sq(o.t-tMean-(o.k-l.kMean)*l.period) / o.v
	}
	if n := float64(len(used)); n > 2 {
		if chi2 > 9*n {
			return l, false
		}
		// Ticks that scatter more than was believed make the line as uncertain.
		f := max(1, chi2/(n-2))
		l.jitter *= math.Sqrt(f)
		l.vPhase, l.vSlope = l.vPhase*f, l.vSlope*f
	}
	return l, true
}

// missed is the probability that a counter misses a tick.
const missed = 0.02

// place returns the mean and standard deviation of the time of the tick that
// set the value that was new between lo and hi, and visible until until.
func (l line) place(lo, hi, until float64) (t, sd float64) {
	// The visible value is that of the last tick before it was read. Where the
	// read was so close to a tick that it might be either, both count.
	k := math.Floor((hi - l.phase) / l.period)
	var w, mean, second float64
	for i := -1.0; i <= 1; i++ {
		at := l.phase + (k+i)*l.period
		s := math.Sqrt(l.vPhase + sq(k+i-l.kMean)*l.vSlope + sq(l.jitter) + 1)
		m, v, mass := truncated(at, s, lo, hi)
		// A later tick in that time would have hidden this one.
		mass *= 1 - (1-missed)*normCDF((until-at-l.period)/s)
		w, mean, second = w+mass, mean+mass*m, second+mass*(v+m*m-2*m*lo+lo*lo)
	}
	if w < 1e-9 {
		return (lo + hi) / 2, (hi - lo) / math.Sqrt(12)
	}
	mean /= w
	return mean, math.Sqrt(max(second/w-sq(mean-lo), 0))
}
