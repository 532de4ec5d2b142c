package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// unitList is the value of -units: units with commas.
type unitList []string

func (l *unitList) String() string { return strings.Join(*l, ",") }

func (l *unitList) Set(s string) error {
	for unit := range strings.SplitSeq(s, ",") {
		unit = strings.TrimSpace(unit)
		if unit == "" {
			return fmt.Errorf("it must be units with commas, for instance J/op,ns/op")
		}
		*l = append(*l, unit)
	}
	return nil
}

// A unitValues is the value of a flag that has a number for some units, as
// "J/op=3%,ns/op=5%". The flag may be repeated.
type unitValues struct {
	values map[string]float64
	// parse parses what is after the equals sign.
	parse func(string) (float64, error)
	// alone says that a number without a unit is one for all other units, which
	// has the key "".
	alone bool
}

func (v *unitValues) String() string {
	var list []string
	for unit, value := range v.values {
		list = append(list, fmt.Sprintf("%s=%v", unit, value))
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func (v *unitValues) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		unit, number, found := cutLast(part)
		switch {
		case !found && v.alone:
			unit, number = "", strings.TrimSpace(part)
		case unit == "", !found:
			return fmt.Errorf("%q is no unit with an equals sign and a number", part)
		}
		value, err := v.parse(number)
		if err != nil {
			return err
		}
		if _, twice := v.values[unit]; twice {
			return fmt.Errorf("%s is there twice", part)
		}
		if v.values == nil {
			v.values = map[string]float64{}
		}
		v.values[unit] = value
	}
	return nil
}

// cutLast cuts at the last equals sign: a unit may have one.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndex(s, "=")
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:]), true
}

// parseShare parses a share of the old value, such as "3%". Without the sign it
// is an error: 3 could mean 3 % or 300 %, and 0.03 as well.
func parseShare(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	if !percent {
		return 0, fmt.Errorf("%q is no share in per cent, such as 3%%", s)
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no share in per cent, such as 3%%", s)
	}
	return x / 100, nil
}

// parseLimit parses a budget.
func parseLimit(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no number for a budget, such as 0.9", s)
	}
	return x, nil
}

// unitFacts is the value of -unit, which says of a unit what a line "Unit ..." of
// a benchmark file says. The flag may be repeated.
type unitFacts struct {
	better map[string]int // -1 lower, +1 higher
	exact  map[string]bool
}

func (f *unitFacts) String() string { return "" }

func (f *unitFacts) Set(s string) error {
	words := strings.Fields(s)
	if len(words) < 2 {
		return fmt.Errorf("it must be a unit and what is known of it, for instance 'goodput-tokens/J better=higher'")
	}
	unit := words[0]
	for _, word := range words[1:] {
		if err := f.add(unit, word); err != nil {
			return err
		}
	}
	return nil
}

func (f *unitFacts) add(unit, word string) error {
	direction := map[string]int{"better=lower": -1, "better=higher": 1}[word]
	switch {
	case direction != 0:
		if was, known := f.better[unit]; known && was != direction {
			return fmt.Errorf("%s is better both ways", unit)
		}
		if f.better == nil {
			f.better = map[string]int{}
		}
		f.better[unit] = direction
	case word == "assume=exact", word == "assume=nothing":
		if f.exact == nil {
			f.exact = map[string]bool{}
		}
		f.exact[unit] = word == "assume=exact"
	default:
		return fmt.Errorf("%q is neither better=lower, better=higher, assume=exact nor assume=nothing", word)
	}
	return nil
}
