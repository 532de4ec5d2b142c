package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/terminal"
)

// maxLine is the longest line that can be a result. benchfmt gives up on longer
// ones; those that are no results are not shown to it.
const maxLine = bufio.MaxScanTokenSize

// maxIgnored is the longest line that is passed over. A longer one ends the file: it may
// have no end.
const maxIgnored = 64 << 20

// lines hands a file to benchfmt one line at a time, so that the text of the line
// that it complains of is known, and sees what benchfmt passes over: that a
// benchmark failed. What a CI system writes before each line, and colours, are left out.
type lines struct {
	in       *bufio.Reader
	side     *side
	prefixes []prefix
	line     []byte // the last one
	rest     []byte // of it, not yet handed over
	err      error
	number   int
	coloured bool
}

func newLines(r io.Reader, s *side) *lines {
	l := &lines{in: bufio.NewReaderSize(r, maxLine), side: s}
	begin, err := l.in.Peek(maxLine)
	switch {
	case bytes.HasPrefix(begin, []byte("\xef\xbb\xbf")):
		l.in.Discard(3)
		begin = begin[3:]
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		s.utf16 = true
	}
	l.prefixes = prefixesOf(begin, err != nil)
	for _, p := range l.prefixes {
		s.notes = append(s.notes, p.note(s.name))
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
	if len(line) > 0 {
		l.number++
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		begin := l.cut(line)
		if isResult(begin) {
			l.fault("the line is too long", begin)
		}
		line = []byte("\n")
		err = l.pass(begin)
	} else {
		line = l.cut(line)
	}
	l.err = err
	l.line, l.rest = line, line
	if len(line) > 0 {
		l.look(line)
	}
}

// pass passes over the rest of a long line, of which begin is the beginning.
func (l *lines) pass(begin []byte) error {
	begin = bytes.Clone(begin)
	for n := 0; n < maxIgnored; n += maxLine {
		if _, err := l.in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	l.fault("the line is too long, and what follows is not read", begin)
	return io.EOF
}

// cut is a line without prefixes and colours.
func (l *lines) cut(line []byte) []byte {
	if bytes.IndexByte(line, '\x1b') >= 0 {
		if plain := colours.ReplaceAll(line, nil); len(plain) < len(line) {
			line = plain
			l.coloured = true
		}
	}
	for _, p := range l.prefixes {
		line = p.cut(line)
	}
	return line
}

// fault is one of the last line.
func (l *lines) fault(message string, line []byte) {
	l.side.fault(Fault{Side: l.side.name, Line: l.number, Message: terminal.Line(message), Text: text(line)})
}

func isResult(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Benchmark")) || bytes.HasPrefix(line, []byte("Unit"))
}

// failure is a line that says that a run failed; goJSON one of go test -json.
var (
	failure = regexp.MustCompile(`^(FAIL([\n\r\t]|$)|--- FAIL|panic: |fatal error: |signal: )`)
	goJSON  = regexp.MustCompile(`^\{"(Time|Action)":`)
)

// look finds lines of failed runs, of formats that are not ours, and results that do not
// begin their line. They are not read, and where others are, because they begin with
// what others begin with, they belong to another log.
func (l *lines) look(line []byte) {
	switch line[0] {
	case 'F', '-', 'p', 'f', 's':
		if failure.Match(line) {
			l.fault("the run failed", line)
		}
	case '#':
		if m, is := ParseMark(string(line)); is {
			l.side.mark = &m
		}
	case '{':
		l.side.json = l.side.json || goJSON.Match(line)
	case 'B':
		return
	}
	if !bytes.Contains(line, []byte("Benchmark")) {
		return
	}
	at := result.FindIndex(line)
	if at == nil {
		return
	}
	if l.side.hidden++; l.side.hidden == 1 {
		l.side.before = string(line[:at[0]])
	}
	if len(l.prefixes) > 0 {
		l.fault("the result is not at the beginning of the line, as others are", line)
	}
}

// read takes the results of one side into the table.
func (t *table) read(s int, name string, r io.Reader) error {
	file := &t.sides[s]
	file.name = terminal.Line(name)
	in := newLines(r, file)
	reader := benchfmt.NewReader(in, file.name)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			t.add(s, rec)
		case *benchfmt.SyntaxError:
			_, line := rec.Pos()
			f := Fault{Side: file.name, Line: line, Message: terminal.Line(rec.Msg), Text: text(in.line)}
			if unit, is := unitOf(in.line); is {
				file.unitFaults = append(file.unitFaults, unitFault{unit, f})
			} else {
				file.fault(f)
			}
		}
	}
	file.units = reader.Units()
	if in.coloured {
		file.notes = append(file.notes, file.name+" has the colours of a terminal, which were left out")
	}
	switch err := reader.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		in.fault("the line is too long", in.line)
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrInput, file.name, err)
	}
	return nil
}

// unitOf is the unit that a line "Unit ..." is about.
func unitOf(line []byte) (unit string, is bool) {
	fields := bytes.Fields(line)
	if len(fields) < 2 || string(fields[0]) != "Unit" {
		return "", false
	}
	return tidy(string(fields[1])), true
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
	if s.hidden > 0 {
		return fmt.Sprintf("%s has no results at the beginning of a line, but %d after something else, the first after %s: cut off what precedes them",
			s.name, s.hidden, strconv.Quote(text([]byte(s.before))))
	}
	return s.name + " has no results: give the output of go test -bench"
}
