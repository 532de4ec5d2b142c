package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"golang.org/x/perf/benchfmt"
)

// maxLine is the longest line that can be a result. benchfmt gives up on longer
// ones; those that are no results are not shown to it.
const maxLine = bufio.MaxScanTokenSize

// lines hands a file to benchfmt one line at a time, so that the text of the line
// that it complains of is known, and sees what benchfmt passes over: that a
// benchmark failed.
type lines struct {
	in      *bufio.Reader
	line    []byte // the last one
	rest    []byte // of it, not yet handed over
	err     error
	number  int
	failed  func(line int, text string) // gets the lines that say a run failed
	sawJSON bool                        // a line is that of go test -json
	utf16   bool
}

func newLines(r io.Reader, failed func(line int, text string)) *lines {
	l := &lines{in: bufio.NewReaderSize(r, maxLine), failed: failed}
	mark, _ := l.in.Peek(3)
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		l.in.Discard(3)
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		l.utf16 = true
	}
	return l
}

// Read implements io.Reader: never more than a line.
func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 && l.err == nil {
		l.next()
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	if n == 0 {
		return 0, l.err
	}
	return n, nil
}

// next reads a line.
func (l *lines) next() {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		if isResult(line) {
			err = nil // it goes on, and benchfmt will say that it is too long
		} else {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = l.in.ReadSlice('\n')
			}
			line = []byte("\n")
		}
	}
	l.err = err
	l.line, l.rest = line, line
	if len(line) > 0 {
		l.number++
		l.look(line)
	}
}

func isResult(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Benchmark")) || bytes.HasPrefix(line, []byte("Unit"))
}

// failure is a line that says that a run failed; goJSON one of go test -json.
var (
	failure = regexp.MustCompile(`^(FAIL([\n\r\t]|$)|--- FAIL|panic: |fatal error: |signal: )`)
	goJSON  = regexp.MustCompile(`^\{"(Time|Action)":`)
)

// look finds lines of failed runs, and of formats that are not ours.
func (l *lines) look(line []byte) {
	switch line[0] {
	case 'F', '-', 'p', 'f', 's':
		if failure.Match(line) {
			l.failed(l.number, text(line))
		}
	case '{':
		l.sawJSON = l.sawJSON || goJSON.Match(line)
	}
}

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
