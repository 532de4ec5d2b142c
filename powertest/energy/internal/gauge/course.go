package gauge

import (
	"slices"
	"sort"
)

// node is a refresh on the course of the readings, with the energy up to it.
type node struct {
	at, watts float64
	joules    float64
	// Each change may have come at any time between two refreshes: spread is the variance
	// of that in J², and late that of changes whose refreshes are not seen exactly, times
	// the square of how well they are, in J² s².
	spread, late float64
}

// course is refreshes joined by straight lines.
type course []node

// rowOf is how many refreshes to the same value in a row are nodes of their own.
const rowOf = 6

// course returns that of the samples from one time to another, in place of another.
func (l timeline) course(from, to float64, list course) course {
	first, last := l.near(from, to)
	list = slices.Grow(list[:0], (last-first)*5/4+16)
	for i := first; i < last; i++ {
		watts := l.series.samples[i].Watts
		begin, within := l.first(i)
		list = list.add(begin, watts, within)
		end, _ := l.last(i, begin)
		if end <= begin {
			continue
		}
		n := min(l.times(i, end-begin), rowOf)
		for k := 1.0; k <= n; k++ {
			list = list.add(begin+k*(end-begin)/n, watts, 0)
		}
	}
	return list
}

// add adds a refresh at a time that is known to ± within.
func (c course) add(at, watts, within float64) course {
	x := node{at: at, watts: watts}
	if n := len(c); n > 0 {
		before := c[n-1]
		took := at - before.at
		moved := sq(took*(watts-before.watts)) / 12
		x.joules = before.joules + (before.watts+watts)/2*took
		x.spread, x.late = before.spread+moved, before.late+moved*sq(within)
	}
	return append(c, x)
}

// at returns the course at a time. Before its begin and after its end the power is what it is
// there.
func (c course) at(t float64) node {
	i := sort.Search(len(c), func(k int) bool { return c[k].at > t })
	if i == 0 {
		x := c[0]
		return node{at: t, watts: x.watts, joules: x.watts * (t - x.at)}
	}
	x := c[i-1]
	took, watts := t-x.at, x.watts
	if i < len(c) {
		next := c[i]
		share := took / (next.at - x.at)
		watts += (next.watts - x.watts) * share
		x.spread += (next.spread - x.spread) * share
		x.late += (next.late - x.late) * share
	}
	x.joules += (x.watts + watts) / 2 * took
	x.at, x.watts = t, watts
	return x
}

// integral returns the joules from one time to another.
func (c course) integral(from, to float64) float64 { return c.at(to).joules - c.at(from).joules }

// variance returns that of an integral by a kernel which sees a share of the time.
func (c course) variance(from, to, width, share float64) float64 {
	a, b := c.at(from), c.at(to)
	spread, late := b.spread-a.spread, b.late-a.late
	return min(max(late/sq(width), spread*sq(1-share)), spread)
}
