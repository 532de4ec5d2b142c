package gate

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/perf/benchunit"

	"github.com/joulebench/joulebench/internal/terminal"
)

// percent is a share in percent, with as few digits as it needs.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/1e2, 'f', -1, 64) + " %"
}

// formatDelta is a change in percent, as benchstat writes it.
func formatDelta(delta float64) string {
	switch {
	case math.IsNaN(delta):
		return "?"
	case math.IsInf(delta, 0):
		return "+∞"
	}
	return fmt.Sprintf("%+.2f%%", delta*100)
}

// formatP is a p-value: never 0, which it is not.
func formatP(p float64) string {
	switch {
	case math.IsNaN(p):
		return ""
	case p < 0.0001:
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// formatValue is a value with its unit, for a sentence.
func formatValue(v float64, unit string) string {
	return benchunit.Scale(v, benchunit.ClassOf(unit)) + " " + unit
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// names are the first names of a list, and how many there are.
type names struct {
	first []string
	n     int
}

// maxNames is how many of them a sentence has.
const maxNames = 5

func (l *names) add(name string) {
	if l.n++; l.n <= maxNames {
		l.first = append(l.first, name)
	}
}

// String returns "A, B, C, D, E and 3 more".
func (l *names) String() string {
	s := strings.Join(l.first, ", ")
	if more := l.n - len(l.first); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// text is a line for people: its beginning, cleaned.
func text(line []byte) string {
	const most = 120
	s := terminal.Line(string(bytes.TrimRight(line[:min(len(line), 4*most+1)], "\r\n")))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// tidy is a unit as benchstat and the reports write it.
func tidy(unit string) string {
	_, t := benchunit.Tidy(1, unit)
	return t
}

// withoutProcs is a benchmark's name without the -GOMAXPROCS that testing adds.
func withoutProcs(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || i == len(name)-1 || strings.Trim(name[i+1:], "0123456789") != "" {
		return name
	}
	return name[:i]
}
