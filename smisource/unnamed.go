package smisource

import (
	"fmt"
	"slices"
	"strings"
)

// unnamed are the rows of a log that has no column of GPUs: one GPU's, if every row
// is later than the one before.
type unnamed struct {
	// newest is the time of the newest row, and line the first that is not later
	// than the one before it.
	newest int64
	began  bool
	line   int64
	name   []byte // in the first row
	other  string // in another row, if a row has another
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

// several says why rows that name no GPU are not those of one; it is empty if they are.
func (l *log) several() string {
	switch u := &l.unnamed; {
	case !u.began:
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
var suspects = []string{"id", "no", "number", "gpu_no", "gpu_num", "gpu_number", "minor", "minor_number", "rank", "local_rank", "slot", "node", "host", "hostname", "gpus", "devices", "dev"}
