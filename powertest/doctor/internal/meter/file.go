package meter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
)

const (
	// maxLine is the longest line of a file, in bytes.
	maxLine = 1 << 16
	// finest is how fine a series is, in seconds: what a meter shows more often is added up.
	finest = 1e-3
	// maxSegments bounds the memory: more than an hour of milliseconds.
	maxSegments = 1 << 22
)

// Read reads what a meter has written to a file: lines of a time and of watts, or of joules
// that add up, with commas, semicolons, tabs or blanks between, below a header that names
// them or without one. Lines that begin with # and values that are empty or n/a are passed
// over. The error wraps [ErrLayout] if that is not what it is, and names the line.
func Read(path string) (Series, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("read %s: %w: it is not a regular file", path, ErrLayout)
	}
	if err != nil {
		return nil, err
	}
	file, err := inputfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s, err := Parse(file)
	if err != nil {
		return nil, fmt.Errorf("meter %s: %w", path, err)
	}
	return s, nil
}

// Parse is Read of what is open.
func Parse(r io.Reader) (Series, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var l *layout
	var c collector
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		first := l == nil
		if first {
			known, err := layoutOf(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			l = &known
		}
		if first && l.header {
			continue
		}
		if err := c.row(l, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLayout, err)
	}
	if l == nil || c.rows < leastRows {
		return nil, fmt.Errorf("%w: it has %d values", ErrLayout, c.rows)
	}
	return c.series(l.joules || l.guessed && c.rising())
}

// leastRows is how many values a file has at least.
const leastRows = 3

// collector adds rows up to both series that they may be: of watts, and of joules.
type collector struct {
	rows        int
	at, value   float64 // of the row before
	from        float64 // where the segment that is under way began
	begun       float64 // its value there, as joules
	area        float64 // of it, as watts
	fell        bool    // a value was lower than the one before
	rose        int     // how many were higher
	watts, both Series  // both has joules as watts
}

// row takes in a row.
func (c *collector) row(l *layout, line string) error {
	cells := l.split(line)
	if len(cells) <= max(l.time, l.at) {
		return fmt.Errorf("%w: %d columns, %.40q", ErrLayout, len(cells), line)
	}
	if v := strings.ToLower(strings.Trim(cells[l.at], "[]")); v == "" || v == "n/a" || v == "nan" {
		return nil
	}
	at, err := l.stamp(cells[l.time])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLayout, err)
	}
	value, err := l.number(cells[l.at])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLayout, err)
	}
	return c.add(at, value*l.unit)
}

// add takes in a value at a time.
func (c *collector) add(at, value float64) error {
	if c.rows++; c.rows == 1 {
		c.at, c.value, c.from, c.begun = at, value, at, value
		return nil
	}
	switch {
	case at < c.at:
		return fmt.Errorf("%w: the time goes back by %.3f s", ErrLayout, c.at-at)
	case len(c.watts) == maxSegments:
		return fmt.Errorf("%w: it is longer than %d values: give the part of it that matters", ErrLayout, maxSegments)
	}
	c.fell = c.fell || value < c.value
	if value > c.value {
		c.rose++
	}
	c.area += (c.value + value) / 2 * (at - c.at)
	c.at, c.value = at, value
	if length := at - c.from; length >= 0.9*finest {
		c.watts = append(c.watts, Segment{c.from, at, c.area / length})
		c.both = append(c.both, Segment{c.from, at, (value - c.begun) / length})
		c.from, c.begun, c.area = at, value, 0
	}
	return nil
}

// rising reports whether the values look like joules that add up: none falls, and most rise.
func (c *collector) rising() bool { return !c.fell && c.rose > c.rows/2 }

var errFalls = errors.New("the joules go down: they must add up from the beginning")

// series returns what was collected, as joules or as watts.
func (c *collector) series(joules bool) (Series, error) {
	s := c.watts
	if joules {
		s = c.both
	}
	switch {
	case joules && c.fell:
		return nil, fmt.Errorf("%w: %w", ErrLayout, errFalls)
	case len(s) < leastRows:
		return nil, fmt.Errorf("%w: its times are less than a millisecond apart", ErrLayout)
	}
	return s.withoutGaps(), nil
}
