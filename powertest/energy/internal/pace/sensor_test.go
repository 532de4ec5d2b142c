package pace

import (
	"math/rand/v2"
	"time"
)

// sensor is a counter that a pace reads. Times are in ms.
type sensor struct {
	// gap draws the time from the k-th tick, which was at a time, to the next.
	gap func(rng *rand.Rand, k int, at float64) float64
	// off draws by how much a tick is off the sum of these.
	off func(rng *rand.Rand) float64
	// hides reports whether a tick at a time shows nothing new.
	hides func(rng *rand.Rand, at float64) bool
	// lazy counters look for what is new when they are read, if it is time.
	lazy bool

	rng           *rand.Rand
	k             int
	regular, next float64   // the next tick
	ticks         []float64 // that were shown
}

// shown returns how many changes there were until a time at which it is read.
func (s *sensor) shown(now float64) int {
	for s.next <= now {
		at := s.next
		if s.lazy {
			at, s.regular = now, now
		}
		if s.hides == nil || !s.hides(s.rng, at) {
			s.ticks = append(s.ticks, at)
		}
		s.k++
		s.regular += max(s.gap(s.rng, s.k, s.regular), 0.2)
		if s.next = s.regular; s.off != nil {
			s.next = max(s.regular+s.off(s.rng), at+0.2)
		}
	}
	return len(s.ticks)
}

// walking are ticks that wander: each is a period after the one before, with a standard
// deviation that is a share of it.
func walking(period, share float64) *sensor {
	return &sensor{gap: func(r *rand.Rand, _ int, _ float64) float64 { return period * max(1+share*r.NormFloat64(), 0.2) }}
}

// about are ticks that keep to a clock, but for a share of the period.
func about(period, share float64) *sensor {
	return &sensor{
		gap: func(*rand.Rand, int, float64) float64 { return period },
		off: func(r *rand.Rand) float64 { return period * share * r.NormFloat64() },
	}
}

// during has one gap in a time, and another before and after it.
func during(from, to, gap, otherwise float64) *sensor {
	return &sensor{gap: func(r *rand.Rand, _ int, at float64) float64 {
		if from <= at && at < to {
			return gap + 0.3*r.NormFloat64()
		}
		return otherwise + 0.3*r.NormFloat64()
	}}
}

// hiding shows of ticks but those that a function does not hide.
func hiding(s *sensor, hides func(rng *rand.Rand, at float64) bool) *sensor {
	s.hides = hides
	return s
}

// bracket is a change as it was seen: after lo, and not after hi.
type bracket struct{ lo, hi float64 }

func (b bracket) width() float64 { return b.hi - b.lo }

// reader reads a sensor when a pace says so, as a recorder does.
type reader struct {
	*Pace
	*sensor
	call         float64 // how long one takes
	now          float64
	began, ended float64 // of the last read
	unseen       float64
	version      int
	rng          *rand.Rand
	brackets     []bracket
	reads        []float64
	watching     []float64 // those of the reads that are made for an edge
}

// newReader returns one of a sensor of a nominal period, which is read for the first time.
func newReader(s *sensor, nominal, call float64, seed uint64) *reader {
	s.rng, s.k, s.ticks = rand.New(rand.NewPCG(seed, 77)), 0, nil
	s.regular = s.gap(s.rng, 0, 0) * s.rng.Float64()
	s.next = s.regular
	p := New(Config{Nominal: time.Duration(nominal * 1e6)})
	p.Spread(1, false)
	r := &reader{Pace: &p, sensor: s, call: call, rng: rand.New(rand.NewPCG(seed, 78)), version: -1}
	r.edge(false)
	r.Watch(2)
	r.Watch(Learning)
	return r
}

// edge is an edge of a window.
func (r *reader) edge(measured bool) { r.Edge(int64(r.now*1e6), int64(r.ended*1e6), measured) }

