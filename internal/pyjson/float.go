// Package pyjson reads and writes JSON as Python does, for files that Python programs
// write and read, too. An [Object] keeps the spelling of what is not changed, byte
// for byte; a [Float] is spelled as Python spells it.
package pyjson

import (
	"math"
	"strconv"
	"strings"
)

// A Float is a floating-point number that is written as Python writes it, so that
// a file which Python programs read keeps one spelling: 350.0, 1e-06. What is
// not finite becomes null, since JSON has no word for it.
type Float float64

// MarshalJSON implements [encoding/json.Marshaler].
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return []byte(f.String()), nil
}

// String returns the number as Python's repr does: the shortest that reads back
// as the same, with an exponent below 1e-4 and from 1e16 on.
func (f Float) String() string {
	x := float64(f)
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") && !math.IsNaN(x) && !math.IsInf(x, 0) {
		s += ".0"
	}
	return s
}

// Round returns the number rounded to some decimals as Python's round does: by
// the exact value of the binary number, ties to even.
func Round(x float64, decimals int) Float {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', decimals, 64), 64)
	if err != nil {
		return Float(x) // infinite, or too large to have decimals
	}
	return Float(y)
}
