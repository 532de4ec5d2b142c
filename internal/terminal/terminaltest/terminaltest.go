// Package terminaltest has texts of others that are hostile to who prints them, and checks
// what was printed.
package terminaltest

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Words are what names, units, labels and reasons of others may be.
var Words = map[string]string{
	"command":     "::stop-commands::tok",
	"old command": "##[error]x",
	"azure":       "x##vso[task.setvariable variable=x]y",
	"teamcity":    "##teamcity[buildStatus text='x']",
	"tab":         "\t::error::x",
	"no width":    "\u200b::error::x",
	"byte order":  "\ufeff\u2060 ::error::x",
	"thick space": "\u3000\u00a0::error::x",
	"crlf":        "x\r\n::error::y",
	"next line":   "x\u0085::error::y",
	"colour":      "\x1b[31mx",
	"raw C1":      "x\x9b31m",
	"C1":          "x\u009b31m",
	"override":    "x\u202ey",
	"isolate":     "\u2067x",
	"return":      "x\r::error::y",
	"separator":   "x\u2028::error::y",
	"escape %":    "%0A::error::x",
	"long":        strings.Repeat("x", 12_000),
	"invalid":     "x\xff\xfe",
	"markup":      "<b>|`*_[x](y)&\"'",
}

// command is that of a CI system, within a row.
var command = regexp.MustCompile(`##[A-Za-z]*\[`)

func blank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// maxRow is more than a row of a text for people may have, in bytes.
const maxRow = 10_000

// Check checks that a text has nothing in it that is not text: a control character, a
// change of direction, a row without end, or a workflow command of GitHub Actions but for
// those that begin with one of ours. Of data, which nobody reads on a terminal, only the
// commands matter.
func Check(t testing.TB, what, text string, data bool, ours ...string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s is not UTF-8", what)
	}
	for row := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		mine := false
		for _, begin := range ours {
			mine = mine || strings.HasPrefix(row, begin)
		}
		hostile := strings.IndexFunc(row, func(r rune) bool {
			return r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
		})
		switch {
		case !mine && strings.HasPrefix(strings.TrimLeftFunc(row, blank), "::"), command.MatchString(row):
			t.Errorf("%s: a command: %.200q", what, row)
		case data:
		case len(row) > maxRow:
			t.Errorf("%s: a row of %d bytes", what, len(row))
		case hostile >= 0:
			t.Errorf("%s: no text: %.200q", what, row[hostile:])
		}
	}
}
