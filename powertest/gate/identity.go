package gate

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/perf/benchproc"

	"github.com/joulebench/joulebench/internal/terminal"
)

// An identity is by what a benchmark is known in reports.
type identity struct {
	benchmark string // as benchstat names the row
	pkg       string // the package that the file says it is of; empty if it does not
	// label is what stands for the name alone if several are called so: with the
	// package, as in example.com/p.Chat-8, and what else tells it from the others.
	label string
}

func (id identity) name() string { return cmp.Or(id.label, id.benchmark) }

// identities are those of all cells.
type identities struct {
	pkg *benchproc.Field // nil if no result has a package
	// labels are those that differ from the names, and packages those that have a
	// benchmark of a name, without GOMAXPROCS.
	labels   map[cellKey]string
	packages map[string][]string
}

// identify finds out which names are ambiguous: on a side there are several benchmarks
// that are called so.
func (t *table) identify() {
	t.ids = identities{labels: map[cellKey]string{}, packages: map[string][]string{}}
	fields := t.config.FlattenedFields()
	if i := slices.IndexFunc(fields, func(f *benchproc.Field) bool { return f.Name == "pkg" }); i >= 0 {
		t.ids.pkg = fields[i]
	}
	counts := map[benchproc.Key]*[2]int{} // by row
	for _, k := range t.order {
		n := counts[k.row]
		if n == nil {
			n = new([2]int)
			counts[k.row] = n
		}
		for s, c := range t.cells[k] {
			if c != nil {
				n[s]++
			}
		}
		if name := withoutProcs(rowName(k.row)); len(t.waivers) > 0 && !slices.Contains(t.ids.packages[name], t.pkg(k)) {
			t.ids.packages[name] = append(t.ids.packages[name], t.pkg(k))
		}
	}
	ambiguous := map[benchproc.Key][]cellKey{}
	for _, k := range t.order {
		if n := counts[k.row]; max(n[oldSide], n[newSide]) > 1 {
			ambiguous[k.row] = append(ambiguous[k.row], k)
		}
	}
	for _, keys := range ambiguous {
		t.label(keys, fields)
	}
}

// label gives the cells of one name labels that tell them apart.
func (t *table) label(keys []cellKey, fields []*benchproc.Field) {
	varies := slices.DeleteFunc(slices.Clone(fields), func(f *benchproc.Field) bool {
		return !slices.ContainsFunc(keys, func(k cellKey) bool { return k.config.Get(f) != keys[0].config.Get(f) })
	})
	byPackage := slices.Contains(varies, t.ids.pkg)
	if byPackage && t.tells(keys, t.ids.pkg) {
		varies = []*benchproc.Field{t.ids.pkg}
	}
	for _, k := range keys {
		label := rowName(k.row)
		if pkg := t.pkg(k); byPackage && pkg != "" {
			label = pkg + "." + label
		}
		var more []string
		for _, f := range varies {
			if v := k.config.Get(f); f != t.ids.pkg && v != "" {
				more = append(more, f.Name+": "+v)
			}
		}
		if len(more) > 0 {
			label += " (" + terminal.Line(strings.Join(more, ", ")) + ")"
		}
		t.ids.labels[k] = label
	}
}

// tells reports whether a field alone tells cells apart, on each side.
func (t *table) tells(keys []cellKey, f *benchproc.Field) bool {
	var seen [2]map[string]bool
	for _, k := range keys {
		for s, c := range t.cells[k] {
			v := k.config.Get(f)
			switch {
			case c == nil:
				continue
			case seen[s][v]:
				return false
			case seen[s] == nil:
				seen[s] = map[string]bool{}
			}
			seen[s][v] = true
		}
	}
	return true
}

// pkg is the package of a cell.
func (t *table) pkg(k cellKey) string {
	if t.ids.pkg == nil {
		return ""
	}
	return terminal.Line(k.config.Get(t.ids.pkg))
}

// identity is that of a cell.
func (t *table) identity(k cellKey) identity {
	return identity{rowName(k.row), t.pkg(k), t.ids.labels[k]}
}

// absent is what a side lacks of it: a unit, or all of it.
func (id identity) absent(config, unit string) Absent {
	return Absent{Benchmark: id.benchmark, Package: id.pkg, Unit: unit, Config: config, label: id.label}
}
