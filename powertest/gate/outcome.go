package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// outcome decides what the rows come to, and says why. What makes the input unfit
// comes before all; a regression comes before what could not be judged.
func (j *judging) outcome() {
	r := j.report
	failed := 0
	for i := range r.Rows {
		if r.Rows[i].failed() {
			failed++
		}
	}
	j.regressions(failed)
	j.overBudgets()
	if len(r.Rows) == 0 && !j.broken {
		j.blameInput("nothing was compared: no benchmark has %s on both sides; say what to judge with -threshold 'UNIT=3%%' or -filter '.unit:UNIT'", strings.Join(j.judged(), ", "))
	}
	j.missed()
	j.inconclusive()
	j.unused()
	for i, x := range r.Rejected {
		if i == maxFaults {
			r.warn("of %d more benchmarks some samples are not used", len(r.Rejected)-i)
			break
		}
		r.warn("%s", x)
	}
	slices.Sort(r.Warnings)
	r.Warnings = slices.Compact(r.Warnings)
	switch {
	case j.broken:
		r.Outcome = CannotJudge
	case failed > 0:
		r.Outcome = Regression
	case j.unsure:
		r.Outcome = CannotJudge
	}
}

// judged are the units that are judged.
func (j *judging) judged() []string {
	var list []string
	for u, unit := range j.units {
		if j.wants[u] {
			list = append(list, unit)
		}
	}
	return list
}

// regressions names those that are not waived.
func (j *judging) regressions(failed int) {
	j.list(VerdictRegression, func(names string, n int) {
		j.report.blame("%s: %s; look for the cause, or waive it until a day", count(n, "regression"), names)
	})
}

func (j *judging) overBudgets() {
	j.list(VerdictOverBudget, func(names string, n int) {
		j.report.blame("%d over budget: %s; look for the cause, or change the budget", n, names)
	})
}

// list names the rows with a verdict, if there are any: the first ones.
func (j *judging) list(v Verdict, say func(names string, n int)) {
	var names []string
	n := 0
	for i := range j.report.Rows {
		r := &j.report.Rows[i]
		if r.Verdict != v || r.Waived != nil {
			continue
		}
		if n++; n <= maxNames {
			names = append(names, r.Benchmark+" "+r.Unit+changeOf(r))
		}
	}
	if n > 0 {
		say(enumerate(names, n), n)
	}
}

// changeOf is the change of a row, for a sentence.
func changeOf(r *Row) string {
	switch {
	case r.Bound != "":
		return " " + r.Why
	case r.Verdict == VerdictInconclusive:
		return ""
	}
	return " " + formatDelta(r.Delta)
}

// maxNames is how many benchmarks a sentence names.
const maxNames = 5

func enumerate(names []string, n int) string {
	s := strings.Join(names, ", ")
	if n > len(names) {
		s += fmt.Sprintf(" and %d more", n-len(names))
	}
	return s
}

// inconclusive tells of rows that could not be judged: how many samples would do,
// and what else keeps them.
func (j *judging) inconclusive() {
	few, least := 0, 0
	others := map[string]*rowNames{} // by advice
	for i := range j.report.Rows {
		r := &j.report.Rows[i]
		if r.Verdict != VerdictInconclusive {
			continue
		}
		j.unsure = true
		if !r.Exact && smallestP(r.Old.N, r.New.N) >= j.alpha/float64(j.report.Family) {
			if few++; few == 1 || min(r.Old.N, r.New.N) < least {
				least = min(r.Old.N, r.New.N)
			}
			continue
		}
		if r.Better == 0 {
			continue // told of for the unit
		}
		advice := adviceFor(r)
		if others[advice] == nil {
			others[advice] = new(rowNames)
		}
		others[advice].add(r.Benchmark + " " + r.Unit + " (" + r.Why + ")")
	}
	if few > 0 {
		need := samplesFor(j.report.Family, j.alpha)
		j.report.blame("too few samples (%d) for %d of %s to be significant at %g: run both sides with -count %d",
			least, few, count(j.report.Family, "comparison"), j.alpha, need)
	}
	for _, advice := range slices.Sorted(maps.Keys(others)) {
		o := others[advice]
		j.report.blame("%d inconclusive: %s; %s", o.n, enumerate(o.first, o.n), advice)
	}
}

// rowNames are the first names of rows, and how many there are.
type rowNames struct {
	first []string
	n     int
}

func (l *rowNames) add(name string) {
	if l.n++; l.n <= maxNames {
		l.first = append(l.first, name)
	}
}

// adviceFor says what would make a row conclusive.
func adviceFor(r *Row) string {
	switch r.Why {
	case whyNotExact:
		return "without assume=exact, take samples as for other units"
	case whyNegative:
		return "judge another unit"
	}
	return "run longer, with a larger -benchtime"
}

// unused warns of waivers that waive nothing.
func (j *judging) unused() {
	for i, w := range j.waivers {
		if !j.waived[i] {
			j.report.warn("the waiver of %s %s (line %d) waives nothing: remove it", w.Benchmark, w.Unit, w.Line)
		}
	}
}
