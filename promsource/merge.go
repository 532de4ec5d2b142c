package promsource

import (
	"cmp"
	"fmt"
	"slices"
)

// merger makes one history's readings of the series of one device: MIG
// instances, pods one after the other, replicas of the server. It is fed in
// order of time, with overlaps.
type merger struct {
	series []member
	at     int64 // of the newest value that was passed on
	headAt int64 // of the newest at the start of the window
	top    float64
	topAt  int64 // when a series last showed it
	any    bool
}

// member is what a merger remembers of a series.
type member struct {
	id          uint64
	first, last int64
	value       float64
}

// tagged is a sample with the index of its series.
type tagged struct {
	sample
	series int
}

// sink takes what a merger makes.
type sink struct {
	// value is called for every value, in order of time.
	value func(at int64, v float64)
	// fell is called before a value that is less than one from before says that
	// a counter was reset; nil if values may fall.
	fell func(from, to int64, detail string)
	// skew is by how many joules one series may lag behind another, and lag for
	// how many ms: what is lower for longer has been reset.
	skew float64
	lag  int64
}

// add takes in the samples of all series of the device in a stretch of time.
func (m *merger) add(b *batch, runs []run, to sink) {
	var all []tagged
	for _, r := range runs {
		k := m.member(r.series)
		for _, v := range b.samples[r.first:r.last] {
			if !m.any || v.At > m.at {
				all = append(all, tagged{v, k})
			}
		}
	}
	slices.SortFunc(all, func(x, y tagged) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Value, y.Value), cmp.Compare(x.series, y.series))
	})
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].At == all[0].At {
			n++
		}
		m.take(all[:n], to)
		all = all[n:]
	}
}

func (m *merger) member(id uint64) int {
	for i := range m.series {
		if m.series[i].id == id {
			return i
		}
	}
	m.series = append(m.series, member{id: id})
	return len(m.series) - 1
}

// take takes in what all series say at one time, in order of value.
func (m *merger) take(same []tagged, to sink) {
	at, value := same[0].At, same[len(same)-1].Value
	reset := false
	for _, v := range same {
		s := &m.series[v.series]
		if to.fell != nil && s.last != 0 && s.last < at && v.Value < s.value {
			to.fell(s.last, at, fmt.Sprintf("the counter went down from %.3f J to %.3f J", s.value, v.Value))
			reset = true
		}
		if s.first == 0 {
			s.first = at
		}
		s.last, s.value = at, v.Value
	}
	if to.fell != nil && m.any && value < m.top && !reset {
		if m.top-value <= to.skew && at-m.topAt <= to.lag {
			// Another series, read a little earlier than its time says.
			return
		}
		to.fell(m.at, at, fmt.Sprintf("the counter went down from %.3f J to %.3f J, from one series to another", m.top, value))
	}
	m.at, m.top, m.topAt, m.any = at, value, at, true
	if to.value != nil {
		to.value(at, value)
	}
}

// had reports whether the merger has seen a series by the time t.
func (m *merger) had(id uint64, t int64) bool {
	for i := range m.series {
		if s := &m.series[i]; s.id == id {
			return s.first != 0 && s.first <= t
		}
	}
	return false
}
