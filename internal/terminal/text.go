package terminal

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long what comes from elsewhere may be in a text for people, in characters: a
// word, such as a name or a UUID, and a line, which may end with a word more.
const (
	maxWord = 512
	maxLine = 8000
)

// ellipsis stands for what was cut.
const ellipsis = "…"

// Text is a text for people, of one or more lines, in which names, labels and messages
// of others are only text: what would move a cursor, change colours or turn the
// direction of writing around is U+FFFD instead, no row is a workflow command to
// GitHub Actions, and words and lines that are too long are cut. A tab stays.
func Text(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		end := ""
		if rest, cut := strings.CutSuffix(line, "\n"); cut {
			line, end = strings.TrimSuffix(rest, "\r"), "\n"
		}
		b.WriteString(neutral(Line(line)))
		b.WriteString(end)
	}
	return b.String()
}

// plain reports whether a text is as Text would return it, which nearly all are.
func plain(s string) bool {
	if len(s) > maxWord || strings.Contains(s, "::") || strings.Contains(s, "##") {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && hostile(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Line is a text of others that is to be part of one line: a line's end in it is
// U+FFFD, too.
func Line(s string) string {
	var b strings.Builder
	for n := 0; s != ""; {
		if n >= maxLine {
			return b.String() + ellipsis
		}
		end := max(strings.IndexAny(s, " \t"), 0)
		switch {
		case end == 0 && (s[0] == ' ' || s[0] == '\t'):
			end = 1
		case end == 0:
			end = len(s)
		}
		word := 0
		for _, r := range s[:end] {
			if word == maxWord {
				b.WriteString(ellipsis)
				break
			}
			if word++; r != '\t' && hostile(r) {
				r = utf8.RuneError
			}
			b.WriteRune(r)
		}
		n += word
		s = s[end:]
	}
	return b.String()
}

// hostile reports whether a character has an effect on what is shown beside it: it is
// a control character (C0, C1, DEL), separates lines or paragraphs, or is one by which
// the direction of writing changes.
func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// command begins a command to GitHub Actions (##[), Azure Pipelines (##vso[) and TeamCity
// (##teamcity[), wherever it is in a row.
var command = regexp.MustCompile(`##([A-Za-z]*\[)`)

// neutral is a text in which no row is a workflow command of GitHub Actions, or of others
// that are like it. The runner takes for one what begins with :: after any white space, and
// what has ##[ anywhere; to it a carriage return ends a row, too. What has no width is
// taken for white space, for whoever reads the log as the runner does.
func neutral(line string) string {
	if strings.Contains(line, "##") {
		line = command.ReplaceAllString(line, "## $1")
	}
	if !strings.Contains(line, "::") {
		return line
	}
	rows := strings.SplitAfter(line, "\r")
	for i, row := range rows {
		if begin := strings.TrimLeftFunc(row, blank); strings.HasPrefix(begin, "::") {
			rows[i] = row[:len(row)-len(begin)] + ": :" + begin[2:]
		}
	}
	return strings.Join(rows, "")
}

// blank reports whether a character shows nothing.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// A Writer writes rows in which there is no workflow command of GitHub Actions. It
// keeps colours, and holds back a row's end that is not there yet: Close writes it.
type Writer struct {
	w    io.Writer
	rest []byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes the rows that are complete.
func (w *Writer) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	var out strings.Builder
	for line := range strings.Lines(string(w.rest[:end])) {
		out.WriteString(neutral(line))
	}
	w.rest = append(w.rest[:0], w.rest[end:]...)
	if _, err := io.WriteString(w.w, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes the rest. It does not close the underlying writer.
func (w *Writer) Close() error {
	_, err := io.WriteString(w.w, neutral(string(w.rest)))
	w.rest = nil
	return err
}
