package metrictable

import "strings"

// A Direction says whether more of a unit is better.
type Direction int8

const (
	Lower  Direction = -1 // less is better
	Higher Direction = +1 // more is better
)

// String is the value of the key "better" in the benchmark format.
func (d Direction) String() string {
	switch d {
	case Lower:
		return "lower"
	case Higher:
		return "higher"
	}
	return "unknown"
}

// Better returns the direction of a unit: of one in [Table], or of one that is made
// like them. It is not known of every rate: more errors/s are not better.
func Better(unit string) (dir Direction, known bool) {
	if m, ok := ByUnit(unit); ok {
		return m.Better, true
	}
	over, per, isRatio := strings.Cut(unit, "/")
	name := over[strings.LastIndexByte(over, '-')+1:]
	switch {
	case strings.HasSuffix(unit, "err-%"):
		return Lower, true
	case isRatio && per == "J":
		return Higher, true
	case isRatio && IsCurrency(over):
		return Lower, true
	case isRatio && per == "s" && (name == "tokens" || name == "req" || name == "ops" || name == "B"):
		return Higher, true
	}
	switch name {
	case "sec", "ns", "us", "µs", "ms", "J", "J*s", "W":
		return Lower, true
	}
	return 0, false
}
