package gate

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"golang.org/x/perf/benchfmt"
)

// read takes the results of one side into the table.
func (t *table) read(s int, name string, r io.Reader) error {
	file := &t.sides[s]
	file.name = name
	in := newLines(r, func(line int, text string) {
		file.fault(Fault{Side: name, Line: line, Message: "the run failed", Text: text})
	})
	reader := benchfmt.NewReader(in, name)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			t.add(s, rec)
		case *benchfmt.SyntaxError:
			_, line := rec.Pos()
			file.fault(Fault{Side: name, Line: line, Message: rec.Msg, Text: text(in.line)})
		}
	}
	file.units = reader.Units()
	file.json, file.utf16 = in.sawJSON, in.utf16
	switch err := reader.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		file.fault(Fault{Side: name, Line: in.number, Message: "the line is too long", Text: text(in.line)})
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrInput, name, err)
	}
	return nil
}

// problem says why nothing of a file can be compared, and what to do; empty if it
// has results.
func (s *side) problem() string {
	switch {
	case s.lines > 0 && s.used == 0:
		return fmt.Sprintf("the filter lets none of the %s of %s through: correct -filter", count(s.lines, "result"), s.name)
	case s.lines > 0:
		return ""
	case s.utf16:
		return s.name + " is UTF-16, as PowerShell writes it: write UTF-8 (Out-File -Encoding utf8)"
	case s.json:
		return s.name + " is the output of go test -json: run the benchmarks without -json"
	}
	return s.name + " has no results: give the output of go test -bench"
}
