package gate

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
)

// Errors that Judge, JudgeReaders, Budget and ReadWaivers wrap. With either of
// them nothing was judged, and a command ends with code 2, as it does when a
// report says [CannotJudge].
var (
	// ErrUsage: it is not clear what was asked for.
	ErrUsage = errors.New("wrong use of the gate")
	// ErrInput: a file cannot be opened or read.
	ErrInput = errors.New("cannot read the input")
)

// Outcome is what a comparison comes to.
type Outcome int

const (
	// Pass: nothing that was judged is worse, and everything could be judged.
	Pass Outcome = iota
	// Regression: something is worse, or over its budget.
	Regression
	// CannotJudge: the files do not allow a verdict. It is not a pass.
	CannotJudge
)

// ExitCode is what a command ends with: 0, 1 or 2, and never anything else.
func (o Outcome) ExitCode() int {
	switch o {
	case Pass, Regression:
		return int(o)
	}
	return 2
}

// String returns "pass", "regression" or "cannot judge".
func (o Outcome) String() string {
	switch o {
	case Pass:
		return "pass"
	case Regression:
		return "regression"
	}
	return "cannot judge"
}

// Verdict is what a row comes to.
type Verdict string

// The verdicts.
const (
	VerdictRegression   Verdict = "regression"
	VerdictImprovement  Verdict = "improvement"
	VerdictSame         Verdict = "same"
	VerdictInconclusive Verdict = "inconclusive"  // the samples could not have shown a change
	VerdictOverBudget   Verdict = "over-budget"   // of a budget, or below a least value
	VerdictWithinBudget Verdict = "within-budget" //
)

// Summary is what benchmath makes of the samples of one side.
type Summary struct {
	// Center is the median; of an exact unit, the value.
	Center float64
	// Low and High are the ends of the interval in which the median is with a
	// confidence of 95 %. With fewer than six samples they are infinite.
	Low, High float64
	// N is the number of samples; 0: there is no such side.
	N int
	// Range is the interval as benchstat writes it: "2%", or "∞".
	Range string
	// Values are the samples in the order of the file, and Runs is in which run of
	// powertest ab, which counts those of both sides, each was taken; nil if the file
	// does not say.
	Values []float64
	Runs   []int
}

// Test is by what a row was tested for a difference.
type Test string

// The tests.
const (
	TestUnpaired Test = "Mann-Whitney" // of all samples of both sides
	TestPaired   Test = "signed-rank"  // of the ratios of pairs
)

// Row is a benchmark in one unit: a comparison, or a budget.
type Row struct {
	Benchmark string // as benchstat names the row
	Package   string // that the file says it is of; empty if it does not
	Unit      string // tidy: sec/op, not ns/op
	Config    string // the configuration lines that hold for it
	Better    int    // -1: less is better, +1: more is
	Exact     bool   // the unit is the same in every run: no statistics
	Old, New  Summary
	// Test is by what it was tested; empty if it was not. Pairs is how many there
	// are of samples that ran one after the other, in whole blocks.
	Test  Test
	Pairs int
	// Delta is the change of the median as a share of the old one; infinite if the
	// old one is 0, and not a number if there is none. Where the row was tested by its
	// pairs, it is that of their ratios, which a drift does not touch (the
	// Hodges-Lehmann estimate).
	Delta float64
	// DeltaLow and DeltaHigh are the ends of the interval of the change: what the test
	// does not rule out at the level at which the row was judged, which is 1 less
	// Confidence. 0 is in it if the row is not significant. They are infinite where
	// nothing bounds the change, and Confidence is 0 where nothing was tested.
	DeltaLow, DeltaHigh, Confidence float64
	// P is the p-value of the Mann-Whitney U test that benchstat shows. Where one
	// side has more samples than the other, and values are equal, it can be wrong.
	// PPaired is that of the signed-rank test, if there are pairs. PAdjusted is the
	// right one of Test after Holm's correction, by which the row is judged. They are
	// not numbers where nothing was tested.
	P, PPaired, PAdjusted float64
	// Threshold is the share by which the median must have moved.
	Threshold float64
	// InstrumentError is the share that the change may be due to the instrument
	// alone, from err-% of both sides; not a number if there is none.
	InstrumentError float64
	// Unseen is the largest change for the worse that the samples of a row do not
	// exclude, with the instrument's error, as a share: 0.05 is a larger value 1.05 times
	// the smaller one, as of Threshold. It is infinite if nothing bounds it, and not a
	// number if the verdict is another than same, or would not be but for MaxUnseen.
	// MaxUnseen is what it may be; not a number if that is not asked.
	Unseen, MaxUnseen float64
	// Needed is how many samples of each side would do for MaxUnseen, where the row is
	// inconclusive because of it; 0 if no number would.
	Needed int
	// Bound is "max" or "min" if the row is a budget, and Limit is its value.
	Bound string
	Limit float64
	// Pooled says that the samples of a side are of benchmarks with different
	// names, which Config.Row or Config.Ignore takes for one.
	Pooled  bool
	Verdict Verdict
	Why     string  // what the verdict is for, where the numbers don't say it
	Waived  *Waiver // the waiver that lets a regression pass

	label string
}

