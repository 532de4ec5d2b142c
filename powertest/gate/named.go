package gate

import (
	"maps"
	"slices"
)

// named tells of units that were asked for, and that a side does not have. What
// is asked for and not there must not pass for what was judged.
func (j *judging) named() {
	if j.broken {
		return
	}
	withheld := j.wantsUnit("J/op") && j.withheld()
	for _, unit := range slices.Sorted(maps.Keys(j.plan.named)) {
		who := j.plan.named[unit]
		old, new := j.seen(oldSide, unit) || j.alone, j.seen(newSide, unit)
		switch {
		case old && new, withheld && unit == "J/op":
		case j.alone, !old && !new:
			j.blameInput("%s, which no result has, is named by %s: correct the unit", clean(unit), who)
		default:
			lacking := j.sides[newSide].name
			if !old {
				lacking = j.sides[oldSide].name
			}
			j.blameInput("%s, which no result of %s has, is named by %s: measure that side again, or do not name the unit", clean(unit), lacking, who)
		}
	}
	if !withheld && j.wantsUnit("J/op") && !j.hasUnit(j.unit["J/op"]) && j.plan.named["J/op"] == "" && j.announced("J/op") {
		j.report.warn("no result has joules, though the files announce them: only other units were judged")
	}
}

// wantsUnit reports whether a unit is judged.
func (j *judging) wantsUnit(unit string) bool {
	u, ok := j.unit[unit]
	return ok && j.wants[u]
}

// seen reports whether a result of a side, which the filter lets through and which
// is not marked invalid, has a unit.
func (t *table) seen(side int, unit string) bool {
	u := t.known[unit]
	return u != nil && u.seen[side]
}

// withheld tells of files that were measured and have no joules at all: every one
// was withheld, and what remains says nothing of energy. It reports whether there
// are any.
func (j *judging) withheld() bool {
	found := false
	for s := range j.sides {
		if file := &j.sides[s]; file.source && !file.joules && file.used > 0 {
			found = true
			j.blameInput("no result of %s has joules, though it has an energy-source: all were withheld; see why in the benchmarks' log, or judge other units with -units", file.name)
		}
	}
	return found
}

// announced reports whether a file has a Unit line of a unit.
func (j *judging) announced(unit string) bool {
	for s := range j.sides {
		if j.sides[s].units.Get(unit, "better") != nil {
			return true
		}
	}
	return false
}
