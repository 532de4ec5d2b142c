package gate

import (
	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// index adds a unit to those whose values are kept.
func (t *table) index(unit string, judged bool) int {
	i := len(t.units)
	t.unit[unit] = i
	t.units = append(t.units, unit)
	t.wants = append(t.wants, judged)
	return i
}

// unitInfo is what is to be done with the values of a unit.
type unitInfo struct {
	kept   bool
	index  int // if they are kept
	energy bool
	seen   [2]bool // on which sides
}

// meet finds out about a unit that was not seen before.
func (t *table) meet(unit string) *unitInfo {
	u := &unitInfo{energy: isEnergy(unit)}
	if u.index, u.kept = t.unit[unit]; !u.kept && isError(unit) {
		u.index, u.kept = t.index(unit, false), true
	}
	t.known[unit] = u
	return u
}

// promote makes a unit one that is judged, for the filter names it.
func (t *table) promote(u *unitInfo, unit string) {
	t.judge(unit)
	if u.kept {
		t.wants[u.index] = true
		return
	}
	u.index, u.kept = t.index(unit, true), true
}

// probe is a unit that nobody asks for.
var probe = benchfmt.Value{Unit: "\x00"}

// namedBy returns which values of a result the filter names by their unit. A
// filter such as -.unit:B/op lets others through, but it names none: it would let
// any unit through.
func (t *table) namedBy(r *benchfmt.Result, match benchproc.Match) func(i int) bool {
	if !t.unitFilter {
		return nil
	}
	r.Values = append(r.Values, probe)
	any, err := t.filter.Match(r)
	r.Values = r.Values[:len(r.Values)-1]
	if err != nil || any.Test(len(r.Values)) {
		return nil
	}
	return match.Test
}