// Name is the benchmark where it stands alone: if several are called so, it has the
// package, as in example.com/p.Chat-8, and what else tells it from the others.
func (r *Row) Name() string { return cmp.Or(r.label, r.Benchmark) }

// failed reports whether a row makes the files fail.
func (r *Row) failed() bool {
	return (r.Verdict == VerdictRegression || r.Verdict == VerdictOverBudget) && r.Waived == nil
}

// Waiver is a regression that is known and accepted until a day.
type Waiver struct {
	// Benchmark is as reports write it, with or without -GOMAXPROCS, and with or
	// without the package, as in example.com/p.Chat: if several packages have the
	// benchmark, with it.
	Benchmark string    `json:"benchmark"`
	Unit      string    `json:"unit"`  // or * for all units
	Until     time.Time `json:"until"` // the end of the day, in UTC
	Reason    string    `json:"reason"`
	Line      int       `json:"line"` // of the file that it is from
}

// Absent is a benchmark, or its values in one unit, that a side does not have.
type Absent struct {
	Benchmark string `json:"benchmark"`
	Package   string `json:"package,omitempty"`
	Unit      string `json:"unit,omitempty"` // empty: the benchmark as a whole
	Config    string `json:"config,omitempty"`
	// Side is the one that lacks it, "old" or "new".
	Side   string  `json:"side"`
	Waived *Waiver `json:"waived,omitempty"`
	// lost: the old side has the unit. No policy excuses that, for a run that
	// measured nothing looks just like it.
	lost  bool
	label string
}

// Name is as that of a Row.
func (a *Absent) Name() string { return cmp.Or(a.label, a.Benchmark) }

// String returns "Chat-8 J/op", or "Chat-8" of a benchmark as a whole.
func (a *Absent) String() string {
	return strings.TrimSpace(a.Name() + " " + terminal.Line(a.Unit))
}

// Rejected are samples of a benchmark that were not used.
type Rejected struct {
	Side      string `json:"side"`
	Benchmark string `json:"benchmark"`
	Package   string `json:"package,omitempty"`
	Config    string `json:"config,omitempty"`
	Count     int    `json:"count"`
	Of        int    `json:"of"`
	Why       string `json:"why"`

	label string
}

// String returns "3 of 10 samples of Chat-8 in new.txt are not used: no J/op".
func (r Rejected) String() string {
	return fmt.Sprintf("%d of %d samples of %s in %s are not used: %s", r.Count, r.Of, cmp.Or(r.label, r.Benchmark), r.Side, r.Why)
}

// Fault is a line that makes a file unfit to be judged.
type Fault struct {
	Side    string `json:"side"`
	Line    int    `json:"line"`
	Message string `json:"message"`
	Text    string `json:"text"`
}

// String returns "new.txt:7: missing units: BenchmarkChat 1 2".
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Side, f.Line, f.Message, f.Text)
}

