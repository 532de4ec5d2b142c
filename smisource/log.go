package smisource

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

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

// log is what was read of a log.
type log struct {
	wall   wall
	offset int64 // is added to all stamps, ns
	gap    int64

	head   *header
	main   *header // the first that is usable
	unit   string  // of its values, and so of all: W or J
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
	seams   [][2]int64
	unnamed unnamed
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

// line takes in a line without its end. complete says that it has one: if not,
// it is taken only if what is needed of it is all there, which line reports.
func (l *log) line(b []byte, complete bool) bool {
	if complete {
		l.lines++
	}
	if text := bytes.TrimSpace(b); len(text) == 0 || bytes.HasPrefix(bytes.TrimLeft(text, "'"), []byte("CTRL")) {
		return complete // blank, or what amd-smi prints before it begins
	}
	if l.head == nil {
		if complete {
			l.header(b)
		}
		return complete
	}
	if bytes.Equal(b, l.head.line) {
		return complete
	}
	if !l.head.usable {
		if complete {
			l.restarted(b)
		}
		return complete
	}
	row, whole := cells(l.cells, b, l.head.separator)
	l.cells = row
	if !complete {
		if !whole || !l.head.certain(row) {
			return false
		}
		l.lines++
	}
	l.row(b, row, whole && fits(row, l.head))
	return true
}

// headerWithin is among how many lines the header must be.
const headerWithin = 1000

// header takes a line for the header of the log, if it is one.
func (l *log) header(b []byte) {
	if l.lines > headerWithin {
		return
	}
	h, known := parseHeader(b)
	if known > 0 {
		l.adopt(h)
	} else if l.first == nil {
		l.first = bytes.Clone(b[:min(len(b), 200)])
	}
}

// adopt makes h the header of the rows that follow. That of a file which replaces
// another is of no use if it has not the same quantity.
func (l *log) adopt(h *header) {
	if h.usable && l.main == nil {
		l.main, l.unit = h, h.unit()
	}
	h.usable = h.usable && h.unit() == l.unit
	l.head = h
	for _, g := range l.gpus {
		g.value = nil
	}
}

// restarted reports whether a line is the header of a recording that was started
// anew. One with another quantity counts, too: its rows are of that quantity.
func (l *log) restarted(b []byte) bool {
	for _, part := range []string{"ime", "IME", "ate", "ATE"} { // of the names of time stamps
		if !bytes.Contains(b, []byte(part)) {
			continue
		}
		if h, known := parseHeader(b); h.stamp >= 0 && known > 1 {
			l.adopt(h)
			return true
		}
	}
	return false
}

// row takes in the cells of a line.
func (l *log) row(b []byte, row [][]byte, fits bool) {
	at, ok := l.time(row)
	if !ok {
		if l.restarted(b) {
			return
		}
		l.fault(l.known(row), badStamp, cell(row, l.head.stamp))
		return
	}
	if l.cut {
		l.drop(at)
	}
	l.settle(at)
	l.stamp, l.stamped = at, true
	if l.head.id() < 0 {
		if !l.unnamed.see(at, l.lines, cell(row, l.head.name)) {
			l.fault(every, badIdentity, b)
			return
		}
	} else if _, named := l.head.key(row); !named {
		l.fault(every, badIdentity, cell(row, l.head.id()))
		return
	}
	if !fits {
		l.fault(l.known(row), badValue, b)
		return
	}
	i := l.gpu(row)
	g := l.gpus[i]
	v, ok := g.read(row, l.head)
	if !ok {
		l.fault(i, badValue, cell(row, l.head.values[0].at))
		return
	}
	g.add(sample{at, v})
}

// known returns the number of the GPU that a row which cannot be used is of, if
// that is known, or every. It does not make a GPU of what may be half a name.
func (l *log) known(row [][]byte) int {
	h := l.head
	if key, ok := h.key(row); ok && len(row)-1 > max(h.uuid, h.index, h.serial, h.pci) {
		if i, known := l.byKey[string(key)]; known {
			return i
		}
	}
	return every
}

// gpu returns the number of the GPU that a row is of, which says so.
func (l *log) gpu(row [][]byte) int {
	key, _ := l.head.key(row) // none where no column names GPUs: there is one
	// The GPUs follow each other in the same order, again and again.
	if n := l.recent + 1; n < len(l.gpus) && l.gpus[n].key() == string(key) {
		l.recent = n
		return n
	}
	i, known := l.byKey[string(key)]
	if !known {
		i = len(l.gpus)
		l.byKey[string(key)] = i
		l.gpus = append(l.gpus, l.head.newGPU(row, string(key), i))
	}
	l.recent = i
	if i == len(l.gpus)-1 {
		l.recent = -1
	}
	return i
}

// longestQuote is how much of a cell is quoted.
const longestQuote = 60

// fault records a row, and quotes the first cell that is wrong in this way. A row of
// an unknown time lies between the stamps around it in the file.
func (l *log) fault(gpu int, reason uint8, cell []byte) {
	if l.quotes[reason] == "" {
		l.quotes[reason] = strconv.Quote(string(cell[:min(len(cell), longestQuote)]))
	}
	f := fault{from: l.stamp, to: l.stamp, line: l.lines, gpu: int32(gpu), reason: reason}
	if reason != badStamp {
		l.faults = append(l.faults, f)
		l.open = len(l.faults)
		return
	}
	if f.to = math.MaxInt64; !l.stamped {
		f.from = math.MinInt64
	}
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

// drop removes what a file that replaces the one before repeats, from the time of
// its first row on.
func (l *log) drop(from int64) {
	l.cut = false
	if l.stamp < from {
		l.seams = append(l.seams, [2]int64{l.stamp, from})
	}
	for _, g := range l.gpus {
		g.drop(from)
	}
	l.faults = slices.DeleteFunc(l.faults, func(f fault) bool { return f.from >= from })
	l.open = len(l.faults)
}
