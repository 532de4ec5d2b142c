package gate

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
)

// ReadWaivers reads a file of waivers, one on each line, which are to be reviewed
// as code is: benchmark, unit, the last day on which the waiver holds, and the
// reason for it. Text after # at the beginning of a line or after a space, and
// blank lines, are passed over.
//
//	# benchmark          unit     until       reason
//	Chat/conc=8          J/token  2026-12-31  larger draft model, see issue 51
//	example.com/p.Embed  *        2026-12-31  of one of several packages that have it
//
// The name is for messages. Errors are of ErrInput and say which line is wrong.
func ReadWaivers(r io.Reader, name string) ([]Waiver, error) {
	var list []Waiver
	seen := map[string]int{}
	s := bufio.NewScanner(r)
	line := 0
	for s.Scan() {
		line++
		fields := strings.Fields(strings.TrimPrefix(s.Text(), "\ufeff"))
		if i := slices.IndexFunc(fields, func(f string) bool { return f[0] == '#' }); i >= 0 {
			fields = fields[:i]
		}
		if len(fields) == 0 {
			continue
		}
		w, err := parseWaiver(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrInput, name, line, err)
		}
		w.Line = line
		key := w.Benchmark + "\x00" + w.Unit
		if first := seen[key]; first > 0 {
			return nil, fmt.Errorf("%w: %s:%d: line %d waives the same already", ErrInput, name, line, first)
		}
		seen[key] = line
		list = append(list, w)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%w: %s:%d: %w", ErrInput, name, line+1, err)
	}
	return list, nil
}

func parseWaiver(fields []string) (Waiver, error) {
	if len(fields) < 4 {
		return Waiver{}, fmt.Errorf("a waiver is BENCHMARK UNIT UNTIL REASON, as Chat-8 J/op 2026-12-31 larger model")
	}
	day, err := time.Parse(time.DateOnly, fields[2])
	if err != nil {
		return Waiver{}, fmt.Errorf("%s is not a day, as 2026-12-31", text([]byte(fields[2])))
	}
	unit := fields[1]
	if unit != "*" {
		unit = tidy(unit)
	}
	return Waiver{
		Benchmark: strings.TrimPrefix(fields[0], "Benchmark"),
		Unit:      unit,
		Until:     day.Add(24*time.Hour - time.Nanosecond),
		Reason:    strings.Join(fields[3:], " "),
	}, nil
}

// covers reports whether a waiver is about a benchmark and unit: by the benchmark's name
// alone, or with its package.
func (w *Waiver) covers(id identity, unit string) (byName, byPackage bool) {
	if w.Unit != "*" && tidy(w.Unit) != unit {
		return false, false
	}
	is := func(name string) bool {
		name = strings.TrimPrefix(name, "Benchmark")
		return name == id.benchmark || name == withoutProcs(id.benchmark)
	}
	name, qualified := strings.CutPrefix(w.Benchmark, id.pkg+".")
	return is(w.Benchmark), id.pkg != "" && qualified && is(name)
}

// String returns "waived until 2026-12-31: larger model".
func (w *Waiver) String() string {
	return "waived until " + w.Until.Format(time.DateOnly) + ": " + terminal.Line(w.Reason)
}
