package gate

import (
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

// defaultUnits are judged if nothing else is asked for: what an operation takes
// and costs, and what a token costs where tokens are counted. W, tokens/J, J/req
// and others are the same joules again, under another name, and judging them too
// would make the family larger and every comparison weaker.
var defaultUnits = []string{"ns/op", "J/op", "J/token"}

// isEnergy reports whether a unit is one of energy or power, which the error of
// the instrument is about: J or W is one of its parts, as in prefill-J/op,
// goodput-tokens/J and idle-W.
func isEnergy(unit string) bool {
	for _, part := range strings.FieldsFunc(unit, func(r rune) bool { return strings.ContainsRune("/-*", r) }) {
		switch part {
		case "J", "mJ", "kJ", "W", "mW", "kW", "Wh", "kWh":
			return true
		}
	}
	return false
}

// mayBeNegative reports whether values below zero are measurements: energy above
// idle is, where a GPU used less than when it was idle.
func mayBeNegative(unit string) bool { return strings.HasPrefix(unit, "net-") }

// mayBeZero reports whether 0 is a measurement of a unit of energy or power: what
// is above idle or what is idle may be nothing, and so may the tokens that arrived
// in time. A whole run takes joules; that it took none says that nothing was
// measured.
func mayBeZero(unit string) bool {
	return mayBeNegative(unit) || strings.HasPrefix(unit, "idle-") || strings.HasPrefix(unit, "goodput-")
}

// builtinBetter is the direction of the standard units, and of ours: -1 if less is
// better, +1 if more is, 0 if that is not known.
func builtinBetter(unit string) int {
	if dir := (benchfmt.UnitMetadataMap{}).GetBetter(unit); dir != 0 {
		return dir
	}
	dir, _ := metrictable.Better(unit)
	return int(dir)
}

// errorUnit is the unit that the error of a unit's values is reported in, in
// percent: that of a phase or role for its joules, else that of the whole.
func errorUnit(unit string, has func(unit string) bool) string {
	for i := 0; i < len(unit); i++ {
		if unit[i] != '-' {
			continue
		}
		if u := unit[:i] + "-err-%"; has(u) {
			return u
		}
	}
	return "err-%"
}

// isError reports whether a unit is one of those that errorUnit returns.
func isError(unit string) bool { return unit == "err-%" || strings.HasSuffix(unit, "-err-%") }
