package gate

import (
	"bytes"
	"fmt"
	"regexp"
)

// A prefix is what a CI system writes before each line of a log. Kinds of them are
// recognised where all lines of the beginning of a file have one.
type prefix struct {
	kind   *prefixKind
	sample string // that of the first line
}

// A prefixKind is a way in which lines are prefixed.
type prefixKind struct {
	name    string // "a time stamp"
	pattern *regexp.Regexp
	same    bool // the text must be the same on all lines: there may be several streams
}

// timePattern is a time, with or without a date, in brackets or not, and what GitLab
// writes after it.
const timePattern = `\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?:?(?: \d\d[OE]\+?)?(?:[ \t]|$)`

var prefixKinds = []prefixKind{
	{"a time stamp", regexp.MustCompile(`^` + timePattern), false},
	{"a job, a step and a time stamp", regexp.MustCompile(`^[^\t]*\t[^\t]*\t` + timePattern), false}, // gh run view --log
	{"a name", regexp.MustCompile(`^[\w./-]+ *\|(?: |$)`), true},                                     // docker compose
	{"a name", regexp.MustCompile(`^\[[^\]\t]{1,100}\](?: |$)`), true},                               // kubectl logs --prefix
}

// maxPrefixes is how many prefixes a line may have, one after the other.
const maxPrefixes = 3

// prefixesOf finds what all lines of the beginning of a file begin with. whole says that
// it is all of the file.
func prefixesOf(begin []byte, whole bool) (found []prefix) {
	if end := bytes.LastIndexByte(begin, '\n'); !whole {
		begin = begin[:end+1]
	}
	var lines [][]byte
	for line := range bytes.Lines(begin) {
		if line = bytes.TrimRight(colours.ReplaceAll(line, nil), " \t\r\n"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	for len(found) < maxPrefixes && len(lines) > 0 {
		p, ok := commonPrefix(lines)
		if !ok {
			break
		}
		found = append(found, p)
		rest := lines[:0]
		for _, line := range lines {
			if line = p.cut(line); len(line) > 0 {
				rest = append(rest, line)
			}
		}
		lines = rest
	}
	return found
}

// commonPrefix finds a kind of prefix that all lines have.
func commonPrefix(lines [][]byte) (prefix, bool) {
	for i := range prefixKinds {
		p := prefix{kind: &prefixKinds[i]}
		p.sample = string(p.kind.pattern.Find(lines[0]))
		all := p.sample != ""
		for _, line := range lines {
			all = all && p.matches(line)
		}
		if all {
			return p, true
		}
	}
	return prefix{}, false
}

// matches reports whether a line has the prefix.
func (p prefix) matches(line []byte) bool {
	found := p.kind.pattern.Find(line)
	return found != nil && (!p.kind.same || string(bytes.TrimSpace(found)) == string(bytes.TrimSpace([]byte(p.sample))))
}

// cut returns a line without the prefix, if it has it.
func (p prefix) cut(line []byte) []byte {
	if !p.matches(line) {
		return line
	}
	return line[len(p.kind.pattern.Find(line)):]
}

// note says what was not read.
func (p prefix) note(file string) string {
	return fmt.Sprintf("%s has %s before each line, such as %q, which was left out", file, p.kind.name, p.sample)
}

var (
	// colours are the escape sequences of a terminal, by ECMA-48.
	colours = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))`)
	// result is a result, wherever in a line it begins.
	result = regexp.MustCompile(`\bBenchmark\S*\s+\d+\s+[-+.\w]+\s+\S`)
)
