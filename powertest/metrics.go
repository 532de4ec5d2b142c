package powertest

import (
	"math"

	"github.com/joulebench/joulebench/powertest/energy"
)

// metric is a number with its unit, as a benchmark reports it.
type metric struct {
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// unit is a unit that may be reported, and whether more of it is better.
type unit struct{ name, better string }

// units are all units but those of phases, in the order of derive.
var units = []unit{
	{"J/op", "lower"},
	{"W", "lower"},
	{"err-%", "lower"},
	{"tokens/J", "higher"},
	{"J/token", "lower"},
	{"tokens/s", "higher"},
	{"J/req", "lower"},
	{"J/user", "lower"},
	{"net-J/op", "lower"},
	{"idle-W", "lower"},
}

// derive divides the measurement by the work, in base units:
//
//	J/op      E / ops
//	W         E / duration of the window
//	err-%     100 · half-width of E's interval / E
//	tokens/J  output tokens / E
//	J/token   E / output tokens
//	tokens/s  output tokens / elapsed
//	J/req     E / requests
//	J/user    E / users
//	net-J/op  (E − idle power · duration of the window) / ops, with net
//	idle-W    mean power before the window, with net
//
// A metric whose input is missing, withheld or makes it infinite is left out.
// net-J/op may be negative: then the devices used less than when idle, and that
// is what was measured.
func derive(w work, m energy.Measurement, net bool) []metric {
	joules, seconds := missing, m.Duration.Seconds()
	watts, errPercent := missing, missing
	idle := missing
	if m.Valid {
		joules, watts, errPercent = m.Energy.Joules, m.Watts, m.Energy.ErrPercent()
	}
	if net && m.HasBefore {
		idle = m.BeforeWatts
	}
	ops, output := known(float64(w.Ops)), known(float64(w.OutputTokens))
	requests, users := known(float64(w.Requests)), known(float64(w.Users))

	var list []metric
	for i, v := range []float64{
		joules / ops,
		watts,
		errPercent,
		output / joules,
		joules / output,
		output / known(w.Elapsed.Seconds()),
		joules / requests,
		joules / users,
		(joules - idle*seconds) / ops,
		idle,
	} {
		if finite(v) {
			list = append(list, metric{units[i].name, v})
		}
	}
	return list
}

// derivePhase is the joules of a phase per operation, and how far they can be
// wrong; empty if there are none.
func derivePhase(name string, w work, m energy.Measurement) []metric {
	v, e := m.Energy.Joules/known(float64(w.Ops)), m.Energy.ErrPercent()
	if !m.Valid || !finite(v) || !finite(e) {
		return nil
	}
	units := phaseUnits(name)
	return []metric{{units[0].name, v}, {units[1].name, e}}
}

// missing is an input that is not there. It makes every metric that needs it
// not a number, and so left out.
var missing = math.NaN()

// known returns a count or a length, or missing if it is not positive: nothing
// was counted.
func known(x float64) float64 {
	if x > 0 {
		return x
	}
	return missing
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
