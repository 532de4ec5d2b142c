package smisource

import "bytes"

// line takes in a line without its end. complete says that it has one: if not,
// it is taken only if what is needed of it is all there, which line reports.
func (l *log) line(b []byte, complete bool) bool {
	if complete {
		l.lines++
	}
	if len(bytes.TrimSpace(b)) == 0 || preamble(b) {
		return complete
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
			l.again(b)
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

// preamble reports whether a line is what amd-smi says before it begins.
func preamble(b []byte) bool {
	b = bytes.TrimSpace(b)
	return bytes.HasPrefix(b, []byte("'CTRL'")) || bytes.HasPrefix(b, []byte("CTRL"))
}

// patience is among how many lines the header must be.
const patience = 1000

// header looks for the header of the log.
func (l *log) header(b []byte) {
	if l.lines > patience {
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

// again reports whether a line is the header of a recorder that was started anew.
// One with another quantity counts, too: its rows are not to be taken for others.
func (l *log) again(b []byte) bool {
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

// certain reports whether the cells of a line that is not complete are complete
// as far as they are needed: another cell follows, or a unit.
func (h *header) certain(row [][]byte) bool {
	last := len(row) - 1
	if last <= max(h.stamp, h.uuid, h.index, h.serial, h.pci) {
		return false
	}
	for _, c := range h.values {
		if last < c.at {
			return false
		}
		if last == c.at {
			_, unit := split(row[last])
			return len(unit) == 1 && (unit[0] == 'W' || unit[0] == 'J')
		}
	}
	return true
}

// fits reports whether a row has the cells that are needed, and none too many,
// as one would that another was written into.
func fits(row [][]byte, h *header) bool {
	for i := h.width; i < len(row); i++ {
		if len(row[i]) > 0 {
			return false
		}
	}
	return len(row) >= h.width || h.certain(row)
}
