package smisource

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

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
		i := 0 // cells are short: a loop is faster than a call
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

// nothings are what tools write for no value, beside what is in brackets.
var nothings = [][]byte{[]byte("n/a"), []byte("na"), []byte("none"), []byte("null"), []byte("nan"), []byte("unknown"), []byte("not supported"), []byte("err!")}

// absent reports whether a cell has no value.
func absent(cell []byte) bool {
	if len(cell) == 0 || cell[0] == '[' || cell[0] == '-' {
		return true
	}
	if cell[0] >= '0' && cell[0] <= '9' {
		return false
	}
	return slices.ContainsFunc(nothings, func(n []byte) bool { return bytes.EqualFold(cell, n) })
}

func cell(row [][]byte, i int) []byte {
	if i < 0 || i >= len(row) {
		return nil
	}
	return row[i]
}

// maxWatts is more than any device draws: what is more is not a power.
const maxWatts = 1e6

// split divides a cell into its number and what follows it, its unit.
func split(cell []byte) (number, unit []byte) {
	i := 0
	for i < len(cell) && (cell[i] >= '0' && cell[i] <= '9' || cell[i] == '.' || cell[i] == ',' || cell[i] == '-' || cell[i] == '+') {
		i++
	}
	// An exponent, but not the beginning of a unit.
	if i > 0 && i < len(cell) && (cell[i] == 'e' || cell[i] == 'E') {
		j := i + 1
		if j < len(cell) && (cell[j] == '+' || cell[j] == '-') {
			j++
		}
		k := j
		for k < len(cell) && cell[k] >= '0' && cell[k] <= '9' {
			k++
		}
		if k > j {
			i = k
		}
	}
	return cell[:i], bytes.TrimSpace(cell[i:])
}

// number parses a decimal number, which may have thousands separators. With a decimal
// comma, those are points.
func number(b []byte, decimal bool) (float64, bool) {
	if decimal {
		if !grouped(b, '.', ',') || bytes.IndexByte(b, '.') >= 0 && bytes.IndexByte(b, ',') < 0 {
			return 0, false // 1.234 may be one and a bit
		}
		b = bytes.Replace(bytes.ReplaceAll(b, []byte{'.'}, nil), []byte{','}, []byte{'.'}, 1)
	} else if bytes.IndexByte(b, ',') >= 0 {
		if !grouped(b, ',', '.') {
			return 0, false
		}
		b = bytes.ReplaceAll(b, []byte{','}, nil)
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// grouped reports whether a mark separates the thousands of a number, if it has it,
// where point begins its fraction.
func grouped(b []byte, mark, point byte) bool {
	whole, fraction, _ := bytes.Cut(bytes.TrimLeft(b, "+-"), []byte{point})
	groups := bytes.Split(whole, []byte{mark})
	for i, g := range groups {
		if len(groups) > 1 && len(g) > 3 || i > 0 && len(g) != 3 || len(g) == 0 {
			return false
		}
	}
	return bytes.IndexByte(fraction, mark) < 0
}

// unit is a unit of power or energy, by its scale to watts or joules.
type unit struct {
	scale  float64
	energy bool
}

// units are those of cells, and of headers: [mW], power_mw, energy_uj.
var units = map[string]unit{
	"W": {scale: 1}, "w": {scale: 1}, "Watt": {scale: 1}, "watt": {scale: 1}, "Watts": {scale: 1}, "watts": {scale: 1},
	"uW": {scale: 1e-6}, "uw": {scale: 1e-6}, "µW": {scale: 1e-6},
	"mW": {scale: 1e-3}, "mw": {scale: 1e-3},
	"kW": {scale: 1e3}, "kw": {scale: 1e3}, "KW": {scale: 1e3},
	"J": {1, true}, "j": {1, true}, "joules": {1, true}, "Joules": {1, true},
	"uJ": {1e-6, true}, "uj": {1e-6, true}, "µJ": {1e-6, true},
	"mJ": {1e-3, true}, "mj": {1e-3, true},
	"kJ": {1e3, true}, "kj": {1e3, true}, "MJ": {1e6, true},
	"Wh": {3600, true}, "kWh": {3.6e6, true},
}

const (
	// amdEnergy is the column of amd-smi metric -E.
	amdEnergy = "total_energy_consumption"
	// amdExcess is by how much its joules are too many: the counter is in units of 2⁻¹⁶ J, by
	// the kernel's header, and amd-smi and rocm-smi multiply it by 15.3 µJ.
	amdExcess = 15.3e-6 * (1 << 16)
)

// scaleOf returns the scale of a unit, if it is one of energy or of power, as is
// asked for. No unit means watts or joules.
func scaleOf(name string, energy bool) (scale float64, ok bool) {
	if name == "" {
		return 1, true
	}
	u, ok := units[name]
	return u.scale, ok && u.energy == energy
}

// quantity parses a cell that has a power or an energy. Its own unit counts
// before that of its column. flaw is fine, or what is wrong with the cell: it is absent
// ([N/A], [Unknown Error], nothing), is not a number with such a unit, or one that no
// GPU can have.
func (c column) quantity(cell []byte) (v float64, flaw uint8) {
	negative := len(cell) > 1 && cell[0] == '-' && cell[1] >= '0' && cell[1] <= '9'
	if absent(cell) && !negative {
		return 0, noValue
	}
	digits, unit := split(cell)
	v, ok := number(digits, c.decimal)
	if !ok {
		return 0, badNumber
	}
	scale := c.scale
	if len(unit) > 0 {
		if scale, ok = scaleOf(string(unit), c.energy); !ok {
			return 0, badNumber
		}
	}
	if v = scaled(v, scale); c.excess > 0 {
		v /= c.excess
	}
	if !(v >= 0) || math.IsInf(v, 0) || !c.energy && v > maxWatts {
		return 0, badRange
	}
	return v, fine
}

// scaled multiplies by a unit. Dividing by a thousand rounds once, where
// multiplying by a thousandth would round twice.
func scaled(v, scale float64) float64 {
	if scale > 0 && scale < 1 {
		return v / math.Round(1/scale)
	}
	return v * scale
}
