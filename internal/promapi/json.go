package promapi

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// scanner reads JSON from a text that is all there. It goes over each byte once
// and copies nothing: the reply to a query about a fleet has tens of megabytes,
// nearly all of it labels that are not needed.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) fail(want string) error {
	if s.at >= len(s.text) {
		return fmt.Errorf("it ends after %d bytes, where %s is expected", len(s.text), want)
	}
	return fmt.Errorf("byte %d is %q, where %s is expected", s.at, s.text[s.at], want)
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take skips the byte c, if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) error {
	if !s.take(c) {
		return s.fail(strconv.QuoteRune(rune(c)))
	}
	return nil
}

// str returns the string that is next, without its quotes.
func (s *scanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start, escaped := s.at, false
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			raw := s.text[start:s.at]
			s.at++
			if escaped {
				return unquoted(s.text[start-1 : s.at])
			}
			return raw, nil
		case c == '\\':
			escaped = true
			s.at++
		case c < ' ':
			return nil, s.fail("the rest of a string")
		}
	}
	s.at = len(s.text)
	return nil, s.fail("the end of a string")
}

func unquoted(quoted []byte) ([]byte, error) {
	var out string
	if err := json.Unmarshal(quoted, &out); err != nil {
		return nil, fmt.Errorf("the string %.100s: %w", quoted, err)
	}
	return []byte(out), nil
}

// object calls each for every member of the object that is next; each reads the
// value.
func (s *scanner) object(each func(key []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.take('}') {
		return nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := each(key); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// array calls each for every element of the array that is next; each reads it.
func (s *scanner) array(each func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.take(']') {
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// number returns the digits of the number that is next.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	start := s.at
	for s.at < len(s.text) {
		c := s.text[s.at]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		s.at++
	}
	if s.at == start {
		return nil, s.fail("a number")
	}
	return s.text[start:s.at], nil
}

// value reads whatever is next into v, by the rules of encoding/json.
func (s *scanner) value(v any) error {
	start := s.at
	if err := s.skip(0); err != nil {
		return err
	}
	return json.Unmarshal(s.text[start:s.at], v)
}

// maxDepth bounds how deep a reply may be nested.
const maxDepth = 64

// skip reads over whatever is next.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return s.fail("less nesting")
	}
	switch s.peek() {
	case '{':
		return s.object(func([]byte) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		_, err := s.str()
		return err
	}
	for _, word := range []string{"true", "false", "null"} {
		if rest := s.text[s.at:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.at += len(word)
			return nil
		}
	}
	digits, err := s.number()
	if err == nil && !json.Valid(digits) {
		err = fmt.Errorf("%.100q is not a number", digits)
	}
	return err
}
