package gate

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
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
	failed  func(line int, text string) // is told of lines that say a run failed
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
	if len(l.rest) == 0 {
		if l.err != nil {
			return 0, l.err
		}
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

// look finds lines of failed runs, and of formats that are not ours.
func (l *lines) look(line []byte) {
	switch line[0] {
	case 'F', '-', 'p', 'f', 's':
		for _, mark := range []string{"FAIL\n", "FAIL\r", "FAIL\t", "--- FAIL", "panic: ", "fatal error: ", "signal: "} {
			if bytes.HasPrefix(line, []byte(mark)) {
				l.failed(l.number, text(line))
				return
			}
		}
		if string(line) == "FAIL" {
			l.failed(l.number, "FAIL")
		}
	case '{':
		l.sawJSON = l.sawJSON || bytes.HasPrefix(line, []byte(`{"Time":`)) || bytes.HasPrefix(line, []byte(`{"Action":`))
	}
}

// clean is text from a file without what would move a terminal's cursor.
func clean(s string) string {
	plain := func(r rune) bool { return r >= ' ' && r != 0x7f && r != utf8.RuneError && !(0x80 <= r && r < 0xa0) }
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if plain(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// text is a line for people: its beginning, cleaned.
func text(line []byte) string {
	const most = 120
	s := clean(string(bytes.TrimRight(line[:min(len(line), 4*most+1)], "\r\n")))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
