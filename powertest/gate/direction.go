package gate

import (
	"fmt"

	"golang.org/x/perf/benchfmt"
)

// metadata finds out for every judged unit which direction is better, and whether
// it is exact.
func (j *judging) metadata() {
	for u, unit := range j.units {
		if !j.wants[u] || !j.hasUnit(u) {
			continue
		}
		j.better[unit] = j.direction(unit)
		assume, ok := j.agreed(unit, "assume")
		j.exactU[unit] = j.exact[unit] || ok && assume == "exact"
	}
}

// hasUnit reports whether any cell has values of a unit.
func (j *judging) hasUnit(u int) bool {
	for _, p := range j.cells {
		for _, c := range p {
			if c != nil && c.values(u) != nil {
				return true
			}
		}
	}
	return false
}

// agreed is what the files say of a unit. That they contradict each other is a
// reason not to judge.
func (j *judging) agreed(unit, key string) (value string, ok bool) {
	var found [2]*benchfmt.UnitMetadata
	for s := range j.sides {
		found[s] = j.sides[s].units.Get(unit, key)
	}
	old, new := found[oldSide], found[newSide]
	switch {
	case old == nil && new == nil:
		return "", false
	case old == nil:
		return new.Value, true
	case new != nil && old.Value != new.Value:
		j.blameInput("%s is %s=%s in %s and %s=%s in %s: correct one of them", unit,
			key, old.Value, position(old), key, new.Value, position(new))
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
