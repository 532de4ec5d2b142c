package gate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// judgeRows judges all rows by the statistics that they have. The p-values of those that
// are tested are corrected for being so many.
func judgeRows(list []candidate, alpha float64) {
	var tested []int
	var ps []float64
	for i := range list {
		if list[i].tested() {
			tested, ps = append(tested, i), append(ps, list[i].p)
		}
	}
	family := len(tested)
	adjusted, levels := holm(ps, alpha)
	for k, i := range tested {
		list[i].row.PAdjusted, list[i].level = adjusted[k], levels[k]
	}
	each(list, func(c *candidate) {
		c.interval()
		r := &c.row
		switch {
		case r.Bound != "":
			r.Verdict, r.Why = budgetVerdict(r)
		case r.Exact:
			r.Verdict, r.Why = exactVerdict(r)
		default:
			r.Verdict, r.Why = testedVerdict(r, c.p, alpha, family)
		}
		c.unseen(alpha / float64(max(1, family)))
	})
}

// moved is the verdict for a row whose medians differ for certain.
func moved(r *Row) Verdict {
	switch {
	case r.Better == 0:
		return VerdictInconclusive
	case (r.Delta > 0) == (r.Better > 0):
		return VerdictImprovement
	}
	return VerdictRegression
}

// times is how many times the larger side is the smaller.
func (r *Row) times() float64 {
	if r.Test == TestPaired {
		return math.Exp(math.Abs(math.Log1p(r.Delta)))
	}
	return ratio(r.Old.Center, r.New.Center)
}

// tooFew reports whether there are so few samples that none could be significant.
func (r *Row) tooFew(level float64) bool {
	return r.Test == TestUnpaired && smallestP(r.Old.N, r.New.N) >= level
}

// Why rows are inconclusive that more samples would not help.
const (
	whyNegative   = "a value is negative, and has no share"
	whyNotExact   = "the unit is not exact: the values of one side vary"
	whyDirection  = "it is not known which direction is better"
	whyInstrument = "less than the instrument's error"
)

// testedVerdict judges a row by its statistics. p is its p-value alone, and family the
// number of rows that are tested with it.
func testedVerdict(r *Row, p, alpha float64, family int) (Verdict, string) {
	if math.IsNaN(r.Delta) {
		return VerdictInconclusive, whyNegative
	}
	change := r.times()
	big := atLeast(change, r.Threshold) && r.Delta != 0
	switch significant := r.PAdjusted < alpha; {
	case !significant && r.tooFew(alpha/float64(family)):
		return VerdictInconclusive, fmt.Sprintf("%d+%d samples cannot show a change among %s",
			r.Old.N, r.New.N, count(family, "comparison"))
	case !significant && big && p < alpha:
		return VerdictSame, fmt.Sprintf("p=%s alone, but not among %s", formatP(p), count(family, "comparison"))
	case !significant && big:
		return VerdictSame, "noise is as large as the change"
	case !significant:
		return VerdictSame, ""
	case !big:
		return VerdictSame, "below the threshold of " + percent(r.Threshold)
	case !atLeast(change, r.InstrumentError) && r.InstrumentError > 0:
		// It is no regression, but neither can one be ruled out.
		why := whyInstrument + " of " + percent(r.InstrumentError)
		if moved(r) == VerdictRegression {
			return VerdictInconclusive, why
		}
		return VerdictSame, why
	case r.Better == 0:
		return VerdictInconclusive, whyDirection
	}
	return moved(r), ""
}

// exactVerdict judges a unit that is the same in every run.
func exactVerdict(r *Row) (Verdict, string) {
	low, high := r.Old, r.New
	if low.Low > high.Low {
		low, high = high, low
	}
	varies := r.Old.Low != r.Old.High || r.New.Low != r.New.High
	switch {
	case varies && low.High >= high.Low:
		return VerdictInconclusive, whyNotExact
	case low.Low == high.Low:
		return VerdictSame, ""
	case math.IsNaN(r.Delta) || low.Low < 0:
		return VerdictInconclusive, whyNegative
	case !atLeast(ratio(low.Low, high.High), r.Threshold):
		return VerdictSame, "below the threshold of " + percent(r.Threshold)
	case !atLeast(ratio(low.High, high.Low), r.Threshold): // some pairs of values are above it, and some below
		return VerdictInconclusive, whyNotExact
	case r.Better == 0:
		return VerdictInconclusive, whyDirection
	}
	return moved(r), ""
}

