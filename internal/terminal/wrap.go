package terminal

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text into lines of at most so many columns, of which all but the first
// begin with an indent. A word that is longer stays whole, and so does a line that
// begins with a tab: it is a command, to be pasted. Names in the text are only text.
func Wrap(text, indent string, columns int) string {
	var b strings.Builder
	for i, line := range strings.Split(Text(text), "\n") {
		width := 0
		if command, ok := strings.CutPrefix(line, "\t"); ok {
			b.WriteString(indent + command + "\n")
			continue
		}
		if i > 0 {
			b.WriteString(indent)
			width = utf8.RuneCountInString(indent)
		}
		for k, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case k == 0:
			case width+1+n > columns:
				b.WriteString("\n" + indent)
				width = utf8.RuneCountInString(indent)
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += n
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Trimmed is a text without blanks at the ends of its lines, each of which it ends.
func Trimmed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
