package plot

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
)

// A scale is how values of a unit are shown: divided by a factor, in a unit with a prefix.
type scale struct {
	factor float64
	unit   string
}

// prefixed are the units that have prefixes of SI, and how they are written with one.
var prefixed = map[string]string{"sec": "s", "J": "J", "W": "W", "B": "B"}

// scaleOf chooses the prefix of a unit by the greatest of values: that of J/op, of W, of
// prefill-J/op and their kin. Other units have none.
func scaleOf(unit string, values ...float64) scale {
	top := 0.0
	for _, v := range values {
		if v = math.Abs(v); v < beyond {
			top = max(top, v)
		}
	}
	head, rest, _ := strings.Cut(unit, "/")
	before, base := "", head
	if i := strings.LastIndex(head, "-"); i >= 0 {
		before, base = head[:i+1], head[i+1:]
	}
	name, ok := prefixed[base]
	if !ok {
		return scale{1, unit}
	}
	if rest != "" {
		rest = "/" + rest
	}
	s := scale{1, before + name + rest}
	for _, p := range []struct {
		factor float64
		name   string
	}{{1e-9, "n"}, {1e-6, "µ"}, {1e-3, "m"}, {1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}} {
		if top >= p.factor {
			s = scale{p.factor, before + p.name + name + rest}
		}
	}
	return s
}

// axis is a vertical axis of values from low to high, in the unit's own scale.
func (s scale) axis(low, high float64, ticks int) axis {
	a := axis{label: s.unit, min: low / s.factor, max: high / s.factor}
	a.ticks = ticksOf(a.min, a.max, ticks)
	return a
}

// span is the least and the greatest of numbers.
type span struct{ low, high float64 }

// beyond is what no axis reaches: the differences of larger numbers may be infinite.
const beyond = 1e100

// see takes in numbers that can be shown.
func (r *span) see(list ...float64) {
	for _, v := range list {
		if math.Abs(v) < beyond {
			r.low, r.high = min(r.low, v), max(r.high, v)
		}
	}
}

// nothing is the span of no numbers.
func nothing() span { return span{math.Inf(1), math.Inf(-1)} }

// room returns the span with a share of it, and of its greatest, more on either side.
func (r span) room(share float64) span {
	if r.low > r.high {
		return span{0, 1}
	}
	more := max(share*(r.high-r.low), 0.002*math.Abs(r.high), 1e-300)
	if r.high == r.low && r.high == 0 {
		more = 1
	}
	return span{r.low - more, r.high + more}
}

// spaced drops the labels of ticks that would touch the one before, of an axis on which x
// is where a value is and w how wide a label is.
func spaced(ticks []plot.Tick, x func(float64) float64, w func(string) float64) []plot.Tick {
	end := math.Inf(-1)
	for i := range ticks {
		at, half := x(ticks[i].Value), w(ticks[i].Label)/2
		if at-half < end {
			ticks[i].Label = ""
			continue
		}
		end = at + half + 4
	}
	return ticks
}
