package gate

import (
	"strconv"
	"strings"
	"unicode"
)

// filterUnits are the units that a filter names by .unit, and does not exclude: W
// and J/op of ".name:Chat .unit:(W OR J/op) -.unit:B/op". A regular expression
// names none. The filter must be one that benchproc takes; of the parts of its
// syntax only those are looked at that a unit may be in.
func filterUnits(query string) []string {
	var units []string
	excluded := []bool{false} // by parenthesis
	minus := false
	for rest := skipSpace(query); rest != ""; rest = skipSpace(rest) {
		inside := excluded[len(excluded)-1]
		switch rest[0] {
		case '-':
			minus, rest = !minus, rest[1:]
			continue
		case '(':
			excluded, rest = append(excluded, inside != minus), rest[1:]
		case ')':
			excluded, rest = excluded[:max(1, len(excluded)-1)], rest[1:]
		default:
			var key string
			key, rest = filterWord(rest)
			after, isTerm := strings.CutPrefix(skipSpace(rest), ":")
			if !isTerm {
				continue // AND, OR, *
			}
			var values []string
			values, rest = filterValues(skipSpace(after))
			if key == ".unit" && inside == minus {
				units = append(units, values...)
			}
		}
		minus = false
	}
	return units
}

// filterValues reads what is after a colon: a value, or several in parentheses
// with OR in between. Regular expressions are passed over.
func filterValues(s string) (values []string, rest string) {
	list := strings.HasPrefix(s, "(")
	if list {
		s = s[1:]
	}
	for s = skipSpace(s); s != ""; s = skipSpace(s) {
		switch s[0] {
		case ')':
			return values, s[1:]
		case '/':
			s = afterRegexp(s[1:])
		default:
			quoted := s[0] == '"'
			var word string
			if word, s = filterWord(s); quoted || word != "OR" {
				values = append(values, word)
			}
		}
		if !list {
			break
		}
	}
	return values, s
}

// filterWord reads a word, which may be quoted. It takes at least one character.
func filterWord(s string) (word, rest string) {
	if quoted, err := strconv.QuotedPrefix(s); err == nil && s[0] == '"' {
		word, _ = strconv.Unquote(quoted) // it is one: QuotedPrefix says so
		return word, s[len(quoted):]
	}
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("():@,", r) })
	switch {
	case end < 0:
		end = len(s)
	case end == 0:
		end = 1
	}
	return s[:end], s[end:]
}

// afterRegexp is what follows the slash that ends a regular expression.
func afterRegexp(s string) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '/':
			return s[i+1:]
		}
	}
	return ""
}

func skipSpace(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }
