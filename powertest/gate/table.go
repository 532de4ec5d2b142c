package gate

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"

	"github.com/joulebench/joulebench/internal/terminal"
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
	cells  map[cellKey]*pair
	order  []cellKey // as first seen
	units  map[string]*unit
	judged []*unit // some of them
	sides  [2]side
	alloc  []cell // in blocks: there are as many cells as benchmarks
	ids    identities
	all    bool // all units are kept
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
	unit *unit
	line int // of the last value
	series
}

// side is what is known of a file as a whole.
type side struct {
	name       string
	lines      int // with results
	used       int // that the filter let through
	units      benchfmt.UnitMetadataMap
	faults     []Fault // the first ones
	faultCount int
	unitFaults []unitFault
	notes      []string // on how it was read
	// hidden is how many results do not begin their line, and before what the first of
	// them has before it.
	hidden int
	before string
	source bool  // it has an energy-source
	joules bool  // it has J/op
	mark   *Mark // of the run that the next results are of; nil if there is none
	json   bool  // it seems to be the output of go test -json
	utf16  bool
}

func newTable(p *plan) *table {
	t := &table{plan: p, cells: map[cellKey]*pair{}, units: map[string]*unit{}}
	for _, u := range p.judge {
		t.promote(t.unit(u))
	}
	return t
}

// unit is what is known of a unit.
type unit struct {
	name   string
	kept   bool // its values are kept: it is judged, or is the error of one that is
	judged bool
	valued bool // values of it were kept
	energy bool
	seen   [2]bool // on which sides a result has it that the filter lets through and is not marked invalid
	better int     // -1: less is, +1: more is
	exact  bool
}

// unit finds a unit, of which nothing need be known yet.
func (t *table) unit(name string) *unit {
	u := t.units[name]
	if u == nil {
		u = &unit{name: name, energy: isEnergy(name), kept: t.all}
		t.units[name] = u
	}
	return u
}

// promote makes a unit one that is judged, and keeps the errors that it is judged with.
func (t *table) promote(u *unit) {
	if u.judged {
		return
	}
	u.kept, u.judged = true, true
	t.judged = append(t.judged, u)
	for _, name := range errorUnits(u) {
		t.unit(name).kept = true
	}
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
	if t.unitFilter && t.names(r) {
		for i := range r.Values {
			if match.Test(i) {
				t.promote(t.unit(r.Values[i].Unit))
			}
		}
	}
	for i := range r.Values {
		v := &r.Values[i]
		u := t.unit(v.Unit)
		file.joules = file.joules || v.Unit == "J/op"
		if u.energy && !hasSource {
			c.measured = true // joules, though nothing says of which source
		}
		matches := match.Test(i)
		u.seen[s] = u.seen[s] || matches
		if !u.kept || u.judged && !matches {
			continue // what is not judged need not be right
		}
		if bad := u.bad(v.Value); bad != "" {
			file.faultOf(r, v.Unit+bad)
			continue
		}
		file.put(c, u, r, v.Value)
	}
}

// put adds a value to a column.
func (s *side) put(c *cell, u *unit, r *benchfmt.Result, value float64) {
	_, line := r.Pos()
	i := slices.IndexFunc(c.columns, func(col column) bool { return col.unit == u })
	if i < 0 {
		i = len(c.columns)
		c.columns = append(c.columns, column{unit: u})
		u.valued = true
	}
	col := &c.columns[i]
	if col.line == line {
		s.faultOf(r, "two values of "+u.name)
		return
	}
	col.line = line
	col.add(value, s.mark)
}

// marked reports whether a result says of itself that it is not to be used.
func marked(r *benchfmt.Result) bool {
	return slices.ContainsFunc(r.Values, func(v benchfmt.Value) bool {
		return (v.Unit == "invalid" || v.Unit == "withheld") && v.Value > 0
	})
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

// bad says what is wrong with a value that is kept, if it is wrong.
func (u *unit) bad(value float64) string {
	switch {
	case math.IsNaN(value):
		return " is not a number"
	case math.IsInf(value, 0):
		return " is infinite"
	case value < 0 && !mayBeNegative(u.name):
		return " is negative"
	case value == 0 && u.energy && !mayBeZero(u.name):
		return " is 0, which no run is"
	}
	return ""
}

// series is that of a unit; it is empty if the cell has none.
func (c *cell) series(unit *unit) series {
	for _, col := range c.columns {
		if col.unit == unit {
			return col.series
		}
	}
	return series{}
}

// values are those of a unit; nil if the cell has none.
func (c *cell) values(unit *unit) []float64 { return c.series(unit).values }

// A unitFault is a line about a unit that cannot be used. It is a fault of the file if the
// unit is judged.
type unitFault struct {
	unit string
	Fault
}

// maxFaults is how many faults of a file are listed one by one.
const maxFaults = 20

func (s *side) fault(f Fault) {
	if s.faultCount++; len(s.faults) < maxFaults {
		s.faults = append(s.faults, f)
	}
}

// faultOf is a fault of a result.
func (s *side) faultOf(r *benchfmt.Result, message string) {
	_, line := r.Pos()
	s.fault(Fault{Side: s.name, Line: line, Message: terminal.Line(message), Text: text(r.Name)})
}

// probe is a unit that no benchmark has.
var probe = benchfmt.Value{Unit: "\x00"}

// names reports whether the filter names the units of a result that it lets through.
// A filter such as -.unit:B/op does not: it would let any unit through.
func (t *table) names(r *benchfmt.Result) bool {
	r.Values = append(r.Values, probe)
	match, err := t.filter.Match(r)
	r.Values = r.Values[:len(r.Values)-1]
	return err == nil && !match.Test(len(r.Values))
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

// sort puts the cells in the order of reports: configurations as first seen, rows
// as benchstat sorts them.
func (t *table) sort() {
	configs, rank := map[benchproc.Key]int{}, map[benchproc.Key]int{}
	var rows []benchproc.Key
	for _, k := range t.order {
		if _, ok := configs[k.config]; !ok {
			configs[k.config] = len(configs)
		}
		if _, ok := rank[k.row]; !ok {
			rank[k.row] = 0
			rows = append(rows, k.row)
		}
	}
	benchproc.SortKeys(rows)
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
	return terminal.Line(strings.Join(parts, ", "))
}

// rowName is what benchstat calls a row.
func rowName(k benchproc.Key) string { return terminal.Line(k.StringValues()) }
