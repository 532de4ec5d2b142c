package gate

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// The sides, as indexes.
const (
	oldSide = iota
	newSide
)

// table is what is kept of the two files: the values of the units that are
// judged, by configuration, row and side. Results are not kept.
type table struct {
	*plan
	cells map[cellKey]*pair
	order []cellKey      // as first seen
	unit  map[string]int // index of a unit whose values are kept
	known map[string]*unitInfo
	units []string // by index; those that are judged, then those of errors
	wants []bool   // by index: judged
	sides [2]side
	alloc []cell // in blocks: there are as many cells as benchmarks
}

// cellKey is what two sides are compared at.
type cellKey struct{ config, row benchproc.Key }

// pair are the samples of the two sides. Either may be nil.
type pair [2]*cell

// cell are the samples of one benchmark on one side.
type cell struct {
	samples int // result lines that are used
	invalid int // that were marked invalid
	columns []column
	residue []benchproc.Key
	// The name of the first sample, and one that differs from it. They are kept
	// where -row or -ignore may take benchmarks for one.
	name, other string
	// What energy-source said of results.
	simulated, measured bool
}

// column are the values of one unit.
type column struct {
	unit   int
	line   int // of the last value
	values []float64
}

// side is what is known of a file as a whole.
type side struct {
	name       string
	lines      int // with results
	used       int // that the filter let through
	units      benchfmt.UnitMetadataMap
	faults     []Fault // the first ones
	faultCount int
	source     bool // it has an energy-source
	joules     bool // it has J/op
	json       bool // it seems to be the output of go test -json
	utf16      bool
}

func newTable(p *plan) *table {
	t := &table{plan: p, cells: map[cellKey]*pair{}, unit: map[string]int{}, known: map[string]*unitInfo{}}
	for _, u := range p.units {
		t.index(u, true)
	}
	return t
}

// cell finds or makes the cell of a result.
func (t *table) cell(s int, r *benchfmt.Result) *cell {
	key := cellKey{t.config.Project(r), t.row.Project(r)}
	p := t.cells[key]
	if p == nil {
		p = new(pair)
		t.cells[key] = p
		t.order = append(t.order, key)
	}
	if p[s] == nil {
		if len(t.alloc) == 0 {
			t.alloc = make([]cell, 64)
		}
		p[s], t.alloc = &t.alloc[0], t.alloc[1:]
	}
	return p[s]
}

// add takes the values of a result that are wanted.
func (t *table) add(s int, r *benchfmt.Result) {
	file := &t.sides[s]
	file.lines++
	match, err := t.filter.Match(r)
	if err != nil || !match.Any() {
		return
	}
	file.used++
	c := t.cell(s, r)
	if t.pools {
		c.pool(r)
	}
	if len(t.residue.Fields()) > 0 {
		if residue := t.residue.Project(r); !slices.Contains(c.residue, residue) {
			c.residue = append(c.residue, residue)
		}
	}
	if marked(r) {
		c.invalid++
		return
	}
	c.samples++
	hasSource := c.source(r)
	file.source = file.source || hasSource
	named := t.namedBy(r, match)
	for i := range r.Values {
		v := &r.Values[i]
		u := t.known[v.Unit]
		if u == nil {
			u = t.newUnit(v.Unit)
		}
		file.joules = file.joules || v.Unit == "J/op"
		if u.energy && !hasSource {
			c.measured = true // joules that somebody has measured without saying how
		}
		if !u.seen[s] && match.Test(i) {
			u.seen[s] = true
		}
		if !(v.Value > 0 && v.Value <= math.MaxFloat64) {
			if bad := t.bad(u, v); bad != "" {
				_, line := r.Pos()
				file.fault(Fault{Side: file.name, Line: line, Message: clean(bad), Text: text(r.Name)})
				continue
			}
		}
		if named != nil && named(i) && !(u.kept && t.wants[u.index]) {
			t.promote(u, v.Unit)
		}
		if u.kept && (match.Test(i) || !t.wants[u.index]) {
			t.put(file, c, u.index, r, v)
		}
	}
}

// put adds a value to a column.
func (t *table) put(file *side, c *cell, u int, r *benchfmt.Result, v *benchfmt.Value) {
	_, line := r.Pos()
	i := slices.IndexFunc(c.columns, func(col column) bool { return col.unit == u })
	if i < 0 {
		c.columns = append(c.columns, column{unit: u})
		i = len(c.columns) - 1
	}
	col := &c.columns[i]
	if col.line == line {
		file.fault(Fault{Side: file.name, Line: line, Message: clean("two values of " + v.Unit), Text: text(r.Name)})
		return
	}
	col.line = line
	col.values = append(col.values, v.Value)
}

// marked reports whether a result says of itself that it is not to be used.
func marked(r *benchfmt.Result) bool {
	for _, v := range r.Values {
		if (v.Unit == "invalid" || v.Unit == "withheld") && v.Value > 0 {
			return true
		}
	}
	return false
}

// source remembers whether joules are simulated, and reports whether that is said.
func (c *cell) source(r *benchfmt.Result) bool {
	pos, ok := r.ConfigIndex("energy-source")
	switch {
	case !ok:
		return false
	case string(r.Config[pos].Value) == "simulated":
		c.simulated = true
	default:
		c.measured = true
	}
	return true
}

// bad says what is wrong with a value, if it is wrong.
func (t *table) bad(u *unitInfo, v *benchfmt.Value) string {
	switch {
	case math.IsNaN(v.Value):
		return v.Unit + " is not a number"
	case math.IsInf(v.Value, 0):
		return v.Unit + " is infinite"
	case v.Value < 0 && u.kept && !mayBeNegative(v.Unit):
		return v.Unit + " is negative"
	case v.Value == 0 && u.kept && u.energy && !mayBeZero(v.Unit):
		return v.Unit + " is 0, which no run is"
	}
	return ""
}

// values are those of a unit; nil if the cell has none.
func (c *cell) values(unit int) []float64 {
	for i := range c.columns {
		if c.columns[i].unit == unit {
			return c.columns[i].values
		}
	}
	return nil
}

// maxFaults is how many faults of a file are listed one by one.
const maxFaults = 20

func (s *side) fault(f Fault) {
	if s.faultCount++; len(s.faults) < maxFaults {
		s.faults = append(s.faults, f)
	}
}

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

// newUnit finds out about a unit that was not seen before.
func (t *table) newUnit(unit string) *unitInfo {
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

// pool remembers that a cell has samples of benchmarks with different names.
func (c *cell) pool(r *benchfmt.Result) {
	switch name := string(r.Name); {
	case c.name == "":
		c.name = name
	case c.other == "" && name != c.name:
		c.other = name
	}
}

// pooled reports whether the samples are of benchmarks with different names.
func (c *cell) pooled() bool { return c.other != "" }

// seen reports whether a result of a side, which the filter lets through and which
// is not marked invalid, has a unit.
func (t *table) seen(side int, unit string) bool {
	u := t.known[unit]
	return u != nil && u.seen[side]
}

// sort puts the cells in the order of reports: configurations as first seen, rows
// as benchstat sorts them.
func (t *table) sort() {
	configs := map[benchproc.Key]int{}
	seen := map[benchproc.Key]bool{}
	var rows []benchproc.Key
	for _, k := range t.order {
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
	slices.SortStableFunc(t.order, func(a, b cellKey) int {
		return cmp.Or(configs[a.config]-configs[b.config], rank[a.row]-rank[b.row])
	})
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
