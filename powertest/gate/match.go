package gate

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchproc"
)

// hardware are the configuration lines that must be equal for joules to be
// comparable, and what a difference means.
var hardware = map[string]string{
	"gpu":           "another GPU",
	"gpus":          "another number of GPUs",
	"power-limit":   "another power limit",
	"energy-source": "another instrument",
}

// match finds what only one side has: benchmarks that are missing or new, and
// those that would be compared if their configuration were the same.
func (j *judging) match() {
	if j.alone {
		return
	}
	single := map[benchproc.Key]*[2][]cellKey{}
	var rows []benchproc.Key
	for _, k := range j.order {
		p := j.cells[k]
		if p[oldSide] != nil && p[newSide] != nil {
			continue
		}
		lists := single[k.row]
		if lists == nil {
			lists = new([2][]cellKey)
			single[k.row] = lists
			rows = append(rows, k.row)
		}
		s := oldSide
		if p[newSide] != nil {
			s = newSide
		}
		lists[s] = append(lists[s], k)
	}
	for _, row := range rows {
		j.matchRow(row, single[row])
	}
	j.differences()
	j.renamed()
}

// maxConfigs is how many configurations of one row are told apart. More of them
// mean that a line varies from sample to sample.
const maxConfigs = 50

// matchRow decides for one row of which of its configurations the other side has
// none.
func (j *judging) matchRow(row benchproc.Key, lists *[2][]cellKey) {
	name := rowName(row)
	olds, news := lists[oldSide], lists[newSide]
	if len(olds) > maxConfigs && len(news) > maxConfigs {
		olds, news = olds[:maxConfigs], news[:maxConfigs]
	}
	for _, old := range olds {
		i, keys := closest(old.config, news)
		if i < 0 {
			j.missing(newSide, Absent{Benchmark: name, Config: configString(old.config)})
			continue
		}
		for _, key := range keys {
			j.differ(key, valueOf(old.config, key), valueOf(news[i].config, key))
		}
		news = slices.Delete(news, i, i+1)
	}
	for _, new := range news {
		j.report.New = append(j.report.New, Absent{Benchmark: name, Config: configString(new.config), Side: sideNames[oldSide]})
	}
}

// closest finds the configuration that differs least, and in what. Another
// package has other benchmarks, even of the same name.
func closest(config benchproc.Key, list []cellKey) (index int, keys []string) {
	index = -1
	for i, k := range list {
		diff := differing(config, k.config)
		if slices.Contains(diff, "pkg") {
			continue
		}
		if index < 0 || len(diff) < len(keys) {
			index, keys = i, diff
		}
	}
	return index, keys
}

// differing are the keys of which two configurations have different values.
func differing(a, b benchproc.Key) []string {
	var keys []string
	for _, f := range a.Projection().FlattenedFields() {
		if a.Get(f) != b.Get(f) {
			keys = append(keys, f.Name)
		}
	}
	return keys
}

func valueOf(config benchproc.Key, key string) string {
	for _, f := range config.Projection().FlattenedFields() {
		if f.Name == key {
			return config.Get(f)
		}
	}
	return ""
}

// differ counts a difference.
func (j *judging) differ(key, old, new string) {
	for i := range j.report.Differences {
		if d := &j.report.Differences[i]; d.Key == key && d.Old == old && d.New == new {
			d.Benchmarks++
			return
		}
	}
	j.report.Differences = append(j.report.Differences, Difference{Key: key, Old: old, New: new, Benchmarks: 1})
}

// differences tells of configuration lines that keep benchmarks apart: of each
// key once.
func (j *judging) differences() {
	var keys []string
	values := map[string]int{}
	for _, d := range j.report.Differences {
		if values[d.Key]++; values[d.Key] == 1 {
			keys = append(keys, d.Key)
		}
	}
	for _, key := range keys {
		i := slices.IndexFunc(j.report.Differences, func(d Difference) bool { return d.Key == key })
		d := j.report.Differences[i]
		what := hardware[key]
		switch n := values[key]; {
		case n > 1:
			what = fmt.Sprintf("and %d more pairs of values", n-1)
		case what == "":
			what = "another configuration"
		}
		advice := "run both sides alike, or -ignore " + clean(strings.Join(keys, ","))
		if key == "energy-source" && (d.Old == "simulated" || d.New == "simulated") {
			advice = "measure both sides, or simulate both"
		}
		j.blameInput("%s differs: %s in %s, %s in %s (%s): %s", clean(key),
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
	names := map[string]string{}
	for _, n := range j.report.New {
		names[withoutProcs(n.Benchmark)] = n.Benchmark
	}
	for _, m := range j.report.Missing {
		if other, ok := names[withoutProcs(m.Benchmark)]; ok && m.Unit == "" && other != m.Benchmark {
			j.report.warn("%s is missing but there is %s: -ignore /gomaxprocs compares them", m.Benchmark, other)
			return
		}
	}
}

// rejected tells of samples that were not used: those that are marked invalid,
// and those without joules where others of the benchmark have them.
func (j *judging) rejected() {
	for _, k := range j.order {
		for s, c := range j.cells[k] {
			if c == nil {
				continue
			}
			add := func(n int, why string) {
				j.report.Rejected = append(j.report.Rejected, Rejected{
					Side: j.sides[s].name, Benchmark: rowName(k.row), Config: configString(k.config),
					Count: n, Of: c.samples + c.invalid, Why: why,
				})
			}
			if c.invalid > 0 {
				add(c.invalid, "marked invalid")
			}
			for _, l := range j.lacking(c) {
				add(l.n, "no "+strings.Join(l.units, ", "))
			}
		}
	}
}

// lack are units that some samples do not have, of those that the others have.
type lack struct {
	n     int
	units []string
}

// lacking finds judged units that not all samples of a cell have. Units that are
// missing in equally many samples are missing together.
func (j *judging) lacking(c *cell) []lack {
	var list []lack
	for u, unit := range j.units {
		if !j.wants[u] {
			continue
		}
		values := c.values(u)
		n := c.samples - len(values)
		if values == nil || n <= 0 {
			continue
		}
		if i := slices.IndexFunc(list, func(l lack) bool { return l.n == n }); i >= 0 {
			list[i].units = append(list[i].units, unit)
		} else {
			list = append(list, lack{n, []string{unit}})
		}
	}
	return list
}

// String returns "3 of 10 samples of Chat-8 in new.txt are not used: no J/op".
func (r Rejected) String() string {
	return fmt.Sprintf("%d of %d samples of %s in %s are not used: %s", r.Count, r.Of, r.Benchmark, r.Side, r.Why)
}
