package plot

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/gate"
)

// A point is a metric of a benchmark whose name has keys.
type point struct {
	benchmark string // its full name
	unit      string
	Value     // X is unknown yet
}

// drawn are the units that are drawn against keys.
var drawn = []string{"tokens/J", "J/token", "tokens/s"}

// pointsOf are the metrics of a report.
func pointsOf(r powertest.Report) (list []point) {
	half := math.NaN()
	if m := r.Measurement; m != nil && m.Valid {
		half = m.Energy.ErrPercent() / 100
	}
	for _, unit := range drawn {
		p := point{benchmark: strings.TrimPrefix(r.Name, "Benchmark"), unit: unit, Value: Value{Y: math.NaN(), Low: math.NaN(), High: math.NaN()}}
		if v, ok := r.Value(unit); ok {
			p.Y, p.N = v, 1
			if unit != "tokens/s" {
				p.Low, p.High = v*(1-half), v*(1+half)
			}
		}
		list = append(list, p)
	}
	return list
}

// pointsOfSamples are the metrics of a benchmark file.
func pointsOfSamples(samples []gate.Samples) (list []point) {
	for i := range samples {
		s := &samples[i]
		if !slices.Contains(drawn, s.Unit) {
			continue
		}
		low, high := finite(s.Summary.Low), finite(s.Summary.High)
		if math.IsNaN(low) || math.IsNaN(high) {
			low, high = rangeOf(s)
		}
		list = append(list, point{benchmark: s.Name(), unit: s.Unit, Value: Value{Y: s.Summary.Center, Low: low, High: high, N: len(s.Values)}})
	}
	return list
}

// rangeOf is the range of samples that are too few for an interval of the median, each with
// the instrument's; not numbers if one sample is all that is known.
func rangeOf(s *gate.Samples) (low, high float64) {
	seen := nothing()
	for i, v := range s.Values {
		half := 0.0
		if s.Errors != nil {
			half = math.Abs(v) * s.Errors[i] / 100
		}
		seen.see(v-half, v+half)
	}
	if seen.low >= seen.high {
		return math.NaN(), math.NaN()
	}
	return seen.low, seen.high
}

// maxKey is the greatest number of a key: larger ones are times or hashes, if anything.
const maxKey = 1e12

// keysOf are the keys of a benchmark's name that have numbers, and the name without each.
func keysOf(name string) (keys map[string]float64, without map[string]string) {
	keys, without = map[string]float64{}, map[string]string{}
	base, parts := benchfmt.Name(name).Parts()
	for i, part := range parts {
		key, value, ok := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
		x, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil || !(math.Abs(x) <= maxKey) {
			continue
		}
		rest := string(base)
		for j, other := range parts {
			if j != i {
				rest += string(other)
			}
		}
		keys[key], without[key] = x, rest
	}
	return keys, without
}

// maxLines is how many lines a curve has: as many as its legend names.
const maxLines = maxLegend

// curves draws metrics against each key that has at least two numbers.
func curves(points []point) []Figure {
	type place struct{ key, unit string }
	lines := map[place]map[string][]Value{}
	var order []place
	for _, p := range points {
		keys, without := keysOf(p.benchmark)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			at := place{key, p.unit}
			if lines[at] == nil {
				lines[at] = map[string][]Value{}
				order = append(order, at)
			}
			p.X = keys[key]
			lines[at][without[key]] = append(lines[at][without[key]], p.Value)
		}
	}
	slices.SortStableFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(slices.Index(drawn, a.unit), slices.Index(drawn, b.unit)))
	})
	var figures []Figure
	for _, at := range order {
		if c := newCurve(at.key, at.unit, lines[at]); c != nil {
			figures = append(figures, c)
		}
	}
	return figures
}

// newCurve is a metric against a key; nil if there are not two numbers of it. Each line has
// a point at each number of the key that any of those drawn has: one that it lacks is a gap.
// Of very many lines only those with the most points are kept.
func newCurve(key, unit string, lines map[string][]Value) *Curve {
	names := slices.Sorted(maps.Keys(lines))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(lines[b]), len(lines[a])) })
	kept := names[:min(len(names), maxLines)]
	slices.Sort(kept)
	at := map[float64]bool{}
	for _, name := range kept {
		for _, v := range lines[name] {
			at[v.X] = true
		}
	}
	if len(at) < 2 {
		return nil
	}
	c := &Curve{Key: key, Unit: unit, Better: better(unit), LeftOut: len(names) - len(kept), Bars: "95 % of the median; of fewer than six samples their range, with the instrument's error"}
	xs := slices.Sorted(maps.Keys(at))
	for _, name := range kept {
		values := map[float64][]Value{}
		for _, v := range lines[name] {
			values[v.X] = append(values[v.X], v)
		}
		line := Line{Name: name}
		for _, x := range xs {
			line.Points = append(line.Points, together(x, values[x]))
		}
		c.Lines = append(c.Lines, line)
	}
	c.plainNames()
	c.Name = c.Lines[0].Name
	return c
}

// together is what is known at x: of several values there, as of several reports, the median
// and the range of all intervals. It is no number where there is none.
func together(x float64, list []Value) Value {
	v := Value{X: x, Y: math.NaN(), Low: math.NaN(), High: math.NaN()}
	var ys []float64
	seen := nothing()
	for _, one := range list {
		if math.IsNaN(one.Y) {
			continue
		}
		ys = append(ys, one.Y)
		seen.see(one.Y, one.Low, one.High)
		v.N += one.N
		v.Low, v.High = one.Low, one.High
	}
	if len(ys) > 0 {
		v.Y = median.Of(ys)
	}
	if len(ys) > 1 {
		v.Low, v.High = seen.low, seen.high
	}
	return v
}

// plainNames cuts off GOMAXPROCS where all lines have the same.
func (c *Curve) plainNames() {
	suffix := ""
	for i, l := range c.Lines {
		at := strings.LastIndexByte(l.Name, '-')
		if at <= 0 || i > 0 && l.Name[at:] != suffix {
			return
		}
		if _, err := strconv.ParseUint(l.Name[at+1:], 10, 16); err != nil {
			return
		}
		suffix = l.Name[at:]
	}
	for i := range c.Lines {
		c.Lines[i].Name = strings.TrimSuffix(c.Lines[i].Name, suffix)
	}
}
