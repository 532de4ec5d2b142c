package smisource

import (
	"bytes"
	"fmt"
)

// commas is what the numbers of a log show of how they are written: whether a comma
// begins a fraction, or separates thousands. One with three digits after it does not
// say so by itself: 490,500.
type commas struct {
	// with and without are how many numbers have such a comma, and none.
	with, without int
	// decimal and thousands are the first numbers that can be read in one way only.
	decimal, thousands string
	// unclear is the first that can be read in two, and most the greatest of them in
	// watts, if the comma separates thousands.
	unclear string
	most    float64
	// long says that a number of more than three digits has no comma.
	long bool
	// separator is that of the log's cells.
	separator byte
}

// mostWatts is more than the power of any GPU: 1,234 W may be one's, 490,500 W is not.
const mostWatts = 10e3

// see takes in a cell of a column.
func (s *commas) see(cell []byte, c *column) {
	if len(cell) == 0 || cell[0] < '0' || cell[0] > '9' {
		return
	}
	if bytes.IndexByte(cell, ',') < 0 {
		s.without++
		point := bytes.IndexByte(cell, '.')
		if point < 0 {
			point = digits(cell)
		} else if s.thousands == "" && !c.decimal {
			s.thousands = string(cell[:min(len(cell), longestQuote)])
		}
		s.long = s.long || point > len("999")
		return
	}
	text, unit := split(cell)
	first, last := bytes.IndexByte(text, ','), bytes.LastIndexByte(text, ',')
	if first < 0 {
		return
	}
	quote := func(to *string) {
		if *to == "" {
			*to = string(cell[:min(len(cell), longestQuote)])
		}
	}
	switch point := bytes.LastIndexByte(text, '.'); {
	case point > last || first < last:
		quote(&s.thousands)
	case point >= 0 || len(text)-first != len(",500") || first > len("490") || text[0] == '0':
		quote(&s.decimal)
	default:
		quote(&s.unclear)
		s.with++
		scale := c.scale
		if u, known := units[string(unit)]; known {
			scale = u.scale
		}
		if v, ok := number(text, false); ok && !c.energy {
			s.most = max(s.most, scaled(v, scale))
		}
	}
}

// read says how the commas of the log are to be read: decimal is true if they begin
// fractions. unclear says why that can't be told; it is empty if it can.
func (s *commas) read() (decimal bool, unclear string) {
	both := fmt.Sprintf("%q can be %s or %s", s.unclear, spelled(s.unclear, false), spelled(s.unclear, true))
	switch possible := s.most <= mostWatts; {
	case s.decimal != "" && s.thousands != "":
		return false, fmt.Sprintf("the comma of %q begins a fraction, and by %q it does not", s.decimal, s.thousands)
	case s.decimal != "":
		return true, ""
	case s.thousands != "" || s.with == 0:
		return false, ""
	case !possible:
		return true, ""
	case s.separator == ';' || s.without == 0 || s.long:
		return false, both
	}
	return false, "" // numbers below a thousand have no comma, and the others have
}

// spelled spells a number with a comma without it.
func spelled(text string, decimal bool) string {
	to := []byte{}
	if decimal {
		to = []byte{'.'}
	}
	return string(bytes.Replace([]byte(text), []byte{','}, to, 1))
}
