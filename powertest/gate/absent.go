package gate

import "strings"

// Absent is a benchmark, or its values in one unit, that a side does not have.
type Absent struct {
	Benchmark string `json:"benchmark"`
	Unit      string `json:"unit,omitempty"` // empty: the benchmark as a whole
	Config    string `json:"config,omitempty"`
	// Side is the one that lacks it, "old" or "new".
	Side   string  `json:"side"`
	Waived *Waiver `json:"waived,omitempty"`
	// lost: the old side has the unit. No policy excuses that, for a run that
	// measured nothing looks just like it.
	lost bool
}

var sideNames = [2]string{oldSide: "old", newSide: "new"}

// missing adds what a side lacks, unless it is waived. A waiver of one unit is
// about its values, and does not hold where there are none.
func (j *judging) missing(side int, a Absent) {
	a.Side = sideNames[side]
	a.Waived = j.waiver(a.Benchmark, "")
	j.report.Missing = append(j.report.Missing, a)
}

// missed tells of benchmarks and units that a side lacks.
func (j *judging) missed() {
	old, new := j.sides[oldSide].name, j.sides[newSide].name
	j.absent("missing in "+new+": ", "run them, or -missing warn", true,
		func(a *Absent) bool { return a.Side == sideNames[newSide] && !a.lost })
	j.absent("missing in "+new+": ", old+" has it: measure the new side again, or waive all units (*) of the benchmark", false,
		func(a *Absent) bool { return a.lost })
	j.absent("missing in "+old+": ", "measure the old side again, or -missing warn if it is new there", true,
		func(a *Absent) bool { return a.Side == sideNames[oldSide] })
}

// absent tells of what is missing in one way. Some ways are excused by the policy.
func (j *judging) absent(what, advice string, excusable bool, in func(a *Absent) bool) {
	var names []string
	n := 0
	for i := range j.report.Missing {
		m := &j.report.Missing[i]
		if m.Waived != nil || !in(m) {
			continue
		}
		if n++; n <= maxNames {
			names = append(names, m.String())
		}
	}
	switch {
	case n == 0:
	case excusable && j.plan.missing == Warn:
		j.report.warn("%s%s", what, enumerate(names, n))
	default:
		j.unsure = true
		j.report.blame("%s%s; %s", what, enumerate(names, n), advice)
	}
}

// String returns "Chat-8 J/op", or "Chat-8" of a benchmark as a whole.
func (a *Absent) String() string {
	return strings.TrimSpace(a.Benchmark + " " + clean(a.Unit))
}
