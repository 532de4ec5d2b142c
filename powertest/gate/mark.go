package gate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Mark is the line that powertest ab writes before each sample of a package. To
// readers of the benchmark format it is one of those that mean nothing; to the gate it
// says which samples of the two sides are pairs:
//
//	# powertest ab: sample 3 of example.com/p, 1.204s, run 7 of 9f2c41d0a7b3e655
type Mark struct {
	Number  int    // of the sample, of its package and side, from 1
	Package string // whose benchmarks ran
	Took    time.Duration
	// Run counts the runs of both sides, from 1, and Session is that of the process
	// which took them: what was resumed has several. They are 0 and empty in files
	// of before there were sessions.
	Run     int
	Session string
}

// MarkBegin is what the line of a Mark begins with.
const MarkBegin = "# powertest ab: sample "

// String returns the line, without its end.
func (m Mark) String() string {
	line := fmt.Sprintf("%s%d of %s, %v", MarkBegin, m.Number, m.Package, m.Took.Round(time.Millisecond))
	if m.Session == "" {
		return line
	}
	return line + fmt.Sprintf(", run %d of %s", m.Run, m.Session)
}

// ParseMark reads the line of a Mark. It reports false of any other line.
func ParseMark(line string) (m Mark, ok bool) {
	rest, found := strings.CutPrefix(strings.TrimSpace(line), MarkBegin)
	number, rest, of := strings.Cut(rest, " of ")
	n, err := strconv.Atoi(number)
	if !found || !of || err != nil || n < 1 {
		return Mark{}, false
	}
	m.Number = n
	if i := strings.LastIndex(rest, ", run "); i >= 0 {
		run, session, _ := strings.Cut(rest[i+len(", run "):], " of ")
		if n, err := strconv.Atoi(run); err == nil && n > 0 && session != "" && len(strings.Fields(session)) == 1 {
			m.Run, m.Session, rest = n, strings.TrimSpace(session), rest[:i]
		}
	}
	m.Package = rest
	if i := strings.LastIndex(rest, ", "); i >= 0 {
		if took, err := time.ParseDuration(rest[i+2:]); err == nil {
			m.Package, m.Took = rest[:i], took
		}
	}
	return m, m.Package != ""
}
