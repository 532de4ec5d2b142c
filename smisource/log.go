package smisource

import (
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// sample is a power or an energy at a time, in ns since 1970.
type sample struct {
	at    int64
	value float64
}

// gpu is what a log tells of a GPU.
type gpu struct {
	id   string // as people count it
	uuid string // as the log has it; empty if it has none
	pci  string
	name string
	// limit is the power limit in watts; 0 if unknown.
	limit float64
	index int
	// value is the column that it is read by; nil as long as it had no value.
	// first is that of its first.
	value, first *column
	// samples are in the order of the file. Each run of them, which begins at
	// an element of runs, is in order of time.
	samples []sample
	runs    []int
}

// every is the GPU of a fault that concerns all, or any.
const every = -1

// fault is a row that cannot be used: it was written between two times.
type fault struct {
	from, to int64
	line     int64
	gpu      int32
	reason   uint8 // of faultReasons
}

const (
	badStamp = iota
	badValue
	badIdentity
)

var faultReasons = [...]energy.Reason{InvalidTimestampSample, energy.InvalidPowerSample, GPUIdentityMissing}

// log is the contents of a log.
type log struct {
	wall   wall
	offset int64 // is added to all stamps, ns
	gap    int64

	head   *header
	main   *header // the first that is usable
	unit   string  // of its values, and so of all
	first  []byte  // the first line that is not a header, for a message
	lines  int64
	cells  [][]byte
	gpus   []*gpu
	byKey  map[string]int
	recent int // the GPU of the last row
	faults []fault
	quotes [len(faultReasons)]string // the first cell of each reason
	open   int                       // faults from here on wait for the time stamp that follows
	// stamp is the newest row's.
	stamp   int64
	stamped bool
	// cut says that the rows that come are of a file that replaces the one
	// before: what they repeat is dropped.
	cut bool
	// seams are where one file follows another, as the times on either side.
	seams [][2]int64
	// finer says that a time stamp had a fraction of a second.
	finer bool
}

func newLog(place *time.Location, offset, gap time.Duration) *log {
	return &log{wall: wall{place: place}, offset: int64(offset), gap: int64(gap), byKey: map[string]int{}}
}

// reopen prepares for a file that replaces the one before.
func (l *log) reopen() {
	l.cut, l.head, l.lines, l.first = l.stamped, nil, 0, nil
	l.settle(math.MaxInt64)
}

// settle ends the faults whose times had no end yet.
func (l *log) settle(at int64) {
	for i := l.open; i < len(l.faults); i++ {
		f := &l.faults[i]
		f.from, f.to = min(f.from, at), max(f.from, at)
	}
	l.open = len(l.faults)
}

// row takes in the cells of a line.
func (l *log) row(b []byte, row [][]byte, fits bool) {
	at, ok := l.time(row)
	if !ok {
		if l.again(b) {
			return
		}
		l.quote(badStamp, cell(row, l.head.stamp))
		l.fault(l.known(row), badStamp, math.MinInt64, 0)
		return
	}
	if l.cut {
		l.drop(at)
	}
	l.settle(at)
	l.stamp, l.stamped = at, true
	if _, named := l.head.key(row); !named {
		l.quote(badIdentity, cell(row, l.head.id()))
		l.fault(every, badIdentity, at, at)
		return
	}
	if !fits {
		l.quote(badValue, b)
		l.fault(l.known(row), badValue, at, at)
		return
	}
	i := l.gpu(row)
	g := l.gpus[i]
	v, ok := g.read(row, l.head)
	if !ok {
		l.quote(badValue, cell(row, l.head.values[0].at))
		l.fault(i, badValue, at, at)
		return
	}
	if n := len(g.samples); n == 0 || at < g.samples[n-1].at {
		g.runs = append(g.runs, n)
	}
	g.samples = append(g.samples, sample{at, v})
}

// fault remembers a row. One of an unknown time lies between the stamps around
// it in the file.
func (l *log) fault(gpu int, reason uint8, from, to int64) {
	f := fault{from: from, to: to, line: l.lines, gpu: int32(gpu), reason: reason}
	if reason != badStamp {
		l.faults = append(l.faults, f)
		l.open = len(l.faults)
		return
	}
	if l.stamped {
		f.from = l.stamp
	}
	f.to = math.MaxInt64
	l.faults = append(l.faults, f)
}

// time returns the time of a row.
func (l *log) time(row [][]byte) (at int64, ok bool) {
	if l.head.stamp >= len(row) {
		return 0, false
	}
	s, ok := parseStamp(row[l.head.stamp])
	if !ok {
		return 0, false
	}
	if s.naive {
		earliest := int64(math.MinInt64)
		if l.stamped {
			earliest = (l.stamp - l.offset - l.gap) / 1e9
		}
		if s.sec, ok = l.wall.instant(s.sec, earliest); !ok {
			return 0, false
		}
	}
	l.finer = l.finer || !s.whole
	return s.sec*1e9 + s.nanos + l.offset, true
}

// read returns the value of a row. The best column that ever had one is the
// GPU's: columns are not mixed.
func (g *gpu) read(row [][]byte, h *header) (float64, bool) {
	if g.value == nil {
		for i := range h.values {
			c := &h.values[i]
			if c.at >= len(row) {
				continue
			}
			if v, ok := c.quantity(row[c.at]); ok {
				g.value = c
				if g.first == nil {
					g.first = c
				}
				return v, true
			}
		}
		return 0, false
	}
	if g.value.at >= len(row) {
		return 0, false
	}
	return g.value.quantity(row[g.value.at])
}

// drop forgets what a file that replaces the one before tells again, from the
// time of its first row on.
func (l *log) drop(from int64) {
	l.cut = false
	if l.stamp < from {
		l.seams = append(l.seams, [2]int64{l.stamp, from})
	}
	for _, g := range l.gpus {
		g.value = nil
		kept := g.samples[:0]
		g.runs = g.runs[:0]
		for _, s := range g.samples {
			if s.at >= from {
				continue
			}
			if n := len(kept); n == 0 || s.at < kept[n-1].at {
				g.runs = append(g.runs, n)
			}
			kept = append(kept, s)
		}
		g.samples = kept
	}
	l.faults = slices.DeleteFunc(l.faults, func(f fault) bool { return f.from >= from })
	l.open = len(l.faults)
}
