package gate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/perf/benchproc"

	"github.com/joulebench/joulebench/internal/terminal"
)

// hardware are the configuration lines that must be equal for joules to be
// comparable, and what a difference means.
var hardware = map[string]string{
	"gpu":           "another GPU",
	"gpus":          "another number of GPUs",
	"power-limit":   "another power limit",
	"energy-source": "another instrument",
	"cpu-energy":    "other parts of the CPUs, or none",
	"cpus":          "another number of CPUs",
	"calibration":   "another profile of the devices, or none",

	"cpu-power-limit": "another power limit of the CPUs",
}

// match finds what only one side has: benchmarks that are missing or new, and
// those that would be compared if their configuration were the same.
func (j *judging) match() {
	if j.alone {
		return
	}
	single := map[benchproc.Key]*[2][]benchproc.Key{} // configurations by row
	var rows []benchproc.Key
	for _, k := range j.order {
		p := j.cells[k]
		if p[oldSide] != nil && p[newSide] != nil {
			continue
		}
		if single[k.row] == nil {
			single[k.row] = new([2][]benchproc.Key)
			rows = append(rows, k.row)
		}
		s := oldSide
		if p[newSide] != nil {
			s = newSide
		}
		single[k.row][s] = append(single[k.row][s], k.config)
	}
	for _, row := range rows {
		j.matchRow(row, single[row][oldSide], single[row][newSide])
	}
	j.differences()
	j.renamed()
}

// maxConfigs is how many configurations of one row are distinguished. More of them
// mean that a line varies from sample to sample.
const maxConfigs = 50

// matchRow decides for one row of which of its configurations the other side has
// none.
func (j *judging) matchRow(row benchproc.Key, olds, news []benchproc.Key) {
	if len(olds) > maxConfigs && len(news) > maxConfigs {
		olds, news = olds[:maxConfigs], news[:maxConfigs]
	}
	for _, before := range olds {
		nearest, differing := closest(before, news)
		if nearest < 0 {
			j.missing(newSide, j.identity(cellKey{before, row}).absent(configString(before), ""))
			continue
		}
		news = slices.Delete(news, nearest, nearest+1)
		for _, d := range differing {
			i := slices.IndexFunc(j.report.Differences, func(o Difference) bool {
				return o.Key == d.Key && o.Old == d.Old && o.New == d.New
			})
			if i < 0 {
				i = len(j.report.Differences)
				j.report.Differences = append(j.report.Differences, d)
			}
			j.report.Differences[i].Benchmarks++
		}
	}
	for _, after := range news {
		added := j.identity(cellKey{after, row}).absent(configString(after), "")
		added.Side = sideNames[oldSide]
		j.report.New = append(j.report.New, added)
	}
}

// closest finds the configuration that differs least, and in what. Another
// package has other benchmarks, even of the same name.
func closest(config benchproc.Key, list []benchproc.Key) (index int, least []Difference) {
	index = -1
	for i, other := range list {
		var diff []Difference
		for _, f := range config.Projection().FlattenedFields() {
			if before, after := config.Get(f), other.Get(f); before != after {
				diff = append(diff, Difference{Key: f.Name, Old: before, New: after})
			}
		}
		if slices.ContainsFunc(diff, func(d Difference) bool { return d.Key == "pkg" }) {
			continue
		}
		if index < 0 || len(diff) < len(least) {
			index, least = i, diff
		}
	}
	return index, least
}

// differences reports configuration lines that keep benchmarks apart: of each
// key once.
func (j *judging) differences() {
	var first []Difference // of each key
	var keys []string
	values := map[string]int{}
	for _, d := range j.report.Differences {
		if values[d.Key]++; values[d.Key] == 1 {
			first, keys = append(first, d), append(keys, d.Key)
		}
	}
	for _, d := range first {
		what := cmp.Or(hardware[d.Key], "another configuration")
		if n := values[d.Key]; n > 1 {
			what = fmt.Sprintf("and %d more pairs of values", n-1)
		}
		advice := "run both sides alike, or -ignore " + terminal.Line(strings.Join(keys, ","))
		if d.Key == "energy-source" && (d.Old == "simulated" || d.New == "simulated") {
			advice = "measure both sides, or simulate both"
		}
		j.blameInput("%s differs: %s in %s, %s in %s (%s): %s", terminal.Line(d.Key),
			shown(d.Old), j.sides[oldSide].name, shown(d.New), j.sides[newSide].name, what, advice)
	}
}

// shown is the value of a configuration line, for a sentence.
func shown(v string) string {
	if v == "" {
		return "(no such line)"
	}
	return text([]byte(v))
}

