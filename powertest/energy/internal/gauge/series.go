// Package gauge turns the readings of a power gauge into energy: what is known of the
// sensor and its readings go in, joules with an interval come out. A [Series] collects
// readings; [Integrate] and [CrossCheck] are pure functions of it.
package gauge

import (
	"math"
	"slices"
	"sort"
)

// Sample is a value of a gauge, which was read from At to Until in a row; times are in ns
// since a moment of the caller's choosing.
type Sample struct {
	At, Until int64
	Watts     float64
	// Gap is the longest time between two of these readings.
	Gap int64
}

// Series is the readings of a gauge. It is bounded: old samples are joined in pairs,
// which keeps the energy between those that stay, and the longest gap.
type Series struct {
	Sensor Sensor
	// Limit is how many samples are kept.
	Limit   int
	samples []Sample
}

// Samples returns the samples, in order; the caller does not modify them.
func (s *Series) Samples() []Sample { return s.samples }

// second is a second in ns.
const second = 1e9

func sq(x float64) float64 { return x * x }

// growth is from how many samples on a Series grows by no more than its limit.
const growth = 8192

// Reserve makes room for samples.
func (s *Series) Reserve(room int) { s.samples = slices.Grow(s.samples, room) }

// Add takes in a reading made at a time.
func (s *Series) Add(at int64, watts float64) {
	if n := len(s.samples); n > 0 {
		s.Restore(at, watts, at-s.samples[n-1].Until)
		return
	}
	s.Restore(at, watts, 0)
}

// longGap is how many times as far apart as before readings of the same value must be to
// count as two samples: so that a gap is known by where it was.
const longGap = 4

// Restore takes in a reading as it was in another series, with the longest gap since
// the one that was restored before. Unless it is later than that it is dropped.
func (s *Series) Restore(at int64, watts float64, gap int64) {
	if n := len(s.samples); n > 0 {
		last := &s.samples[n-1]
		if at <= last.Until {
			return
		}
		if watts == last.Watts && (last.Gap == 0 || gap < longGap*last.Gap) {
			last.Until, last.Gap = at, max(last.Gap, gap)
			return
		}
	}
	if len(s.samples) >= s.Limit {
		s.thin()
	}
	if n := len(s.samples); n == cap(s.samples) && n >= growth {
		// Twice as many, and never more than there can be: less garbage.
		s.samples = slices.Grow(s.samples, min(n, s.Limit-n))
	}
	s.samples = append(s.samples, Sample{At: at, Until: at, Watts: watts})
}

// thin joins every other sample with the next, but the oldest and newest quarter.
func (s *Series) thin() {
	keep := len(s.samples) / 4
	n := keep
	for i := keep; i < len(s.samples)-keep; i += 2 {
		a := s.samples[i]
		if i+2 < len(s.samples) {
			b, next := s.samples[i+1], s.samples[i+2].At
			a.Watts = (a.Watts*float64(b.At-a.At) + b.Watts*float64(next-b.At)) / float64(next-a.At)
			a.Until, a.Gap = b.Until, max(a.Gap, b.At-a.Until, b.Gap)
		}
		s.samples[n] = a
		n++
	}
	n += copy(s.samples[n:], s.samples[len(s.samples)-keep:])
	s.samples = s.samples[:n]
}

// Forget drops what was read before t, but for the newest keep samples before it, once
// that is most of it: so that the copying is amortised.
func (s *Series) Forget(t int64, keep int) {
	i := sort.Search(len(s.samples), func(k int) bool { return s.samples[k].Until >= t }) - keep
	if i > len(s.samples)/2 {
		s.samples = append(s.samples[:0], s.samples[i:]...)
	}
}

// Since returns a copy of what was read since t, and of keep samples before it.
func (s *Series) Since(t int64, keep int) Series {
	c := *s
	c.samples = slices.Clone(s.samples[max(s.before(t)-keep, 0):])
	return c
}

// Seen returns when the newest reading was made.
func (s *Series) Seen() int64 {
	if n := len(s.samples); n > 0 {
		return s.samples[n-1].Until
	}
	return math.MinInt64
}

// before returns the index of the last sample not after t.
func (s *Series) before(t int64) int {
	return max(sort.Search(len(s.samples), func(k int) bool { return s.samples[k].At > t })-1, 0)
}

// covers reports whether the samples reach over both edges.
func (s *Series) covers(start, end int64) bool {
	return len(s.samples) > 0 && s.samples[0].At <= start && s.Seen() >= end
}

// Joules returns the energy by the readings from one time to another as they are, at the
// times at which they were refreshed.
func (s *Series) Joules(from, to int64) float64 {
	l := timeline{series: s, origin: from, refresh: usualRefresh / second, jump: math.Inf(1)}
	if s.Sensor.Refresh > 0 {
		l.refresh = float64(s.Sensor.Refresh) / second
	}
	return l.course(0, l.seconds(to), nil).integral(0, l.seconds(to))
}

// longest returns the longest gap between readings from start to end.
func (s *Series) longest(start, end int64) int64 {
	longest := int64(0)
	for i := s.before(start); i < len(s.samples); i++ {
		x := s.samples[i]
		if i > 0 && x.At > start {
			longest = max(longest, x.At-s.samples[i-1].Until)
		}
		if x.Until > start && x.At < end {
			longest = max(longest, x.Gap)
		}
		if x.Until >= end {
			break
		}
	}
	return longest
}