// Difference is a configuration line that keeps benchmarks from being compared.
type Difference struct {
	Key        string `json:"key"`
	Old        string `json:"old"` // empty: the line is not there
	New        string `json:"new"`
	Benchmarks int    `json:"benchmarks"` // that it is about
}

// File is what was read of a side.
type File struct {
	Name    string `json:"name"`
	Results int    `json:"results"` // result lines that the filter let through
}

// Report is what a gate found. OldFile is empty if there was no baseline.
type Report struct {
	Outcome     Outcome
	Reasons     []string // of every outcome that is not Pass: what, and what to do
	Warnings    []string // what should be known besides
	OldFile     File
	NewFile     File
	Rows        []Row
	Missing     []Absent // what a side lacks that it should have
	New         []Absent // benchmarks in the new file only
	Rejected    []Rejected
	Faults      []Fault // corrupt lines and failed runs: the first ones of each side
	Differences []Difference
	// Family is the number of rows that were tested, for which p-values are
	// adjusted, and Alpha is the probability of a false alarm in any of them.
	Family int
	Alpha  float64

	sums []string // the reasons that sum up rows which failed
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, terminal.Text(fmt.Sprintf(format, args...)))
}

// addReason adds a reason for which the files cannot be judged.
func (r *Report) addReason(format string, args ...any) {
	r.Reasons = append(r.Reasons, terminal.Text(fmt.Sprintf(format, args...)))
}

// Headline is the verdict on one line, with which every output begins: "PASS: ",
// "FAIL: " or "CANNOT JUDGE: ", and of what.
func (r *Report) Headline() string {
	switch {
	case r.Outcome == Pass:
		pass := "PASS: " + r.summary()
		if row := r.leastSeen(); row != nil {
			pass += "; one of " + upTo(row.Unseen) + " in " + row.Name() + " " + row.Unit + " could have gone unseen"
		}
		return pass
	case r.Outcome == Regression:
		return "FAIL: " + r.summary()
	case len(r.Reasons) == 0:
		return "CANNOT JUDGE"
	}
	first, _, _ := strings.Cut(r.Reasons[0], "\n")
	if len(r.Reasons) > 1 {
		first += " (and " + count(len(r.Reasons)-1, "more reason") + ")"
	}
	return "CANNOT JUDGE: " + first
}

// tally are the numbers of rows, for the headline.
type tally struct {
	comparisons, regressions             int
	budgets, over                        int
	better, inconclusive, waived, pooled int
}

func (r *Report) tally() (t tally) {
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Bound == "" {
			t.comparisons++
		} else {
			t.budgets++
		}
		if row.Pooled {
			t.pooled++
		}
		switch {
		case row.Waived != nil:
			t.waived++
		case row.Verdict == VerdictRegression:
			t.regressions++
		case row.Verdict == VerdictOverBudget:
			t.over++
		case row.Verdict == VerdictImprovement:
			t.better++
		case row.Verdict == VerdictInconclusive:
			t.inconclusive++
		}
	}
	return t
}

// summary is "1 regression in 4 comparisons, 1 of 2 budgets over (1 better)".
func (r *Report) summary() string {
	t := r.tally()
	var parts, more []string
	if t.comparisons > 0 {
		n := "no regression"
		if t.regressions > 0 {
			n = count(t.regressions, "regression")
		}
		parts = append(parts, n+" in "+count(t.comparisons, "comparison"))
	}
	if t.budgets > 0 {
		n := "none"
		if t.over > 0 {
			n = fmt.Sprint(t.over)
		}
		parts = append(parts, n+" of "+count(t.budgets, "budget")+" over")
	}
	for _, v := range []struct {
		n    int
		name string
	}{
		{t.better, "better"}, {t.inconclusive, "inconclusive"}, {t.waived, "waived"},
		{len(r.New), "new"}, {len(r.Missing), "missing"}, {t.pooled, "pooled"},
	} {
		if v.n > 0 {
			more = append(more, fmt.Sprintf("%d %s", v.n, v.name))
		}
	}
	s := strings.Join(parts, ", ")
	if len(more) > 0 {
		s += " (" + strings.Join(more, ", ") + ")"
	}
	return s
}
