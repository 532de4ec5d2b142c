package estimate

import "math"

// timedTick is a tick whose time has been narrowed down: the counter showed joules
// from time t on, known to a standard deviation of sd. Times are in seconds.
type timedTick struct{ t, sd, joules float64 }

// straight is how many ticks lie on one line for sure.
const straight = 32

// timeTicks narrows down the times of ticks, in runs that are short enough to lie on
// lines.
func (in *Input) timeTicks(ticks []Tick) []timedTick {
	out := make([]timedTick, 0, len(ticks))
	for len(ticks) > 0 {
		n := min(straight, len(ticks))
		if rest := len(ticks) - n; rest < straight/4 {
			n = len(ticks)
		}
		out = in.timeRun(out, ticks[:n])
		ticks = ticks[n:]
	}
	return out
}

// timeRun appends the narrowed ticks of a run: each was seen to lie between two
// reads, and all of them lie near a line, tick number against time.
func (in *Input) timeRun(out []timedTick, ticks []Tick) []timedTick {
	line, ok := fit(in.Period, ticks)
	ok = ok && !in.Recorded
	begin, taken, doubled := len(out), math.Inf(-1), line.doubled(ticks)
	for i, t := range ticks {
		lo, hi := float64(t.Lo), float64(t.Hi)
		until := hi // the value stayed visible
		if i+1 < len(ticks) && ticks[i+1].Epoch == t.Epoch {
			until = max(hi, float64(ticks[i+1].Lo))
		}
		// The value that was read last was set within one period before.
		lo = max(lo, hi-1.25*line.period-line.jitter)
		k := timedTick{t: (lo + hi) / 2, sd: (hi - lo) / math.Sqrt(12), joules: t.Joules}
		if ok {
			k.t, k.sd, taken = line.place(lo, hi, until, taken, doubled)
		}
		k.t, k.sd = (k.t-in.Behind/2)/second, math.Hypot(k.sd, in.Behind/math.Sqrt(12))/second
		if n := len(out); n > begin && k.t <= out[n-1].t {
			// Contradicts its neighbour: keep the later value, which holds
			// the energy of both.
			out[n-1].joules = k.joules
			continue
		}
		out = append(out, k)
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
	// n is how many ticks it goes through, and chi2 the sum of the squares of their errors
	// in units of their variance. more is by what share the variance of the jitter is larger
	// than was believed, as far as errors are of the jitter (a step of expectation maximisation).
	n, chi2, more float64
}

// onLine is a tick that was seen closely: its number from the first, and between when and
// when it was, from the middle of that. t is a time that stands for both, with its variance.
type onLine struct{ k, lo, hi, t, v float64 }

// fit puts a weighted least-squares line through the ticks that were seen
// closely. ok is false if there is no period to go by, or the ticks do not lie
// on a line.
func fit(p Period, ticks []Tick) (l line, ok bool) {
	l = line{period: p.Seen, jitter: math.Sqrt(max(p.JitterVariance, 0))}
	if !p.Known || !(p.Variance >= 0) {
		return l, false
	}
	l, ok = l.through(p, ticks)
	if ok && l.n > 2 {
		if l.chi2 > 9*l.n {
			return l, false
		}
		// Ticks that scatter more than was believed make the line as uncertain.
		f := max(1, l.chi2/(l.n-2))
		l.jitter *= math.Sqrt(f)
		l.vPhase, l.vSlope = l.vPhase*f, l.vSlope*f
	}
	return l, ok
}

// sharpened is how often a line is drawn: reads that were placed about the time at which a
// tick was expected say less of it than their middle. Newton's method takes few steps.
const sharpened = 3

// through returns the line through ticks whose period and jitter are about those of l.
func (l line) through(p Period, ticks []Tick) (drawn line, ok bool) {
	var buf [64]onLine
	used, origin := number(buf[:0], l, ticks)
	if len(used) == 0 {
		return l, false
	}
	for i := range sharpened {
		if i > 0 {
			l.sharpen(used, origin)
		}
		if l, ok = l.least(p, used, origin); !ok {
			break
		}
	}
	return l, ok
}

// least returns the line of the least squares.
func (l line) least(p Period, used []onLine, origin float64) (drawn line, ok bool) {
	var sw, swk, swt, swkk, swkt float64
	for _, o := range used {
		sw, swk, swt = sw+1/o.v, swk+o.k/o.v, swt+o.t/o.v
		swkk, swkt = swkk+o.k*o.k/o.v, swkt+o.k*o.t/o.v
	}
	l.kMean = swk / sw
	// A prior on the period, from all that was seen before.
	prior := 1 / (p.Variance + sq(p.Seen*1e-4))
	det := swkk - sw*sq(l.kMean) + prior
	slope := (swkt - swk*swt/sw + prior*p.Seen) / det
	if !(det > 0 && slope > 0) || math.IsInf(det, 0) {
		return l, false // no variance that is possible, or a line through ticks that go backwards
	}
	l.period = slope
	tMean := swt / sw
	l.phase = origin + tMean - l.kMean*l.period
	l.vPhase, l.vSlope = 1/sw, 1/det
	l.n, l.chi2, l.more = float64(len(used)), 0, 0
	for _, o := range used {
		off := sq(o.t-tMean-(o.k-l.kMean)*l.period) / o.v
		l.chi2 += off
		l.more += sq(l.jitter) / o.v * (off/(1-2/l.n) - 1) / l.n
	}
	return l, true
}

// sharpen sets the times that stand for ticks to those that have the same likelihood about
// the line, to second order: that of a normal distribution cut off between two reads. Where
// these are so far apart that ticks just lie between them it has no second order.
func (l line) sharpen(used []onLine, origin float64) {
	const apart = 4
	s := sq(l.jitter)
	for i := range used {
		o := &used[i]
		if o.hi-o.lo >= apart*l.jitter {
			continue
		}
		at := l.phase - origin + o.k*l.period
		m, v, _ := truncated(at, l.jitter, o.lo, o.hi)
		told := 1 - v/s // the share of what the time itself would tell
		o.t, o.v = at+(m-at)/told, s/told
	}
}

// number numbers the ticks that were seen closely, as many as there is room for. It
// returns the time of the first.
func number(used []onLine, l line, ticks []Tick) (numbered []onLine, origin float64) {
	k, prev := 0.0, 0.0
	for _, t := range ticks {
		w := float64(t.Hi - t.Lo)
		if w > l.period/2 || t.Inferred || len(used) == cap(used) {
			continue
		}
		if len(used) == 0 {
			origin = t.Mid()
		} else {
			k += math.Round((t.Mid() - prev) / l.period)
		}
		prev = t.Mid()
		mid := t.Mid() - origin
		used = append(used, onLine{k, mid - w/2, mid + w/2, mid, sq(w)/12 + sq(l.jitter)})
	}
	return used, origin
}

// missed is the probability that a counter misses a tick.
const missed = 0.02

// doubled returns the probability that a counter shows two new values where one is due, by
// how often it did. Most never do.
func (l line) doubled(ticks []Tick) float64 {
	const single, of = 0.05, 50 // before any tick is seen
	n := 0.0
	for i := 1; i < len(ticks); i++ {
		if float64(ticks[i].Hi-ticks[i-1].Hi) < l.period/2 {
			n++
		}
	}
	return (single + n) / (of + float64(len(ticks)))
}

// place returns the mean and standard deviation of the time of the tick that
// set the value that was new between lo and hi, and visible until until, and the number of
// that tick on the line. Up to the number taken, ticks set the values before.
func (l line) place(lo, hi, until, taken, doubled float64) (t, sd, number float64) {
	// The visible value is that of the last tick before it was read. Where the
	// read was so close to a tick that it might be either, both count.
	k := math.Floor((hi - l.phase) / l.period)
	var w, mean, moment, most float64
	number = k
	for i := -1.0; i <= 1; i++ {
		at := l.phase + (k+i)*l.period
		s := math.Sqrt(l.vPhase + sq(k+i-l.kMean)*l.vSlope + sq(l.jitter) + 1)
		m, v, mass := truncated(at, s, lo, hi)
		// A later tick in that time would have hidden this one.
		mass *= 1 - (1-missed)*normCDF((until-at-l.period)/s)
		if k+i <= taken {
			mass *= doubled
		}
		if mass > most {
			most, number = mass, k+i
		}
		w, mean, moment = w+mass, mean+mass*m, moment+mass*(v+m*m-2*m*lo+lo*lo)
	}
	if !(w >= 1e-9) || math.IsInf(w, 0) {
		return (lo + hi) / 2, (hi - lo) / math.Sqrt(12), math.Inf(-1)
	}
	mean /= w
	return mean, math.Sqrt(max(moment/w-sq(mean-lo), 0)), number
}
