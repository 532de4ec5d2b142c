package smisource

import "bytes"

// separators are those that a log may have between its cells.
const separators = ",;\t"

// cells splits a row into cells, without the blanks and quotes around them. The
// cells are parts of the row, which is changed where a quoted cell holds quotes.
// dst is reused. ok is false if a quoted cell does not end.
func cells(dst [][]byte, row []byte, separator byte) (out [][]byte, ok bool) {
	dst = dst[:0]
	for {
		row = trimLeft(row)
		if len(row) > 0 && row[0] == '"' {
			cell, rest, closed := unquote(row[1:])
			if !closed {
				return append(dst, row), false
			}
			// What follows the quotes up to the separator belongs to nothing.
			i := bytes.IndexByte(rest, separator)
			if i < 0 {
				return append(dst, cell), len(bytes.TrimSpace(rest)) == 0
			}
			if len(bytes.TrimSpace(rest[:i])) > 0 {
				return append(dst, row), false
			}
			dst, row = append(dst, bytes.TrimSpace(cell)), rest[i+1:]
			continue
		}
		i := 0 // cells are short: looking by hand is faster than a call
		for i < len(row) && row[i] != separator {
			i++
		}
		dst = append(dst, trimRight(row[:i]))
		if i == len(row) {
			return dst, true
		}
		row = row[i+1:]
	}
}

// unquote returns what is before the closing quote, and what is after it.
func unquote(b []byte) (cell, rest []byte, closed bool) {
	n := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '"' {
			if i+1 == len(b) || b[i+1] != '"' {
				return b[:n], b[i+1:], true
			}
			i++ // two quotes are one
		}
		b[n] = b[i]
		n++
	}
	return nil, nil, false
}

func blank(c byte) bool { return c == ' ' || c == '\r' || c == '\v' || c == '\f' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
