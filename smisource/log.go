package smisource

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"github.com/joulebench/joulebench/powertest/energy"
)

// every is the GPU of a fault that concerns all, or any.
const every = -1

// fault is a row that cannot be used: it was written between two times.
type fault struct {
	from, to int64
	line     int64
	gpu      int32
	flaw     uint8
}

// What is wrong with a row: the cause of a fault.
const (
	fine uint8 = iota
	badStamp
	noValue
	badNumber
	badRange
	overPowered
	badCells
	badIdentity
	flaws
)

// faultReasons are the codes of faults, and faultTexts what rows have, in words.
var (
	faultReasons = [flaws]energy.Reason{badStamp: InvalidTimestampSample, noValue: energy.InvalidPowerSample, badNumber: energy.InvalidPowerSample,
		badRange: energy.InvalidPowerSample, overPowered: energy.InvalidPowerSample, badCells: energy.InvalidPowerSample, badIdentity: GPUIdentityMissing}
	faultTexts = [flaws]string{badStamp: "no time stamp that is understood", noValue: "no value", badNumber: "a value that is not understood",
		badRange: "a value that is out of range", overPowered: "a power of more than 1.5 times its limit", badCells: "not as many cells as the header",
		badIdentity: "no GPU that is certain"}
)

// log is what was read of a log.
type log struct {
	given  columns
	count  int          // of GPUs that rows do not name; 0 if it is not known
	model  string       // of GPUs whose rows do not have it
	cover  map[int]bool // which GPUs are read by a mean over a second
	wall   wall
	offset int64 // is added to all stamps, ns
	gap    int64

	head   *header
	main   *header  // the first that is usable
	unit   string   // of its values, and so of all: W or J
	first  [][]byte // the first lines that are no header, for a message
	lines  int64
	cells  [][]byte
	gpus   []*gpu
	byKey  map[string]int
	recent int // the GPU of the last row
	faults []fault
	quotes [flaws]string // the first cell of each flaw
	open   int           // faults from here on wait for the time stamp that follows
	// stamp is the newest row's.
	stamp   int64
	stamped bool
	// cut says that the rows that come are of a file that replaces the one
	// before: what they repeat is dropped.
	cut bool
	// seams are where one file follows another, as the times on either side.
	seams   [][2]int64
	unnamed unnamed
	commas  commas
	decimal bool   // numbers are written with a decimal comma
	key     []byte // of a row whose host is part of it
	joined  []byte // a date and a time
	// finer says that a time stamp had a fraction of a second.
	finer bool
}

func newLog(cfg Config) *log {
	return &log{given: cfg.given, count: cfg.GPUs, model: cfg.GPUName,
		wall: wall{place: cfg.Location}, offset: int64(cfg.Offset), gap: int64(cfg.MaxGap), byKey: map[string]int{}}
}

