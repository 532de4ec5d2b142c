package gate

import (
	"slices"
	"strings"

	"golang.org/x/perf/benchproc"
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
	better map[string]int
	exactU map[string]bool
	waived []bool // which waivers were used
}

// judge makes a report of a table.
func judge(p *plan, t *table) *Report {
	j := &judging{
		table:  t,
		report: &Report{Alpha: p.alpha},
		better: map[string]int{}, exactU: map[string]bool{},
		waived: make([]bool, len(p.waivers)),
	}
	r := j.report
	r.NewFile = File{t.sides[newSide].name, t.sides[newSide].used}
	if !p.alone {
		r.OldFile = File{t.sides[oldSide].name, t.sides[oldSide].used}
	}
	j.inputs()
	j.rowKeys()
	j.metadata()
	j.sort()
	j.match()
	j.rows()
	j.rejected()
	j.named()
	j.statistics()
	j.verdicts()
	j.outcome()
	return r
}

// blameInput adds a reason for which the input as a whole cannot be judged.
func (j *judging) blameInput(format string, args ...any) {
	j.broken = true
	j.report.blame(format, args...)
}

// inputs tells of files that are empty, corrupt, or of failed runs.
func (j *judging) inputs() {
	for s := range j.sides {
		file := &j.sides[s]
		if s == oldSide && j.alone {
			continue
		}
		if why := file.problem(); why != "" {
			j.blameInput("%s", why)
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

// sort puts the cells in the order of reports: configurations as first seen, rows
// as benchstat sorts them.
func (j *judging) sort() {
	configs := map[benchproc.Key]int{}
	seen := map[benchproc.Key]bool{}
	var rows []benchproc.Key
	for _, k := range j.order {
		if _, ok := configs[k.config]; !ok {
			configs[k.config] = len(configs)
		}
		if !seen[k.row] {
			seen[k.row] = true
			rows = append(rows, k.row)
		}
	}
	benchproc.SortKeys(rows)
	rank := make(map[benchproc.Key]int, len(rows))
	for i, k := range rows {
		rank[k] = i
	}
	slices.SortStableFunc(j.order, func(a, b cellKey) int {
		if d := configs[a.config] - configs[b.config]; d != 0 {
			return d
		}
		return rank[a.row] - rank[b.row]
	})
}

// rows makes the rows that can be compared, and those of budgets, and finds what
// only one side has in a unit.
func (j *judging) rows() {
	var last benchproc.Key
	config := ""
	for _, k := range j.order {
		p := j.cells[k]
		name := rowName(k.row)
		if k.config != last {
			last, config = k.config, configString(k.config)
		}
		switch old, new := p[oldSide], p[newSide]; {
		case old == nil || new == nil:
		case new.samples == 0: // all are marked invalid
			j.missing(newSide, Absent{Benchmark: name, Config: config})
		case old.samples == 0:
			j.missing(oldSide, Absent{Benchmark: name, Config: config})
		default:
			j.mixed(name, p)
			for u, unit := range j.units {
				if j.wants[u] {
					j.row(name, config, unit, u, p)
				}
			}
		}
		if p[newSide] != nil {
			j.budgets(name, config, p)
		}
		for _, c := range p {
			if c != nil {
				j.vary(name, c)
			}
		}
	}
}

// row makes a row of one unit, if both sides have it. A unit that only the new side
// has is missing on the old one: nothing says that it did not become worse.
func (j *judging) row(name, config, unit string, u int, p *pair) {
	old, new := p[oldSide].values(u), p[newSide].values(u)
	switch {
	case old == nil && new == nil:
		return
	case new == nil:
		j.missing(newSide, Absent{Benchmark: name, Unit: unit, Config: config, lost: true})
		return
	case old == nil:
		j.missing(oldSide, Absent{Benchmark: name, Unit: unit, Config: config})
		return
	}
	j.report.Rows = append(j.report.Rows, Row{
		Benchmark: name, Unit: unit, Config: config,
		Better: j.better[unit], Exact: j.exactU[unit],
		Threshold: j.threshold(unit, j.exactU[unit]),
		P:         nan, PAdjusted: nan, InstrumentError: j.instrument(unit, p),
		Pooled: p[oldSide].pooled() || p[newSide].pooled(),
		old:    p[oldSide], new: p[newSide],
	})
}

// mixed tells of simulated joules that are compared with measured ones. That is
// never meant, whatever may be ignored.
func (j *judging) mixed(name string, p *pair) {
	simulated := p[oldSide].simulated || p[newSide].simulated
	real := p[oldSide].real || p[newSide].real
	if simulated && real && !slices.ContainsFunc(j.report.Differences, func(d Difference) bool { return d.Key == "energy-source" }) {
		j.report.Differences = append(j.report.Differences, Difference{Key: "energy-source", Old: sourceOf(p[oldSide]), New: sourceOf(p[newSide]), Benchmarks: 1})
		j.blameInput("%s has simulated joules and measured ones: measure both sides, or simulate both; -ignore does not help", name)
	}
}

func sourceOf(c *cell) string {
	switch {
	case c.simulated && c.real:
		return "simulated and real"
	case c.simulated:
		return "simulated"
	}
	return "real"
}

// configString is a configuration on one line: "gpu: H200, gpus: 1".
func configString(k benchproc.Key) string {
	var parts []string
	for _, f := range k.Projection().FlattenedFields() {
		if v := k.Get(f); v != "" {
			parts = append(parts, f.Name+": "+v)
		}
	}
	return clean(strings.Join(parts, ", "))
}

// rowName is what benchstat calls a row.
func rowName(k benchproc.Key) string { return clean(k.StringValues()) }
