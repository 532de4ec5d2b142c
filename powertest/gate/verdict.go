package gate

import (
	"fmt"
	"math"
	"slices"
)

var nan = math.NaN()

// Why rows are inconclusive that more samples would not help.
const (
	whyNegative   = "a value is negative, and has no share"
	whyNotExact   = "the unit is not exact: the values of one side vary"
	whyInstrument = "less than the instrument's error"
)

// share is the change from old to new as a share of old.
func share(old, new float64) float64 {
	switch {
	case old == new:
		return 0
	case old < 0 || new < 0:
		return nan
	case old == 0:
		return math.Inf(1)
	}
	return new/old - 1
}

// instrument is the share by which the medians of a unit may differ because the
// instrument is wrong: the root of the sum of the squares of both sides'
// half-widths, each the median of what its samples say in err-%. It is not a
// number for what is no energy, or where nothing is said.
func (j *judging) instrument(unit string, p *pair) float64 {
	if !isEnergy(unit) {
		return nan
	}
	sum, known := 0.0, false
	for _, c := range p {
		name := errorUnit(unit, func(u string) bool {
			i, ok := j.unit[u]
			return ok && c.values(i) != nil
		})
		i, ok := j.unit[name]
		if !ok {
			continue
		}
		if values := c.values(i); values != nil {
			half := median(values) / 100
			sum += half * half
			known = true
		}
	}
	if !known {
		return nan
	}
	return math.Sqrt(sum)
}

// verdicts judges all rows, once it is known how many there are.
func (j *judging) verdicts() {
	rows := j.report.Rows
	var tested []int
	var ps []float64
	for i := range rows {
		if rows[i].Bound == "" && !rows[i].Exact {
			tested = append(tested, i)
			ps = append(ps, rows[i].judged)
		}
	}
	j.report.Family = len(tested)
	for k, p := range holm(ps) {
		rows[tested[k]].PAdjusted = p
	}
	for i := range rows {
		r := &rows[i]
		switch {
		case r.Bound != "":
			r.Verdict, r.Why = overBudget(r)
		case r.Exact:
			r.Verdict, r.Why = j.exactVerdict(r)
		default:
			r.Verdict, r.Why = j.verdict(r)
		}
		if r.failed() {
			r.Waived = j.waiver(r.Benchmark, r.Unit)
		}
	}
}

// moved is the verdict for a row whose medians differ for certain.
func moved(r *Row) Verdict {
	switch {
	case r.Better == 0:
		return VerdictInconclusive
	case (r.New.Center > r.Old.Center) == (r.Better > 0):
		return VerdictImprovement
	}
	return VerdictRegression
}

// verdict judges a row by its statistics.
func (j *judging) verdict(r *Row) (Verdict, string) {
	if math.IsNaN(r.Delta) {
		return VerdictInconclusive, whyNegative
	}
	change := ratio(r.Old.Center, r.New.Center)
	big := atLeast(change, r.Threshold) && r.Old.Center != r.New.Center
	switch significant := r.PAdjusted < j.alpha; {
	case !significant && smallestP(r.Old.N, r.New.N) >= j.alpha/float64(j.report.Family):
		return VerdictInconclusive, fmt.Sprintf("%d+%d samples cannot show a change among %s",
			r.Old.N, r.New.N, count(j.report.Family, "comparison"))
	case !significant && big && r.judged < j.alpha:
		return VerdictSame, fmt.Sprintf("p=%s alone, but not among %s", formatP(r.judged), count(j.report.Family, "comparison"))
	case !significant && big:
		return VerdictSame, "noise is as large as the change"
	case !significant:
		return VerdictSame, ""
	case !big:
		return VerdictSame, "below the threshold of " + percent(r.Threshold)
	case !atLeast(change, r.InstrumentError) && r.InstrumentError > 0:
		return j.withinError(r)
	case r.Better == 0:
		return VerdictInconclusive, "it is not known which direction is better"
	}
	return moved(r), ""
}

// withinError judges a change that the samples show, and that the instrument
// could make: it is no regression, but neither can one be ruled out.
func (j *judging) withinError(r *Row) (Verdict, string) {
	why := whyInstrument + " of " + percent(r.InstrumentError)
	if moved(r) == VerdictRegression {
		return VerdictInconclusive, why
	}
	return VerdictSame, why
}

// exactVerdict judges a unit that is the same in every run.
func (j *judging) exactVerdict(r *Row) (Verdict, string) {
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
		return VerdictInconclusive, "it is not known which direction is better"
	}
	return moved(r), ""
}

// budgets adds the rows of budgets for a benchmark of the new side. One that lacks
// a budget's unit, or all of whose samples are invalid, cannot have kept it.
func (j *judging) budgets(name, config string, p *pair) {
	old, c := p[oldSide], p[newSide]
	if c.samples == 0 && old == nil && len(j.bounds) > 0 {
		j.missing(newSide, Absent{Benchmark: name, Config: config})
	}
	for i, b := range j.bounds {
		u := j.unit[b.unit]
		if c.values(u) == nil {
			told := c.samples == 0 || old != nil && old.values(u) != nil ||
				slices.ContainsFunc(j.bounds[:i], func(other bound) bool { return other.unit == b.unit })
			if !told && j.seen(newSide, b.unit) {
				j.missing(newSide, Absent{Benchmark: name, Unit: b.unit, Config: config})
			}
			continue
		}
		j.report.Rows = append(j.report.Rows, Row{
			Benchmark: name, Unit: b.unit, Config: config,
			Better: j.better[b.unit], Exact: j.exactU[b.unit],
			Delta: nan, P: nan, PAdjusted: nan, InstrumentError: nan,
			Bound: b.kind, Limit: b.limit, Pooled: c.pooled(), new: c,
		})
	}
}

// overBudget judges a row that is a budget: by its median.
func overBudget(r *Row) (Verdict, string) {
	switch {
	case r.Bound == "max" && r.New.Center > r.Limit:
		return VerdictOverBudget, "more than " + formatValue(r.Limit, r.Unit)
	case r.Bound == "min" && r.New.Center < r.Limit:
		return VerdictOverBudget, "less than " + formatValue(r.Limit, r.Unit)
	}
	return VerdictWithinBudget, ""
}

// waiver finds the waiver of a regression. One that has expired is no waiver, but
// is told of.
func (j *judging) waiver(benchmark, unit string) *Waiver {
	for i := range j.waivers {
		w := &j.waivers[i]
		if !w.covers(benchmark, unit) {
			continue
		}
		j.waived[i] = true
		if j.now.After(w.Until) {
			j.report.warn("the waiver of %s %s (line %d) expired on %s", w.Benchmark, w.Unit, w.Line, w.Until.Format("2006-01-02"))
			continue
		}
		return w
	}
	return nil
}