// renamed warns where all that makes a benchmark missing is another GOMAXPROCS.
func (j *judging) renamed() {
	type key struct{ pkg, name string }
	added := map[key]Absent{}
	for _, n := range j.report.New {
		added[key{n.Package, withoutProcs(n.Benchmark)}] = n
	}
	for _, m := range j.report.Missing {
		if other, ok := added[key{m.Package, withoutProcs(m.Benchmark)}]; ok && m.Unit == "" && other.Benchmark != m.Benchmark {
			j.report.warn("%s is missing but there is %s: -ignore /gomaxprocs compares them", m.Name(), other.Name())
			return
		}
	}
}

// rejected reports samples that were not used: those that are marked invalid,
// and those without joules where others of the benchmark have them.
func (j *judging) rejected() {
	for _, k := range j.order {
		for s, c := range j.cells[k] {
			if c == nil {
				continue
			}
			add := func(n int, why string) {
				id := j.identity(k)
				j.report.Rejected = append(j.report.Rejected, Rejected{
					Side: j.sides[s].name, Benchmark: id.benchmark, Package: id.pkg, label: id.label, Config: configString(k.config),
					Count: n, Of: c.samples + c.invalid, Why: why,
				})
			}
			if c.invalid > 0 {
				add(c.invalid, "marked invalid")
			}
			var numbers []int           // of samples that lack a judged unit which others have
			units := map[int][]string{} // that are lacking so often, and so together
			for _, u := range j.judged {
				n := len(c.values(u))
				if lacking := c.samples - n; n > 0 && lacking > 0 {
					if units[lacking] == nil {
						numbers = append(numbers, lacking)
					}
					units[lacking] = append(units[lacking], u.name)
				}
			}
			for _, n := range numbers {
				add(n, "no "+strings.Join(units[n], ", "))
			}
		}
	}
}

// missed reports benchmarks and units that a side lacks.
func (j *judging) missed() {
	before := j.sides[oldSide].name
	j.absent(newSide, false, "run them, or -missing warn")
	j.absent(newSide, true, before+" has it: measure the new side again, or waive all units (*) of the benchmark")
	j.absent(oldSide, false, "measure the old side again, or -missing warn if it is new there")
}

// absent reports what a side lacks. The policy may excuse it, but not what is lost.
func (j *judging) absent(side int, lost bool, advice string) {
	var list names
	for i := range j.report.Missing {
		if m := &j.report.Missing[i]; m.Waived == nil && m.Side == sideNames[side] && m.lost == lost {
			list.add(m.String())
		}
	}
	switch {
	case list.n == 0:
	case !lost && j.plan.missing == Warn:
		j.report.warn("missing in %s: %s", j.sides[side].name, &list)
	default:
		j.unsure = true
		j.report.addReason("missing in %s: %s; %s", j.sides[side].name, &list, advice)
	}
}

// named reports units that were asked for, and that a side does not have. What
// is asked for and not there must not pass for what was judged.
func (j *judging) named() {
	if j.broken {
		return
	}
	joules := j.unit("J/op")
	withheld := joules.judged && j.withheld()
	for _, unit := range slices.Sorted(maps.Keys(j.plan.named)) {
		seen := j.unit(unit).seen
		before, after := seen[oldSide] || j.alone, seen[newSide]
		who := j.plan.named[unit]
		switch {
		case before && after, withheld && unit == "J/op":
		case j.alone, !before && !after:
			j.blameInput("%s, which no result has, is named by %s: correct the unit", terminal.Line(unit), who)
		default:
			lacking := j.sides[newSide].name
			if !before {
				lacking = j.sides[oldSide].name
			}
			j.blameInput("%s, which no result of %s has, is named by %s: measure that side again, or do not name the unit", terminal.Line(unit), lacking, who)
		}
	}
	announced := slices.ContainsFunc(j.sides[:], func(s side) bool { return s.units.Get("J/op", "better") != nil })
	if announced && !withheld && joules.judged && !joules.valued && j.plan.named["J/op"] == "" {
		j.report.warn("no result has joules, though the files announce them: only other units were judged")
	}
}

// withheld reports files that were measured and have no joules at all: every one
// was withheld, and what remains says nothing of energy. It reports whether there
// are any.
func (j *judging) withheld() bool {
	found := false
	for s := range j.sides {
		if file := &j.sides[s]; file.source && !file.joules && file.used > 0 {
			found = true
			j.blameInput("no result of %s has joules, though it has an energy-source: all were withheld; see why in the benchmarks' log, or judge other units with -units", file.name)
		}
	}
	return found
}
