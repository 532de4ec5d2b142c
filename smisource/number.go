package smisource

import (
	"bytes"
	"math"
	"strconv"
)

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

// number parses a decimal number, which may have thousands separators.
func number(b []byte) (float64, bool) {
	if v, ok := simple(b); ok {
		return v, true
	}
	if bytes.IndexByte(b, ',') >= 0 {
		if !grouped(b) {
			return 0, false
		}
		b = bytes.ReplaceAll(b, []byte{','}, nil)
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// powers are exact, so that dividing a whole number by one rounds once, as
// strconv does.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// simple parses numbers as the tools write them, which are nearly all.
func simple(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	var n int64
	point := -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, false
		}
	}
	if point < 0 {
		return float64(n), n < 1<<53
	}
	decimals := len(b) - 1 - point
	return float64(n) / powers[min(decimals, len(powers)-1)], n < 1<<53 && decimals > 0 && decimals < len(powers)
}

// grouped reports whether the commas of a number separate thousands.
func grouped(b []byte) bool {
	whole, _, _ := bytes.Cut(bytes.TrimLeft(b, "+-"), []byte{'.'})
	groups := bytes.Split(whole, []byte{','})
	for i, g := range groups {
		if len(g) > 3 || i > 0 && len(g) != 3 || len(g) == 0 {
			return false
		}
	}
	return true
}

// scales of units, to watts and to joules.
var (
	wattUnits  = map[string]float64{"W": 1, "w": 1, "Watts": 1, "watts": 1, "Watt": 1, "watt": 1, "mW": 1e-3, "mw": 1e-3, "uW": 1e-6, "µW": 1e-6, "kW": 1e3, "kw": 1e3, "KW": 1e3}
	jouleUnits = map[string]float64{"J": 1, "j": 1, "joules": 1, "Joules": 1, "mJ": 1e-3, "mj": 1e-3, "uJ": 1e-6, "µJ": 1e-6, "kJ": 1e3, "kj": 1e3, "MJ": 1e6, "Wh": 3600, "kWh": 3.6e6}
)

// quantity parses a cell that has a power or an energy. Its own unit counts
// before that of its column. ok is false for one that is absent ([N/A], [Unknown
// Error], nothing), negative or not finite.
func (c column) quantity(cell []byte) (v float64, ok bool) {
	digits, unit := split(cell)
	if v, ok = number(digits); !ok {
		return 0, false
	}
	scale := c.scale
	switch {
	case len(unit) == 0:
	case len(unit) == 1 && (unit[0] == 'W' || unit[0] == 'J'): // which saves looking
		scale = 1
		ok = unit[0] == 'W' == !c.energy
	default:
		units := wattUnits
		if c.energy {
			units = jouleUnits
		}
		scale, ok = units[string(unit)]
	}
	v = scaled(v, scale)
	if !ok || !(v >= 0) || math.IsInf(v, 0) || !c.energy && v > maxWatts {
		return 0, false
	}
	return v, true
}

// scaled multiplies by a unit. Dividing by a thousand rounds once, where
// multiplying by a thousandth would round twice.
func scaled(v, scale float64) float64 {
	if scale > 0 && scale < 1 {
		return v / math.Round(1/scale)
	}
	return v * scale
}
