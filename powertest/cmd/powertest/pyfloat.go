package main

import (
	"math"
	"strconv"
	"strings"
)

// A real is a floating-point number that is written as Python writes it, so that
// a file which Python programs read keeps one spelling: 350.0, 1e-06. What is
// not finite becomes null, since JSON has no word for it.
type real float64

// MarshalJSON implements [encoding/json.Marshaler].
func (r real) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(r)) || math.IsInf(float64(r), 0) {
		return []byte("null"), nil
	}
	return []byte(r.String()), nil
}

// String returns the number as Python's repr does: the shortest that reads back
// as the same, with an exponent below 1e-4 and from 1e16 on.
func (r real) String() string {
	x := float64(r)
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") && !math.IsNaN(x) && !math.IsInf(x, 0) {
		s += ".0"
	}
	return s
}

// rounded returns the number rounded to some decimals as Python's round does: by
// the exact value of the binary number, ties to even.
func rounded(x float64, decimals int) real {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', decimals, 64), 64)
	if err != nil {
		return real(x) // infinite, or too large to have decimals
	}
	return real(y)
}
