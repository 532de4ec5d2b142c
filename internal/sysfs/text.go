package sysfs

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// mostText is how long a text of sysfs may be, whose files say that they have 4096 bytes,
// and mostRead what is read of one.
const (
	mostText = 4096
	mostRead = 1 << 20
)

// Line returns the first line of a file, without the space around it. Errors are those of
// [inputfile.ReadFile].
func Line(path string) (string, error) {
	b, err := inputfile.ReadFile(path, mostRead)
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line), err
}

// Text returns what a file says, in one line of characters that can be printed; empty if
// it cannot be read, or is longer than any name.
func Text(path string) string {
	const longest = 128
	data, err := inputfile.ReadFile(path, mostRead)
	if err != nil || len(data) > mostText {
		return ""
	}
	text := strings.TrimSpace(string(data))
	if len(text) > longest || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return text
}
