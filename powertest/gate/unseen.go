package gate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// What a verdict of "same" does not exclude is the end of the interval of the change, on
// the side of the worse, made worse by the instrument's error. In 1-alpha of all
// comparisons no row has become worse by more than its Unseen, however many rows there
// are: the intervals of rows that are not significant, at the level of the last of Holm's
// steps, hold together (Guilbaud, "Simultaneous confidence regions corresponding to
// Holm's step-down procedure", Biometrical Journal 50, 2008). To require that it is at
// most some share is a test of non-inferiority with that share as the margin.

// unseen fills in what the samples of a row that is the same do not exclude, and makes
// it inconclusive if that is more than may be. The level is that of Holm's first step.
func (c *candidate) unseen(level float64) {
	r := &c.row
	switch {
	case r.Bound != "" || r.Verdict != VerdictSame:
		return
	case r.Exact:
		r.Unseen = r.worse(times(r.Old.High, r.New.Low), times(r.Old.Low, r.New.High))
	default:
		r.Unseen = (1+r.worse(1+r.DeltaLow, 1+r.DeltaHigh))*(1+r.instrument()) - 1
	}
	if math.IsNaN(r.MaxUnseen) || atMost(r.Unseen, r.MaxUnseen) {
		return
	}
	r.Verdict = VerdictInconclusive
	r.Why = fmt.Sprintf("a change for the worse of %s could have gone unseen, and of %s may", upTo(r.Unseen), percent(r.MaxUnseen))
	if !r.Exact {
		r.Needed = samplesNeeded(c.scale(), r.Test, margin(r.MaxUnseen, r.instrument()), level)
	}
}

// times is how many times a value another one is.
func times(from, to float64) float64 {
	if from == to {
		return 1
	}
	return to / from
}

// worse is the share by which a value became worse at most, if it became so many times
// what it was. What is better is no change for the worse.
func (r *Row) worse(low, high float64) float64 {
	worst := 1.0
	if r.Better <= 0 {
		worst = math.Max(worst, high)
	}
	if r.Better >= 0 {
		if low <= 0 {
			return math.Inf(1)
		}
		worst = math.Max(worst, 1/low)
	}
	return worst - 1
}

// instrument is the instrument's error; 0 if there is none.
func (r *Row) instrument() float64 {
	if math.IsNaN(r.InstrumentError) {
		return 0
	}
	return r.InstrumentError
}

// atMost reports whether a share is no more than another. Rounding does not make it more.
func atMost(share, most float64) bool { return 1+share <= (1+most)*(1+1e-12) }

// hides reports whether a row is inconclusive because of what could have gone unseen.
func (r *Row) hides() bool { return r.Verdict == VerdictInconclusive && r.Unseen > r.MaxUnseen }

// Hopeless reports whether a row is inconclusive because of MaxUnseen, and would be with
// any number of samples.
func (r *Row) Hopeless() bool { return r.hides() && r.Needed == 0 }

// upTo is a share that something may be, for a sentence.
func upTo(share float64) string {
	if math.IsInf(share, 1) {
		return "any size"
	}
	return "up to " + RoundedUp(share)
}

// RoundedUp writes a share in percent: two digits, rounded up, for it is said of no more.
func RoundedUp(share float64) string {
	if share <= 0 {
		return "0 %"
	}
	unit := math.Pow(10, math.Floor(math.Log10(share*100))-1)
	rounded := math.Ceil(share*100/unit-1e-9) * unit
	return strconv.FormatFloat(rounded, 'f', max(0, -int(math.Round(math.Log10(unit)))), 64) + " %"
}

// unseenCell is Unseen in a table; empty if there is none.
func (r *Row) unseenCell() string {
	switch {
	case math.IsNaN(r.Unseen):
		return ""
	case math.IsInf(r.Unseen, 1):
		return "unbounded"
	}
	return RoundedUp(r.Unseen)
}

// leastSeen is the row of a pass in which the largest change could have gone unseen;
// nil if in none of them one could.
func (r *Report) leastSeen() *Row {
	var worst *Row
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Unseen > 0 && (worst == nil || row.Unseen > worst.Unseen) {
			worst = row
		}
	}
	return worst
}

// hidden reports rows that are inconclusive because too much could have gone unseen, by
// what would do.
func (j *judging) hidden() {
	rows, needed := map[string]*names{}, 0
	for i := range j.report.Rows {
		r := &j.report.Rows[i]
		if !r.hides() {
			continue
		}
		advice := r.unseenAdvice()
		if rows[advice] == nil {
			rows[advice] = new(names)
		}
		needed = max(needed, r.Needed)
		rows[advice].add(fmt.Sprintf("%s %s (%s, and %s may)", r.Name(), r.Unit, upTo(r.Unseen), percent(r.MaxUnseen)))
	}
	for _, advice := range slices.Sorted(maps.Keys(rows)) {
		list := rows[advice]
		if advice == "" {
			advice = fmt.Sprintf("run both sides with -count %d", needed)
		}
		j.report.addReason("a change for the worse could have gone unseen in %s: %s", list, advice)
	}
}

// unseenAdvice is what to do about a row for which no number of samples would do; empty if
// one would.
func (r *Row) unseenAdvice() string {
	switch {
	case r.Needed > 0:
		return ""
	case math.IsInf(r.Unseen, 1):
		return "no -count would do, for values that are 0 or less have no ratio; judge another unit"
	case r.Exact:
		return "no -count would do, for the unit is exact, and has changed by that; look for the cause"
	case r.instrument() >= r.MaxUnseen:
		return "no -count would do, for the instrument's error alone is as large; run longer: a benchmark with a larger -benchtime"
	}
	return fmt.Sprintf("it takes a -count of more than %d; make the benchmark quieter", most)
}
