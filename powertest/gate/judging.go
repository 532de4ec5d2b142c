package gate

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchproc"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/internal/terminal"
)

// judging is the making of a report.
type judging struct {
	*table
	report *Report
	// broken: the input is not fit to be judged, so that its regressions count for
	// nothing.
	broken bool
	// unsure: something could not be judged.
	unsure bool
	waived []bool // which waivers were used
}

// blameInput adds a reason for which the input as a whole cannot be judged.
func (j *judging) blameInput(format string, args ...any) {
	j.broken = true
	j.report.addReason(format, args...)
}

// waiver finds the waiver of a regression. One that has expired is no waiver, and
// neither is one that does not say of which package its benchmark is, if several have
// it; but they are reported.
func (j *judging) waiver(id identity, unit string) *Waiver {
	for i := range j.waivers {
		w := &j.waivers[i]
		byName, byPackage := w.covers(id, unit)
		if !byName && !byPackage {
			continue
		}
		j.waived[i] = true
		if all := j.ids.packages[withoutProcs(id.benchmark)]; !byPackage && len(all) > 1 {
			j.report.warn("the waiver of %s %s (line %d) waives nothing, for %d packages have that benchmark: write %s.%[1]s for one",
				w.Benchmark, w.Unit, w.Line, len(all), cmp.Or(all...))
			continue
		}
		if j.now.After(w.Until) {
			j.report.warn("the waiver of %s %s (line %d) expired on %s", w.Benchmark, w.Unit, w.Line, w.Until.Format(time.DateOnly))
			continue
		}
		return w
	}
	return nil
}

var sideNames = [2]string{oldSide: "old", newSide: "new"}

// missing adds what a side lacks, unless it is waived. A waiver of one unit is
// about its values, and does not hold where there are none.
func (j *judging) missing(side int, a Absent) {
	a.Side = sideNames[side]
	a.Waived = j.waiver(identity{a.Benchmark, a.Package, a.label}, "")
	j.report.Missing = append(j.report.Missing, a)
}

// inputs reports files that are empty, corrupt, or of failed runs.
func (j *judging) inputs() {
	for s := range j.sides {
		file := &j.sides[s]
		if s == oldSide && j.alone {
			continue
		}
		for _, f := range file.unitFaults {
			if j.unit(f.unit).judged {
				file.fault(f.Fault)
			}
		}
		if why := file.problem(); why != "" {
			j.blameInput("%s", why)
		} else {
			j.report.Warnings = append(j.report.Warnings, file.notes...)
		}
		j.report.Faults = append(j.report.Faults, file.faults...)
		switch {
		case file.faultCount == 1:
			j.blameInput("%s has a line that cannot be used, %s: run the benchmarks again", file.name, file.faults[0])
		case file.faultCount > 1:
			j.blameInput("%s has %d lines that cannot be used, the first is %s: run the benchmarks again", file.name, file.faultCount, file.faults[0])
		}
	}
}

// rowKeys reports keys of -row that no result has: what they were to distinguish
// would be samples of one and the same.
func (j *judging) rowKeys() {
	for _, f := range j.plan.row.Fields() {
		if strings.HasPrefix(f.Name, ".") || len(j.order) == 0 {
			continue // those of the syntax itself are always there
		}
		if !slices.ContainsFunc(j.order, func(k cellKey) bool { return k.row.Get(f) != "" }) {
			j.blameInput("-row names %s, which no result has: correct the key", terminal.Line(f.Name))
		}
	}
}

// candidates are the rows that can be compared, and those of budgets. What only one
// side has in a unit is missing.
func (j *judging) candidates() (list []candidate) {
	var last benchproc.Key
	config := ""
	for _, k := range j.order {
		p := j.cells[k]
		id := j.identity(k)
		if k.config != last {
			last, config = k.config, configString(k.config)
		}
		switch before, after := p[oldSide], p[newSide]; {
		case before == nil || after == nil:
		case after.samples == 0: // all are marked invalid
			j.missing(newSide, id.absent(config, ""))
		case before.samples == 0:
			j.missing(oldSide, id.absent(config, ""))
		default:
			j.mixed(id.name(), p)
			list = append(list, j.compared(id, config, p)...)
		}
		if p[newSide] != nil {
			list = append(list, j.budgets(id, config, p)...)
		}
		for _, c := range p {
			if c != nil {
				j.vary(id.name(), c)
			}
		}
	}
	return list
}

