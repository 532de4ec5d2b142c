package estimate

import (
	"cmp"
	"math"
	"slices"
)

// Period is what is known of the refresh period, in ns.
type Period struct {
	// Nominal is what the source says.
	Nominal float64
	// Seen is what the ticks show, with its variance and with the variance of single
	// ticks about it. Until it is Known they are guesses.
	Seen, Variance, JitterVariance float64
	Known                          bool
	// Stride says that between edges only every Stride-th tick was looked for.
	Stride int
}

// Expected returns the refresh period as far as it is known.
func (p Period) Expected() float64 {
	if p.Known {
		return p.Seen
	}
	return max(p.Nominal, p.Seen)
}

const (
	// learnt is how many of the newest ticks show the period, in lines of some.
	learnt = 8 * straight
	// leastLearnt is how many it takes.
	leastLearnt = 8
	// believed is for how many ticks counts what was believed of the jitter before.
	believed = 4
	// crooked is by how much more than those of most the ticks of a line may scatter.
	crooked = 4
)

// Learnt returns the period as the newest ticks show it, with its variance and that of the
// jitter: what was known tells the ticks apart, and serves where there are too few. One that is
// known for certain remains.
func (p Period) Learnt(ticks []Tick) Period {
	if !p.Known || !(p.Variance > 0) || !(p.JitterVariance >= 0) {
		return p
	}
	q := p
	for range sharpened {
		next, ok := q.refined(p, ticks[max(len(ticks)-learnt, 0):])
		if !ok {
			return p
		}
		q = next
	}
	return q
}

// lines returns lines through runs of ticks, whatever was known of the period.
func (p Period) lines(ticks []Tick) []line {
	free := p
	free.Variance = sq(p.Seen / 20)
	begin := line{period: p.Seen, jitter: math.Sqrt(p.JitterVariance)}
	list := make([]line, 0, learnt/straight)
	for run := range slices.Chunk(ticks, straight) {
		if l, ok := begin.through(free, run); ok && l.n >= leastLearnt {
			list = append(list, l)
		}
	}
	return list
}

// refined returns the mean period of lines through ticks, and how these scatter about them.
func (p Period) refined(before Period, ticks []Tick) (q Period, ok bool) {
	list := p.lines(ticks)
	if len(list) == 0 {
		return p, false
	}
	slices.SortFunc(list, func(a, b line) int { return cmp.Compare(a.scatter(), b.scatter()) })
	most := crooked * list[(len(list)-1)/2].scatter()
	var n, freedom, more, sw, swd, swdd float64
	for _, l := range list {
		if l.scatter() > most {
			break
		}
		d, w := l.period-p.Seen, 1/l.vSlope
		n, freedom, more = n+1, freedom+l.n-2, more+(l.n-2)*l.more
		sw, swd, swdd = sw+w, swd+w*d, swdd+w*d*d
	}
	q = p
	q.Seen += swd / sw
	q.JitterVariance = max((believed*before.JitterVariance+(freedom+more)*p.JitterVariance)/(believed+freedom), 1)
	// It is the prior of other lines, and so how much those here differ counts.
	if q.Variance = n / sw; n > 2 {
		q.Variance *= max(1, (swdd-swd*swd/sw)/(n-1))
	} else {
		q.Variance = max(q.Variance, before.Variance)
	}
	return q, q.Seen > 0 && !math.IsNaN(q.JitterVariance) && !math.IsInf(q.Variance, 0)
}

// scatter returns by how much the ticks of a line scatter more than the jitter lets expect.
func (l line) scatter() float64 { return l.chi2 / (l.n - 2) }