// until reads until a time.
func (r *reader) until(end float64) {
	for max(r.Next()/1e6, r.now) < end {
		r.read(max(r.Next()/1e6, r.now))
	}
	r.now = max(r.now, end)
}

func (r *reader) read(at float64) {
	at += 0.02 + 0.1*r.rng.Float64() // a timer is late
	took := r.call * (0.7 + 0.7*r.rng.Float64())
	version := r.shown(at + took*r.rng.Float64())
	began, ended := int64(at*1e6), int64((at+took)*1e6)
	if r.Phase() == Watching {
		r.watching = append(r.watching, at)
	}
	r.Called(began, ended)
	if r.version >= 0 && version != r.version {
		r.changed(at, at+took)
	} else {
		r.Unchanged(ended)
	}
	r.version, r.began, r.ended, r.now = version, at, at+took, at+took
	r.reads = append(r.reads, at)
}

// changed takes in a change, as a curve does.
func (r *reader) changed(began, ended float64) {
	mid := int64((began + ended) * 0.5e6)
	if r.Refutes(mid) {
		r.brackets[len(r.brackets)-1].lo = r.unseen
	}
	r.unseen = r.began
	lo := float64(r.Since(int64(r.began*1e6))) / 1e6
	r.brackets = append(r.brackets, bracket{lo: lo, hi: ended})
	r.Ticked(int64((r.began+r.ended)*0.5e6), mid, int64(ended*1e6))
}

// window is what was seen of one.
type window struct {
	before, after []float64 // widths of the last brackets before its edges, and of the first two after them
	atEdge        float64   // reads for an edge
	between       float64   // reads a second
	wrong, seen   float64   // brackets that hold no tick, and all
}

// measured measures a window of a length that begins some periods after two ticks were seen.
func measured(s *sensor, nominal, length, call float64, seed uint64) (w window) {
	r := newReader(s, nominal, call, seed)
	for len(r.brackets) < 2 && r.now < 100*nominal {
		r.until(r.now + 1)
	}
	r.until(r.now + nominal*(1+6*r.rng.Float64()))
	start := r.now
	r.edge(false) // it is opened, and then it begins
	r.edge(true)
	r.until(start + length)
	end := r.now
	r.edge(false)
	r.until(end + 5*nominal)
	w.atEdge = max(r.around(start, &w), r.around(end, &w))
	from := start + 4*nominal
	w.between = readsIn(r.reads, from, end) / (end - from) * 1000
	k := 0
	for _, b := range r.brackets {
		for k < len(s.ticks) && s.ticks[k] <= b.lo {
			k++
		}
		if w.seen++; k == len(s.ticks) || s.ticks[k] > b.hi {
			w.wrong++
		}
	}
	return w
}

// around adds the brackets around an edge, and returns the reads there.
func (r *reader) around(edge float64, w *window) float64 {
	i := 0
	for i < len(r.brackets) && r.brackets[i].hi < edge {
		i++
	}
	if i > 0 {
		w.before = append(w.before, r.brackets[i-1].width())
	}
	for _, b := range r.brackets[i:min(i+2, len(r.brackets))] {
		w.after = append(w.after, b.width())
	}
	return readsIn(r.watching, edge, edge+10*r.Nominal()/1e6)
}

// readsIn counts reads.
func readsIn(reads []float64, from, to float64) (n float64) {
	for _, at := range reads {
		if from <= at && at < to {
			n++
		}
	}
	return n
}

// many adds up windows of one kind of sensor.
func many(n uint64, make func() *sensor, nominal, length, call float64) (all window) {
	for seed := range n {
		w := measured(make(), nominal, length, call, seed)
		all.before, all.after = append(all.before, w.before...), append(all.after, w.after...)
		all.atEdge = max(all.atEdge, w.atEdge)
		all.between += w.between / float64(n)
		all.wrong, all.seen = all.wrong+w.wrong, all.seen+w.seen
	}
	return all
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}
