package plot

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/gate"
)

// OfGate draws what a gate says of two files. The samples of both, which may be nil, are for
// the errors of the instrument and for curves.
func OfGate(r *gate.Report, old, newer []gate.Samples) Section {
	s := Section{Name: r.Headline(), Notes: append(r.Reasons, r.Warnings...)}
	changes := &Changes{Headline: r.Headline(), Old: r.OldFile.Name, New: r.NewFile.Name}
	budgets := Table{Title: "budgets", Columns: []string{"benchmark", "unit", "median", "interval", "budget", "verdict"}}
	before, after := index(old), index(newer)
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Bound != "" {
			budgets.Rows = append(budgets.Rows, budget(row))
			continue
		}
		key := rowKey{row.Benchmark, row.Package, row.Unit, row.Config}
		c := &Comparison{
			Benchmark: row.Name(), Unit: row.Unit,
			Old:    side(r.OldFile.Name, row.Old, before[key]),
			New:    side(r.NewFile.Name, row.New, after[key]),
			Change: row.Delta, Low: finite(row.DeltaLow), High: finite(row.DeltaHigh), Confidence: row.Confidence, Threshold: row.Threshold,
			Unseen: row.Unseen, Verdict: row.Verdict, Why: row.Why,
		}
		c.order()
		changes.Rows = append(changes.Rows, c)
	}
	slices.SortStableFunc(changes.Rows, func(a, b *Comparison) int {
		return cmp.Or(cmp.Compare(concern(a.Verdict), concern(b.Verdict)), cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)))
	})
	for _, c := range changes.Rows[:min(len(changes.Rows), maxFigures)] {
		if len(c.New.Samples) > 0 {
			s.Figures = append(s.Figures, c)
		}
	}
	if len(changes.Rows) > 0 {
		s.Figures = append([]Figure{changes}, s.Figures...)
	}
	s.Figures = append(s.Figures, curves(pointsOfSamples(newer))...)
	s.Tables = append(s.Tables, changes.table(), budgets)
	s.Notes = append(s.Notes, energy.NotCovered(nil))
	return s
}

// budget is a row of a gate that holds one file to a limit.
func budget(r *gate.Row) []string {
	limit := "at most "
	if r.Bound == "min" {
		limit = "at least "
	}
	return []string{r.Name(), r.Unit, digits(r.New.Center), digits(r.New.Low) + " to " + digits(r.New.High), limit + digits(r.Limit),
		strings.TrimSpace(string(r.Verdict) + " " + r.Why)}
}

// concern is the order in which verdicts are shown: what is worse first, and of one verdict
// the largest change.
func concern(v gate.Verdict) int {
	return slices.Index([]gate.Verdict{gate.VerdictRegression, gate.VerdictInconclusive, gate.VerdictImprovement, gate.VerdictSame}, v)
}

// OfSamples draws the samples of one benchmark file: its metrics against the keys of their
// names, and the samples in some units, or in those that a gate judges if there are none.
func OfSamples(name string, list []gate.Samples, units ...string) Section {
	s := Section{Name: name, Figures: curves(pointsOfSamples(list))}
	if len(units) == 0 {
		units = gate.DefaultUnits()
	}
	for i := range list {
		x := &list[i]
		if !slices.Contains(units, x.Unit) || len(s.Figures) >= maxFigures {
			continue
		}
		s.Figures = append(s.Figures, &Comparison{
			Benchmark: x.Name(), Unit: x.Unit, New: side(name, x.Summary, x),
			Change: math.NaN(), Low: math.NaN(), High: math.NaN(), Threshold: math.NaN(), Unseen: math.NaN(),
		})
	}
	s.Tables = append(s.Tables, sampleTable(list))
	s.Notes = append(s.Notes, energy.NotCovered(nil))
	return s
}

// maxFigures is how many pictures of samples a section has; the table has all numbers.
const maxFigures = 48

// sampleTable is the medians of a file as text.
func sampleTable(list []gate.Samples) Table {
	t := Table{Title: "medians", Columns: []string{"benchmark", "median", "unit", "95 % interval", "samples"}}
	for i := range list {
		s := &list[i]
		t.Rows = append(t.Rows, []string{s.Name(), digits(s.Summary.Center), s.Unit, digits(s.Summary.Low) + " to " + digits(s.Summary.High), strconv.Itoa(len(s.Values))})
	}
	return t
}

// A rowKey is what tells a row, and its samples, from others.
type rowKey struct{ benchmark, pkg, unit, config string }

// index finds samples by their row.
func index(list []gate.Samples) map[rowKey]*gate.Samples {
	m := map[rowKey]*gate.Samples{}
	for i := range list {
		s := &list[i]
		m[rowKey{s.Benchmark, s.Package, s.Unit, s.Config}] = s
	}
	return m
}

// side is what is drawn of one build, with the errors of the instrument if they are known.
func side(name string, sum gate.Summary, of *gate.Samples) Samples {
	s := Samples{Name: name, Median: sum.Center, Low: finite(sum.Low), High: finite(sum.High)}
	for i, v := range sum.Values {
		x := Sample{Order: i, Value: v, Error: math.NaN()}
		if sum.Runs != nil {
			x.Order = sum.Runs[i] - 1
		}
		if of != nil && len(of.Errors) == len(sum.Values) {
			x.Error = math.Abs(v) * of.Errors[i] / 100
		}
		s.Samples = append(s.Samples, x)
	}
	return s
}

// finite is a number, or not a number if it is infinite.
func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// table is the changes as text.
func (c *Changes) table() Table {
	t := Table{Title: "changes", Columns: []string{"benchmark", "unit", c.Old, "interval", c.New, "interval", "change", "its interval", "verdict", "unseen"}}
	interval := func(s Samples) string { return digits(s.Low) + " to " + digits(s.High) }
	for _, r := range c.Rows {
		t.Rows = append(t.Rows, []string{r.Benchmark, r.Unit, digits(r.Old.Median), interval(r.Old), digits(r.New.Median), interval(r.New),
			percent(r.Change), r.interval(), strings.TrimSpace(string(r.Verdict) + " " + r.Why), r.unseen()})
	}
	return t
}
