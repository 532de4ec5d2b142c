package gate

import (
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// rowKeys tells of keys of -row that no result has: what they were to tell apart
// would be samples of one and the same.
func (j *judging) rowKeys() {
	for _, f := range j.plan.row.Fields() {
		if strings.HasPrefix(f.Name, ".") || len(j.order) == 0 {
			continue // those of the syntax itself are always there
		}
		found := false
		for _, k := range j.order {
			if found = k.row.Get(f) != ""; found {
				break
			}
		}
		if !found {
			j.blameInput("-row names %s, which no result has: correct the key", clean(f.Name))
		}
	}
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

// vary tells of different benchmarks that -row or -ignore takes for one.
func (j *judging) vary(name string, c *cell) {
	if c.pooled() {
		j.report.warn("the samples of %s are pooled of different benchmarks, such as %s and %s", name, clean(c.name), clean(c.other))
	}
	if len(c.residue) < 2 {
		return
	}
	var fields []string
	for _, f := range benchproc.NonSingularFields(c.residue) {
		if f.Name != ".fullname" { // told of above
			fields = append(fields, f.Name)
		}
	}
	if len(fields) > 0 {
		j.report.warn("the samples of %s vary in %s", name, clean(strings.Join(fields, ", ")))
	}
}
