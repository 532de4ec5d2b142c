package meter

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrLayout says that a file has no layout that is known.
var ErrLayout = errors.New("it is no file of times and watts or joules")

// layout is what the columns of a file are.
type layout struct {
	separator string // "," ";" tab, or a blank, which stands for any number of them
	time, at  int    // the columns of the time and of the value
	second    float64
	unit      float64 // of the value, in joules or watts
	// joules reports whether the value is cumulative energy, and guessed whether no
	// header says so.
	joules, guessed bool
	header          bool
}

// layoutOf finds the layout out by the first line, a header or not.
func layoutOf(line string) (layout, error) {
	l := layout{unit: 1, at: 1}
	for _, l.separator = range []string{"\t", ";", ",", " "} {
		if cells := l.split(line); len(cells) > 1 {
			break
		}
	}
	cells := l.split(line)
	if len(cells) < 2 {
		return l, fmt.Errorf("%w: the first line has one column, %.40q", ErrLayout, line)
	}
	if _, err := l.stamp(cells[0]); err == nil {
		if len(cells) > 2 {
			return l, fmt.Errorf("%w: it has %d columns and no header", ErrLayout, len(cells))
		}
		l.guessed = true
		return l, nil
	}
	l.header = true
	return l, l.name(cells)
}

// split splits a line into cells.
func (l *layout) split(line string) []string {
	if l.separator == " " {
		return strings.Fields(line)
	}
	cells := strings.Split(line, l.separator)
	for i, c := range cells {
		cells[i] = strings.Trim(strings.TrimSpace(c), `"`)
	}
	return cells
}

// words are the words of a column's name, in lower case.
func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" _-.()[]/", r) })
}

// named reports whether one of the words is one of these.
func named(words []string, these string) bool {
	for _, w := range words {
		for this := range strings.FieldsSeq(these) {
			if w == this {
				return true
			}
		}
	}
	return false
}

// name takes in a header. The first column with a name that fits counts.
func (l *layout) name(cells []string) error {
	l.time, l.at = -1, -1
	for i, cell := range cells {
		w := words(cell)
		joules, watts := named(w, "joules joule energy j mj"), named(w, "watts watt power w mw")
		switch {
		case l.time < 0 && named(w, "time timestamp stamp unix epoch t seconds s ms us ns elapsed date"):
			l.time = i
			l.second = map[bool]float64{named(w, "s seconds"): 1, named(w, "ms"): 1e3, named(w, "us"): 1e6, named(w, "ns"): 1e9}[true]
		case l.at < 0 && (joules || watts):
			l.at, l.joules = i, joules
			if named(w, "mj mw") {
				l.unit = 1e-3
			}
		}
	}
	switch {
	case l.time < 0:
		return fmt.Errorf("%w: no column is named time: %.80q", ErrLayout, cells)
	case l.at < 0:
		return fmt.Errorf("%w: no column is named watts or joules: %.80q", ErrLayout, cells)
	}
	return nil
}

// stamp reads a time: seconds, ms, µs or ns since 1970 or another moment, or RFC 3339. It
// returns seconds.
func (l *layout) stamp(cell string) (float64, error) {
	if x, err := l.number(cell); err == nil {
		second := l.second
		if second == 0 || math.Abs(x) > 1e9*10 && second == 1 { // by magnitude: a second of our time has ten digits
			second = 1
			for _, limit := range []float64{1e11, 1e14, 1e17} {
				if math.Abs(x) >= limit {
					second *= 1e3
				}
			}
		}
		return x / second, nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(cell, " ", "T", 1))
	if err != nil {
		return 0, fmt.Errorf("%.40q is no time: write seconds since 1970, or RFC 3339 with its zone", cell)
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
}

// number reads a number, which may have its unit after a blank, and a decimal comma where
// commas do not separate cells.
func (l *layout) number(cell string) (float64, error) {
	cell, _, _ = strings.Cut(cell, " ")
	if l.separator != "," && !strings.Contains(cell, ".") {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e19 {
		return 0, fmt.Errorf("%.40q is no number", cell)
	}
	return x, nil
}
