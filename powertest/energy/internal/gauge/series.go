// Package gauge integrates the readings of a power gauge: what is known of the sensor
// and its readings go in, joules with an interval come out. A [Series] collects
// readings; [Integrate] and [CrossCheck] are pure functions of it.
package gauge

import (
	"math"
	"slices"
	"sort"
)

// Sensor is what is known of a gauge. Times are in ns.
type Sensor struct {
	// Held reports whether the gauge shows the value of its last refresh, which may
	// be up to a Period old, until the next.
	Held   bool
	Period int64
	// Lag is how old a value is when it is read.
	Lag int64
	// Late is by how much all readings can be late, or early, by the same: as
	// those that a log stamps with whole seconds.
	Late int64
}

// Sample is the power at a time, in ns since a moment of the caller's choosing.
type Sample struct {
	At    int64
	Watts float64
	// Gap is the longest time between two readings since the sample before.
	Gap int64
	// joules is the energy since the first sample, and variance of it what the
	// trapezoids leave unknown.
	joules, variance float64
}

// Series is the readings of a gauge, with the energy up to each by trapezoids. It is
// bounded: old samples are thinned out, which keeps the energy between those that
// stay, and the longest gap.
type Series struct {
	Sensor Sensor
	// Limit is how many samples are kept.
	Limit int
	// Seen is when the newest value was last read.
	Seen    int64
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
	at -= s.Sensor.Lag
	read, n := at, len(s.samples)
	if n == 0 {
		s.Restore(at, watts, 0)
		s.Seen = read
		return
	}
	if s.Sensor.Held {
		if watts == s.samples[n-1].Watts {
			s.Seen = read
			return
		}
		// It was refreshed between the readings. Until one period before
		// that, it was still what it had been.
		at = s.Seen + (read-s.Seen)/2
		still := at - s.Sensor.Period
		if read-s.Seen > s.Sensor.Period {
			// More than once, then, and the power changed at any time.
			still, at = s.Seen, read
		}
		if still > s.samples[n-1].At && still < at {
			s.Restore(still, s.samples[n-1].Watts, 0)
		}
	}
	s.Restore(at, watts, read-s.Seen)
	s.Seen = read
}

// Restore appends a sample as it was in another series: unless it is later than the
// last it is dropped.
func (s *Series) Restore(at int64, watts float64, gap int64) {
	if len(s.samples) == 0 {
		s.samples = append(s.samples, Sample{At: at, Watts: watts})
		return
	}
	last := s.samples[len(s.samples)-1]
	if at <= last.At {
		return
	}
	if len(s.samples) >= s.Limit {
		s.thin()
		last = s.samples[len(s.samples)-1]
	}
	if n := len(s.samples); n == cap(s.samples) && n >= growth {
		// Twice as many, and never more than there can be: less garbage.
		s.samples = slices.Grow(s.samples, min(n, s.Limit-n))
	}
	j, v := area(last, Sample{At: at, Watts: watts}, last.At, at)
	s.samples = append(s.samples, Sample{At: at, Watts: watts, joules: last.joules + j, variance: last.variance + v, Gap: gap})
}

// thin drops every other sample but the oldest and newest quarter.
func (s *Series) thin() {
	keep := len(s.samples) / 4
	n := keep
	for i := keep; i < len(s.samples)-keep; i++ {
		if (i-keep)%2 == 0 {
			s.samples[i+1].Gap = max(s.samples[i+1].Gap, s.samples[i].Gap)
			continue
		}
		s.samples[n] = s.samples[i]
		n++
	}
	n += copy(s.samples[n:], s.samples[len(s.samples)-keep:])
	s.samples = s.samples[:n]
}

// Forget drops what was read before t, but for the newest keep samples before it, once
// that is most of it: so that the copying is amortised.
func (s *Series) Forget(t int64, keep int) {
	t -= s.Sensor.Lag
	i := sort.Search(len(s.samples), func(k int) bool { return s.samples[k].At >= t }) - keep
	if i > len(s.samples)/2 {
		s.samples = append(s.samples[:0], s.samples[i:]...)
	}
}

// Since returns a copy of what was read since t, and of keep samples before it.
func (s *Series) Since(t int64, keep int) Series {
	c := *s
	c.samples = slices.Clone(s.samples[max(s.before(t-s.Sensor.Lag)-keep, 0):])
	return c
}

// Known returns until when the power is known.
func (s *Series) Known() int64 {
	if n := len(s.samples); n == 0 {
		return math.MinInt64
	} else if s.Sensor.Held {
		return max(s.samples[n-1].At, s.Seen-s.Sensor.Period)
	} else {
		return s.samples[n-1].At
	}
}

// before returns the index of the last sample not after t.
func (s *Series) before(t int64) int {
	return max(sort.Search(len(s.samples), func(k int) bool { return s.samples[k].At > t })-1, 0)
}

// area returns the joules from u to v, between the samples a and b, and their
// variance. Between two samples the power may have changed at any time from the
// one to the other; if that time is uniformly distributed, the energy has a
// standard deviation of |Δpower| Δt / √12. A part of the time may hold more or
// less than its share.
func area(a, b Sample, u, v int64) (joules, variance float64) {
	dt := float64(b.At-a.At) / second
	if dt <= 0 || v <= u {
		return 0, 0
	}
	at := func(t int64) float64 { return a.Watts + (b.Watts-a.Watts)*float64(t-a.At)/second/dt }
	t := float64(v-u) / second
	share := t / dt
	joules = (at(u) + at(v)) / 2 * t
	variance = sq((b.Watts-a.Watts)*t)/12 + 0.02*sq((a.Watts+b.Watts)/2*dt)*share*(1-share)
	return joules, variance
}