// compared are the candidates of a benchmark that both sides have: the units that
// both have. A unit that only the new side has is missing on the old one: nothing says
// that it did not become worse.
func (j *judging) compared(id identity, config string, p *pair) (list []candidate) {
	for _, u := range j.judged {
		before, after := p[oldSide].series(u), p[newSide].series(u)
		switch {
		case before.values == nil && after.values == nil:
		case after.values == nil:
			lost := id.absent(config, u.name)
			lost.lost = true
			j.missing(newSide, lost)
		case before.values == nil:
			j.missing(oldSide, id.absent(config, u.name))
		default:
			list = append(list, candidate{row: Row{
				Benchmark: id.benchmark, Package: id.pkg, label: id.label,
				Unit: u.name, Config: config, Better: u.better, Exact: u.exact,
				Threshold: j.threshold(u.name, u.exact),
				P:         nan, PPaired: nan, PAdjusted: nan, InstrumentError: j.instrument(u, p),
				DeltaLow: math.Inf(-1), DeltaHigh: math.Inf(1), Unseen: nan, MaxUnseen: j.maxUnseen(u.name),
				Pooled: p[oldSide].pooled() || p[newSide].pooled(),
			}, before: before, after: after})
		}
	}
	return list
}

// budgets are the candidates of budgets for a benchmark of the new side. One that
// lacks a budget's unit, or all of whose samples are invalid, cannot have kept it.
func (j *judging) budgets(id identity, config string, p *pair) (list []candidate) {
	before, c := p[oldSide], p[newSide]
	if c.samples == 0 && before == nil && len(j.bounds) > 0 {
		j.missing(newSide, id.absent(config, ""))
	}
	for i, b := range j.bounds {
		u := j.unit(b.unit)
		values := c.series(u)
		if values.values == nil {
			known := c.samples == 0 || before != nil && before.values(u) != nil ||
				slices.ContainsFunc(j.bounds[:i], func(other bound) bool { return other.unit == b.unit })
			if !known && u.seen[newSide] {
				j.missing(newSide, id.absent(config, b.unit))
			}
			continue
		}
		list = append(list, candidate{row: Row{
			Benchmark: id.benchmark, Package: id.pkg, label: id.label,
			Unit: b.unit, Config: config, Better: u.better, Exact: u.exact,
			Delta: nan, P: nan, PPaired: nan, PAdjusted: nan, InstrumentError: nan,
			DeltaLow: math.Inf(-1), DeltaHigh: math.Inf(1), Unseen: nan, MaxUnseen: nan,
			Bound: b.kind, Limit: b.limit, Pooled: c.pooled(),
		}, after: values})
	}
	return list
}

// instrument is the share by which the medians of a unit may differ because the
// instrument is wrong: the root of the sum of the squares of both sides'
// half-widths, each the median of what its samples say in err-%. It is not a
// number for what is no energy, or where nothing is said.
func (j *judging) instrument(u *unit, p *pair) float64 {
	if !u.energy {
		return nan
	}
	sum, known := 0.0, false
	for _, c := range p {
		if values := j.errors(u, c); values != nil {
			half := median.Of(values) / 100
			sum += half * half
			known = true
		}
	}
	if !known {
		return nan
	}
	return math.Sqrt(sum)
}

// errors are the errors of the values of a unit, in percent.
func (j *judging) errors(u *unit, c *cell) []float64 {
	for _, name := range errorUnits(u) {
		if values := c.values(j.unit(name)); values != nil {
			return values
		}
	}
	return nil
}

// mixed reports simulated joules that are compared with measured ones. That is
// never meant, whatever may be ignored.
func (j *judging) mixed(name string, p *pair) {
	before, after := p[oldSide], p[newSide]
	known := slices.ContainsFunc(j.report.Differences, func(d Difference) bool { return d.Key == "energy-source" })
	if !known && (before.simulated || after.simulated) && (before.measured || after.measured) {
		d := Difference{Key: "energy-source", Old: sourceOf(before), New: sourceOf(after), Benchmarks: 1}
		j.report.Differences = append(j.report.Differences, d)
		j.blameInput("%s has simulated joules and measured ones: measure both sides, or simulate both; -ignore does not help", name)
	}
}

func sourceOf(c *cell) string {
	switch {
	case !c.simulated:
		return "real"
	case c.measured:
		return "simulated and real"
	}
	return "simulated"
}

// vary reports different benchmarks that -row or -ignore takes for one.
func (j *judging) vary(name string, c *cell) {
	if c.pooled() {
		j.report.warn("the samples of %s are pooled of different benchmarks, such as %s and %s", name, terminal.Line(c.name), terminal.Line(c.other))
	}
	var fields []string
	for _, f := range benchproc.NonSingularFields(c.residue) {
		if f.Name != ".fullname" { // reported above
			fields = append(fields, f.Name)
		}
	}
	if len(fields) > 0 {
		j.report.warn("the samples of %s vary in %s", name, terminal.Line(strings.Join(fields, ", ")))
	}
}