// budgetVerdict judges a row that is a budget: by its median.
func budgetVerdict(r *Row) (Verdict, string) {
	switch {
	case r.Bound == "max" && r.New.Center > r.Limit:
		return VerdictOverBudget, "more than " + formatValue(r.Limit, r.Unit)
	case r.Bound == "min" && r.New.Center < r.Limit:
		return VerdictOverBudget, "less than " + formatValue(r.Limit, r.Unit)
	}
	return VerdictWithinBudget, ""
}

// outcome decides what the rows come to, and says why. What makes the input unfit
// comes before all; a regression comes before what could not be judged.
func (j *judging) outcome() {
	r := j.report
	before := len(r.Reasons)
	worse, over := j.failing(VerdictRegression), j.failing(VerdictOverBudget)
	if worse.n > 0 {
		r.addReason("%s: %s; %s", count(worse.n, "regression"), &worse, adviceOnFailure(VerdictRegression))
	}
	if over.n > 0 {
		r.addReason("%d over budget: %s; %s", over.n, &over, adviceOnFailure(VerdictOverBudget))
	}
	r.sums = slices.Clone(r.Reasons[before:])
	if len(r.Rows) == 0 && !j.broken {
		var units []string
		for _, u := range j.judged {
			units = append(units, u.name)
		}
		j.blameInput("nothing was compared: no benchmark has %s on both sides; "+
			"say what to judge with -threshold 'UNIT=3%%' or -filter '.unit:UNIT'", strings.Join(units, ", "))
	}
	j.missed()
	j.inconclusive()
	for i, w := range j.waivers {
		if !j.waived[i] {
			r.warn("the waiver of %s %s (line %d) waives nothing: remove it", w.Benchmark, w.Unit, w.Line)
		}
	}
	for _, x := range r.Rejected[:min(maxFaults, len(r.Rejected))] {
		r.warn("%s", x)
	}
	if more := len(r.Rejected) - maxFaults; more > 0 {
		r.warn("of %d more benchmarks some samples are not used", more)
	}
	slices.Sort(r.Warnings)
	r.Warnings = slices.Compact(r.Warnings)
	switch {
	case j.broken:
		r.Outcome = CannotJudge
	case worse.n+over.n > 0:
		r.Outcome = Regression
	case j.unsure:
		r.Outcome = CannotJudge
	}
}

// failing are the rows with a verdict that are not waived, each with its change.
func (j *judging) failing(v Verdict) (list names) {
	for i := range j.report.Rows {
		r := &j.report.Rows[i]
		if r.Verdict != v || r.Waived != nil {
			continue
		}
		change := formatDelta(r.Delta)
		if r.Bound != "" {
			change = r.Why
		}
		list.add(r.Name() + " " + r.Unit + " " + change)
	}
	return list
}

// inconclusive reports rows that could not be judged: how many samples would do,
// and what else keeps them.
func (j *judging) inconclusive() {
	few, least := 0, math.MaxInt
	others := map[string]*names{} // by advice
	for i := range j.report.Rows {
		r := &j.report.Rows[i]
		if r.Verdict != VerdictInconclusive {
			continue
		}
		j.unsure = true
		if r.tooFew(j.alpha / float64(j.report.Family)) {
			few++
			least = min(least, r.Old.N, r.New.N)
		} else if r.Better != 0 && !r.hides() { // else it is reported for the unit
			advice := adviceFor(r)
			if others[advice] == nil {
				others[advice] = new(names)
			}
			others[advice].add(r.Name() + " " + r.Unit + " (" + r.Why + ")")
		}
	}
	if few > 0 {
		j.report.addReason("too few samples (%d) for %d of %s to be significant at %g: run both sides with -count %d",
			least, few, count(j.report.Family, "comparison"), j.alpha, samplesFor(j.report.Family, j.alpha))
	}
	for _, advice := range slices.Sorted(maps.Keys(others)) {
		j.report.addReason("%d inconclusive: %s; %s", others[advice].n, others[advice], advice)
	}
	j.hidden()
}

// adviceOnFailure says what to do about a row that failed.
func adviceOnFailure(v Verdict) string {
	if v == VerdictOverBudget {
		return "look for the cause, or change the budget"
	}
	return "look for the cause, or waive it until a day"
}

// adviceFor says what would make a row conclusive.
func adviceFor(r *Row) string {
	switch r.Why {
	case whyNotExact:
		return "without assume=exact, take samples as for other units"
	case whyNegative:
		return "judge another unit"
	}
	return "run longer: a benchmark with a larger -benchtime"
}
