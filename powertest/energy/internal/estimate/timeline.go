package estimate

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// timeline is time divided by all edges that are known: into parts in which the same is
// open. Times are in seconds.
type timeline struct {
	parts  []part
	labels []label
	index  map[string]int // of labels, by what is open
	// from and till are where the first target begins and ends.
	from, till float64
}

// part is a stretch of time between two edges. mix is what is open in it: of merged
// spans, where some of the time nothing or less is, how much of the time what is.
type part struct {
	start, end float64
	mix        []dose
}

type dose struct {
	label int
	share float64
}

// mixed reports whether the part is one of merged spans, without edges that are known.
func (p *part) mixed() bool { return len(p.mix) > 1 }

// label is what is open at a time: parts of the same label are of the same power.
type label struct {
	open   []bool // by target
	phased bool   // a target other than the first is open
	apart  bool   // nothing is known of what runs
}

// The labels of times in which no target is open: before the first edge, after the
// last, in other windows, and in pauses between.
const (
	before = iota
	after
	other
	pause
	fixedLabels
)

// leastStretch is the shortest time between edges, in seconds: a phase that begins when
// another ends does so some microseconds later.
const leastStretch = 2e-4

// edge is a moment at which a target, another window, or what is apart begins or ends.
type edge struct {
	at     float64
	target int // -1 for other windows, and below for what is apart: -2 less its label
	open   bool
	share  float64 // of the time that counts from here on
}

// newTimeline divides time by the targets, by the other windows, and by what is apart from both.
func newTimeline(targets [][]Span, others, apart []Span) *timeline {
	root := targets[0]
	tl := &timeline{
		labels: make([]label, fixedLabels),
		index:  map[string]int{},
		from:   float64(root[0].Start) / second,
		till:   float64(root[len(root)-1].End) / second,
	}
	for i := range tl.labels {
		tl.labels[i].open = make([]bool, len(targets))
	}
	tl.divide(tl.edges(targets, others, apart), len(targets))
	return tl
}

// edges returns the edges in order of time. What is apart has labels of its own.
func (tl *timeline) edges(targets [][]Span, others, apart []Span) (es []edge) {
	add := func(a, b float64, target int, share float64) {
		if a < b {
			es = append(es, edge{a, target, true, share}, edge{b, target, false, 0})
		}
	}
	for i, spans := range targets {
		for _, s := range spans {
			share := 1.0
			if !s.counts() {
				share = float64(s.On) / float64(s.End-s.Start)
			}
			add(max(float64(s.Start)/second, tl.from), min(float64(s.End)/second, tl.till), i, share)
		}
	}
	outside := func(s Span, target int) {
		// What overlaps says nothing that this window does not.
		switch a, b := float64(s.Start)/second, float64(s.End)/second; {
		case a < tl.from:
			add(a, min(b, tl.from), target, 1)
		case b > tl.till:
			add(max(a, tl.till), b, target, 1)
		}
	}
	for _, s := range others {
		outside(s, -1)
	}
	for _, s := range apart {
		outside(s, -2-len(tl.labels))
		tl.labels = append(tl.labels, label{open: make([]bool, len(targets)), apart: true})
	}
	slices.SortStableFunc(es, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	return es
}

// divide makes the parts between edges. Between an edge and the next there is none if it
// would be a sliver between two that differ.
func (tl *timeline) divide(es []edge, targets int) {
	open := make([]float64, targets) // share of the time in which each is open
	others, apart := 0, 0
	states := make([][]dose, len(es)) // after each edge
	for i, e := range es {
		switch {
		case e.target >= 0:
			open[e.target] = e.share
		case e.target < -1 && e.open:
			apart = -2 - e.target
		case e.target < -1:
			apart = 0
		case e.open:
			others++
		default:
			others--
		}
		switch {
		case apart > 0:
			states[i] = []dose{{apart, 1}}
		case others > 0:
			states[i] = []dose{{other, 1}}
		case i+1 < len(es):
			states[i] = tl.mix(open)
		default:
			states[i] = []dose{{after, 1}}
		}
	}
	current := part{start: math.Inf(-1), mix: []dose{{before, 1}}}
	slivers := math.Inf(-1) // where those before this edge begin
	for i, e := range es {
		if e.at-slivers >= leastStretch {
			slivers = e.at
		}
		sliver := i+1 < len(es) && es[i+1].at-slivers < leastStretch && (es[i+1].at == e.at || !slices.Equal(states[i+1], current.mix))
		if sliver || slices.Equal(states[i], current.mix) {
			continue
		}
		current.end = e.at
		tl.parts = append(tl.parts, current)
		current = part{start: e.at, mix: states[i]}
	}
	current.end = math.Inf(1)
	tl.parts = append(tl.parts, current)
}

// mix returns what is open where targets are open for shares of the time. Those that are
// open for less are so within the time of those that are open for more: pauses stop all.
func (tl *timeline) mix(open []float64) (mix []dose) {
	shares := []float64{1}
	for _, s := range open {
		if s > 0 && s < 1 {
			shares = append(shares, s)
		}
	}
	slices.Sort(shares)
	shares = slices.Compact(shares)
	last := 0.0
	for _, s := range shares {
		mix = append(mix, dose{tl.label(open, s), s - last})
		last = s
	}
	return mix
}

// label returns the label of targets that are open for at least a share of the time.
func (tl *timeline) label(open []float64, least float64) int {
	key := make([]byte, len(open))
	l := label{open: make([]bool, len(open))}
	any := false
	for i, s := range open {
		if s >= least {
			key[i], l.open[i], any = 1, true, true
			l.phased = l.phased || i > 0
		}
	}
	if !any {
		return pause
	}
	n, ok := tl.index[string(key)]
	if !ok {
		n = len(tl.labels)
		tl.index[string(key)] = n
		tl.labels = append(tl.labels, l)
	}
	return n
}

// at returns the index of the part that t lies in.
func (tl *timeline) at(t float64) int {
	return max(sort.Search(len(tl.parts), func(i int) bool { return tl.parts[i].end > t }), 0)
}

// plain reports whether the first target is one stretch of time without edges inside.
func (tl *timeline) plain() bool {
	i := tl.at(tl.from + leastStretch)
	return tl.parts[i].end >= tl.till-leastStretch && !tl.parts[i].mixed()
}

// covers reports whether a target is open in some, and in all, of the time from a to b.
func (tl *timeline) covers(target int, a, b float64) (some, all bool) {
	all = true
	for _, p := range tl.parts[tl.at(a):] {
		if p.start >= b {
			break
		}
		for _, d := range p.mix {
			open := tl.labels[d.label].open[target]
			some, all = some || open, all && open
		}
	}
	return some, some && all
}
