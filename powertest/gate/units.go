package gate

import (
	"fmt"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

// defaultUnits are judged if nothing else is asked for: what an operation takes
// and costs, and what a token costs where tokens are counted. W, tokens/J, J/req
// and others are the same joules again, under another name, and judging them too
// would make the family larger and every comparison weaker.
var defaultUnits = []string{"ns/op", "J/op", "J/token"}

// DefaultUnits are the units that are judged if nothing else is asked for, as results have
// them: sec/op, J/op and J/token.
func DefaultUnits() []string {
	list := make([]string, len(defaultUnits))
	for i, u := range defaultUnits {
		list[i] = tidy(u)
	}
	return list
}

// isEnergy reports whether a unit is one of energy or power, which the error of
// the instrument is about: J or W is one of its parts, as in prefill-J/op,
// goodput-tokens/J and idle-W.
func isEnergy(unit string) bool {
	for _, part := range strings.FieldsFunc(unit, func(r rune) bool { return strings.ContainsRune("/-*", r) }) {
		switch part {
		case "J", "mJ", "kJ", "W", "mW", "kW", "Wh", "kWh":
			return true
		}
	}
	return false
}

// mayBeNegative reports whether values below zero are measurements: energy above
// idle is, where a GPU used less than when it was idle.
func mayBeNegative(unit string) bool { return strings.HasPrefix(unit, "net-") }

// mayBeZero reports whether 0 is a measurement of a unit of energy or power: what
// is above idle or what is idle may be nothing, and so may the tokens that arrived
// in time. A whole run takes joules; that it took none says that nothing was
// measured.
func mayBeZero(unit string) bool {
	return mayBeNegative(unit) || strings.HasPrefix(unit, "idle-") || strings.HasPrefix(unit, "goodput-")
}

// builtinBetter is the direction of the standard units, and of ours: -1 if less is
// better, +1 if more is, 0 if that is not known.
func builtinBetter(unit string) int {
	if dir := (benchfmt.UnitMetadataMap{}).GetBetter(unit); dir != 0 {
		return dir
	}
	dir, _ := metrictable.Better(unit)
	return int(dir)
}

// errorUnits are the units in which the error of a unit of energy may be reported: that of
// a phase or role for its joules, and else that of the whole.
func errorUnits(u *unit) []string {
	if !u.energy {
		return nil
	}
	return errorNames(u.name)
}

// ErrorUnits are the units in which the error of a unit may be reported, in percent, the
// nearest first: prefill-err-% and err-% of prefill-J/op. There are none of what is no
// energy.
func ErrorUnits(unit string) []string {
	if !isEnergy(unit) {
		return nil
	}
	return errorNames(unit)
}

// errorNames are the units that the error of a unit would have, were it one of energy.
func errorNames(unit string) (list []string) {
	for i, r := range unit {
		if r == '-' {
			list = append(list, unit[:i]+"-err-%")
		}
	}
	return append(list, "err-%")
}

// directions finds out for every judged unit which direction is better, and whether
// it is exact.
func (j *judging) directions() {
	for _, u := range j.judged {
		if u.valued {
			u.better = j.direction(u.name)
			assume, _ := j.agreed(u.name, "assume")
			u.exact = j.plan.exact[u.name] || assume == "exact"
		}
	}
}

// agreed is what the files say of a unit. That they contradict each other is a
// reason not to judge.
func (j *judging) agreed(unit, key string) (value string, ok bool) {
	old, newer := j.sides[oldSide].units.Get(unit, key), j.sides[newSide].units.Get(unit, key)
	switch {
	case old == nil && newer == nil:
		return "", false
	case old == nil:
		return newer.Value, true
	case newer != nil && old.Value != newer.Value:
		j.blameInput("%s is %s=%s in %s and %s=%s in %s: correct one of them", unit,
			key, old.Value, position(old), key, newer.Value, position(newer))
	}
	return old.Value, true
}

func position(m *benchfmt.UnitMetadata) string {
	name, line := m.Pos()
	return fmt.Sprintf("%s:%d", name, line)
}

// direction is that of a unit: as the files say, else as the gate knows, else as
// the user says.
func (j *judging) direction(unit string) int {
	said := j.plan.better[unit]
	known := builtinBetter(unit)
	if value, ok := j.agreed(unit, "better"); ok {
		known = map[string]int{"lower": -1, "higher": +1}[value]
		switch builtin := builtinBetter(unit); {
		case known == 0:
			j.blameInput("the files say better=%s of %s: it is lower or higher", value, unit)
			return 0
		case builtin != 0 && builtin != known && said != known:
			j.blameInput("the files say %s of %s, which is the opposite of what is known: correct the line Unit, or confirm it with -unit '%s %s'",
				betterName(known), unit, unit, betterName(known))
			return 0
		}
	}
	switch {
	case said != 0 && known != 0 && said != known:
		j.blameInput("-unit says of %s the opposite of what is known: %s", unit, betterName(known))
	case known != 0:
		return known
	case said == 0 && !j.alone: // a budget has a direction of its own
		j.blameInput("it is not known whether more %s is better or worse: say -unit '%s better=lower' or '%s better=higher'", unit, unit, unit)
	}
	return said
}

func betterName(dir int) string {
	if dir > 0 {
		return "better=higher"
	}
	return "better=lower"
}
