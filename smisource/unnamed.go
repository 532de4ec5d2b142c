package smisource

import (
	"fmt"
	"slices"
	"strings"
)

// unnamed are the rows of a log that has no column of GPUs. They are one GPU's if
// every row is later than the one before. If it is said how many GPUs there are, so
// many rows follow closely on each other, again and again: a group.
type unnamed struct {
	// newest is the time of the newest row, and line the first that is not later
	// than the one before it.
	newest int64
	began  bool
	line   int64
	name   []byte // in the first row
	other  string // in another row, if a row has another

	group []entry // the rows of the newest group
	taken bool    // the group was complete, and was taken
	// period is the time from group to group, as far as it is known.
	period int64
	// good and bad are how many groups were taken, and how many were not.
	good, bad int
}

// apart is how many times as far as the rows of a group the groups are from each other:
// of rows that are evenly spaced, two are half as far as the pair from the next.
const apart = 3

// unnamedRow takes in a row that does not say of which GPU it is.
func (l *log) unnamedRow(at int64, b []byte, row [][]byte, fits bool) {
	u := &l.unnamed
	if l.count < 2 {
		if !fits { // its time may be cut, too
			l.fault(every, badCells, b)
			return
		}
		if l.count == 0 && !u.see(at, l.lines, cell(row, l.head.name)) {
			l.fault(every, badIdentity, b)
			return
		}
		l.take(0, l.entry(l.nth(0, row), at, b, row, fits))
		return
	}
	if n := len(u.group); n > 0 && (at < u.newest || at-u.group[0].at > u.period/apart && (n == l.count || u.period > 0)) {
		l.endGroup(at)
	}
	u.newest, u.began = at, true
	if len(u.group) == l.count { // and one more row: whose are they?
		u.bad++
		l.fault(every, badIdentity, b)
		return
	}
	e := l.entry(l.nth(len(u.group), row), at, b, row, fits)
	if name := cell(row, l.head.name); !absent(name) && string(name) != l.gpus[len(u.group)].name {
		e.flaw = badIdentity
	}
	e.cell = slices.Clone(e.cell)
	u.group = append(u.group, e)
	if len(u.group) == l.count && u.period > 0 && at-u.group[0].at <= u.period/apart {
		l.takeGroup()
	}
}

// nth returns n, the number of a GPU that rows do not name, and makes it if it is new.
func (l *log) nth(n int, row [][]byte) int {
	for len(l.gpus) <= n {
		l.gpus = append(l.gpus, l.newGPU(row, len(l.gpus)))
	}
	return n
}

// takeGroup takes the rows of the group.
func (l *log) takeGroup() {
	u := &l.unnamed
	u.taken = true
	u.good++
	for i, e := range u.group {
		l.take(i, e)
	}
}

// endGroup ends the group, as another begins at some time. Rows that are too few, or
// not much closer to each other than to the next, are nobody's.
func (l *log) endGroup(at int64) {
	u := &l.unnamed
	first := u.group[0].at
	step := at - first
	close := len(u.group) == l.count && (u.newest-first)*apart <= step
	if close && !u.taken {
		l.takeGroup()
	}
	if close {
		if u.period > 0 {
			step = min(step, 2*u.period) // after a pause
		}
		u.period = step
	} else {
		u.bad++
		e := u.group[0]
		e.flaw = badIdentity
		l.faultAt(every, e)
	}
	u.group, u.taken = u.group[:0], false
}

// see takes in a row and reports whether it can be the same GPU's as the rows
// before it.
func (u *unnamed) see(at, line int64, name []byte) bool {
	same := true
	if !absent(name) {
		if u.name == nil {
			u.name = slices.Clone(name)
		} else if string(u.name) != string(name) {
			if same = false; u.other == "" {
				u.other = string(name)
			}
		}
	}
	if u.began && at == u.newest {
		if same = false; u.line == 0 {
			u.line = line
		}
	}
	u.newest, u.began = at, true
	return same
}

// several says why the rows that name no GPU are not those of one, or of as many as
// was said; it is empty if they are.
func (l *log) several() string {
	switch u := &l.unnamed; {
	case !u.began:
		return ""
	case l.count > 1 && 2*u.bad > u.good:
		return fmt.Sprintf("no column says which GPU a row is of, and its rows do not come in groups of %d", l.count)
	case l.count > 0:
		return ""
	case u.other != "":
		return fmt.Sprintf("no column says which GPU a row is of, and there are rows of %q and of %q", u.name, u.other)
	case u.line > 0:
		return fmt.Sprintf("no column says which GPU a row is of, and line %d has the time stamp of the line before it", u.line)
	}
	if n := bursts(l.gpus[0].samples); n > 1 {
		return fmt.Sprintf("no column says which GPU a row is of, and the rows come in groups of %d", n)
	}
	return ""
}

// bursts returns how many rows follow closely on each other again and again, as
// where a tool writes a row for every GPU: 1 for a log in which they do not.
func bursts(list []sample) int {
	const (
		most    = 16   // GPUs
		blocks  = 4    // at least
		clearly = 3    // times as long is the pause after a group
		mostly  = 0.9  // of the groups
		enough  = 1024 // rows to look at
	)
	list = list[:min(len(list), enough)]
	for n := 2; n <= most && len(list) > n*blocks; n++ {
		for first := range n {
			all, fit := 0, 0
			for i := first; i+n < len(list); i += n {
				longest := int64(0)
				for k := i + 1; k < i+n; k++ {
					longest = max(longest, list[k].at-list[k-1].at)
				}
				if all++; list[i+n].at-list[i+n-1].at > clearly*longest {
					fit++
				}
			}
			if all >= blocks && float64(fit) >= mostly*float64(all) {
				return n
			}
		}
	}
	return 1
}

// isSuspect reports whether the name of a column, which is no known one of GPUs, may be
// one.
func isSuspect(name string) bool {
	return strings.HasSuffix(name, "_id") && !strings.HasPrefix(name, "pci_") || slices.Contains(suspects, name)
}

// suspects are names of columns that may tell GPUs from each other.
var suspects = []string{"id", "no", "number", "gpu_no", "gpu_num", "gpu_number", "minor", "minor_number", "rank", "local_rank", "slot", "node", "host", "hostname", "gpus", "devices", "dev", "deviceid", "gpuid"}
