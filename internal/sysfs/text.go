package sysfs

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// mostText is how long a text of sysfs may be.
const mostText = 4096

// Text returns what a file says, in one line of characters that can be printed; empty if
// it cannot be read, or is longer than any name.
func Text(path string) string {
	const longest = 128
	data, err := inputfile.ReadFile(path, 1<<20) // files of sysfs say that they have 4096 bytes
	if err != nil || len(data) > mostText {
		return ""
	}
	text := strings.TrimSpace(string(data))
	if len(text) > longest || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return text
}