// reopen prepares for a file that replaces the one before.
func (l *log) reopen() {
	l.cut, l.head, l.lines, l.first = l.stamped, nil, 0, nil
	l.unnamed = unnamed{}
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
		if l.head == nil || !l.given.placed() {
			return complete
		}
	}
	if bytes.Equal(b, l.head.line) && !l.given.placed() {
		return complete
	}
	if l.head.dmon && b[0] == '#' {
		l.restarted(b)
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

// firstLines is how many lines are kept to tell what a file is.
const firstLines = 8

// headerWithin is among how many lines the header must be.
const headerWithin = 1000

// header takes a line for the header of the log, if it is one.
func (l *log) header(b []byte) {
	if l.lines > headerWithin {
		return
	}
	h, known := parseHeader(b, l.given, l.count > 0)
	if known > 0 && (!l.given.placed() || h.usable) {
		l.adopt(h)
	} else if len(l.first) < firstLines {
		l.first = append(l.first, bytes.Clone(b[:min(len(b), 200)]))
	}
}

// adopt makes h the header of the rows that follow. That of a file which replaces
// another is of no use if it has not the same quantity.
func (l *log) adopt(h *header) {
	if h.usable && l.main == nil {
		l.main, l.unit = h, h.unit()
	}
	h.usable = h.usable && h.unit() == l.unit && h.wide == l.main.wide && (h.id() < 0) == (l.main.id() < 0)
	for _, list := range [][]column{h.values, h.energies, h.limits} {
		for i := range list {
			list[i].decimal = l.decimal
		}
	}
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
		if h, known := parseHeader(b, l.given, l.count > 0); !l.given.placed() && h.stamp >= 0 && known > 1 {
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
	switch h := l.head; {
	case h.wide:
		l.wideRow(at, b, row, fits)
	case h.id() < 0:
		l.unnamedRow(at, b, row, fits)
	default:
		if key, named := h.key(row); !named {
			l.fault(every, badIdentity, cell(row, h.id()))
		} else if isTotal(key) {
			return
		} else if !fits {
			l.fault(l.known(row), badCells, b)
		} else if !secondary(cell(row, h.values[0].at)) {
			i := l.gpu(row)
			l.take(i, l.entry(i, at, b, row, true))
		}
	}
}

// totals are what rows have in place of a GPU that are about all of them.
var totals = [][]byte{[]byte("total"), []byte("sum"), []byte("all"), []byte("average"), []byte("avg"), []byte("mean")}

func isTotal(key []byte) bool {
	return slices.ContainsFunc(totals, func(name []byte) bool { return bytes.EqualFold(key, name) })
}

// secondary reports whether a row is about the second die of a package, whose power is
// in the row of the first.
func secondary(cell []byte) bool { return bytes.Contains(cell, []byte("Secondary die")) }

// entry is what a row says of a GPU: a value, or a flaw with the cell that has it.
type entry struct {
	sample
	line int64
	flaw uint8
	cell []byte // of the row
}

// entry parses what a row says of GPU i.
func (l *log) entry(i int, at int64, b []byte, row [][]byte, fits bool) entry {
	e := entry{sample: sample{at: at}, line: l.lines, flaw: badCells, cell: b}
	if !fits {
		return e
	}
	g := l.gpus[i]
	e.value, e.flaw = g.read(row, l.head)
	c := &l.head.values[0]
	if g.value != nil {
		c = g.value
	}
	e.cell = cell(row, c.at)
	l.commas.separator = l.head.separator
	l.commas.see(e.cell, c)
	for k := range l.head.limits {
		l.commas.see(cell(row, l.head.limits[k].at), &l.head.limits[k])
	}
	return e
}

// take adds what was parsed to the readings of GPU i, or to the faults.
func (l *log) take(i int, e entry) {
	if e.flaw == fine {
		l.gpus[i].add(e.sample)
		return
	}
	l.faultAt(i, e)
}

// wideRow takes in a row that has a column for every GPU.
func (l *log) wideRow(at int64, b []byte, row [][]byte, fits bool) {
	if !fits {
		l.fault(every, badCells, b)
		return
	}
	for k := range l.head.values {
		c := &l.head.values[k]
		i, known := l.byKey[c.name]
		if !known {
			i = len(l.gpus)
			l.byKey[c.name] = i
			l.gpus = append(l.gpus, &gpu{id: c.name, name: l.model, index: i, first: c})
		}
		l.gpus[i].value = c
		l.take(i, l.entry(i, at, b, row, true))
	}
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
	key, _ := l.head.key(row)
	if host := cell(row, l.head.host); len(host) > 0 && absent(cell(row, l.head.uuid)) {
		l.key = append(append(append(l.key[:0], host...), '/'), key...) // each host has a GPU 0
		key = l.key
	}
	// The GPUs follow each other in the same order, again and again.
	if n := l.recent + 1; n < len(l.gpus) && l.gpus[n].key() == string(key) {
		l.recent = n
		return n
	}
	i, known := l.byKey[string(key)]
	if !known {
		i = len(l.gpus)
		l.byKey[string(key)] = i
		l.gpus = append(l.gpus, l.newGPU(row, i))
	}
	l.recent = i
	if i == len(l.gpus)-1 {
		l.recent = -1
	}
	return i
}

// longestQuote is how much of a cell is quoted.
const longestQuote = 60

// fault records the row that is read, and quotes the first cell that is wrong in this
// way.
func (l *log) fault(gpu int, flaw uint8, cell []byte) {
	l.faultAt(gpu, entry{sample: sample{at: l.stamp}, line: l.lines, flaw: flaw, cell: cell})
}

// faultAt records a row. One of an unknown time lies between the stamps around it in
// the file.
func (l *log) faultAt(gpu int, e entry) {
	if l.quotes[e.flaw] == "" {
		l.quotes[e.flaw] = strconv.Quote(string(e.cell[:min(len(e.cell), longestQuote)]))
	}
	f := fault{from: e.at, to: e.at, line: e.line, gpu: int32(gpu), flaw: e.flaw}
	if e.flaw != badStamp {
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
	text := row[l.head.stamp]
	if l.head.day >= 0 { // the date is in a cell of its own
		l.joined = append(append(append(l.joined[:0], cell(row, l.head.day)...), ' '), text...)
		text = l.joined
	}
	s, ok := parseStamp(text)
	if !ok {
		return 0, false
	}
	if s.naive && !l.head.utc {
		earliest := int64(math.MinInt64)
		if l.stamped {
			earliest = (l.stamp - l.offset - l.gap) / 1e9
		}
		if s.sec, ok = l.wall.instant(s.sec, earliest); !ok {
			return 0, false
		}
	}
	if s.sec+l.offset/1e9 > lastSecond {
		return 0, false
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
