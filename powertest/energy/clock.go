package energy

import "time"

// Up to clockTolerance two clocks may differ although neither was set, and besides
// by the drift of their quartzes.
const (
	clockTolerance = 250 * time.Millisecond
	clockDrift     = 1e-4
)

// ClockSet reports by how much a clock was set: it moved on by moved while a
// monotonic clock moved on by passed. unsure is the error of the two readings, which
// is allowed for beside the tolerance and the drift of clocks.
func ClockSet(moved, passed, unsure time.Duration) (by time.Duration, set bool) {
	by = moved - passed
	return by, by.Abs() > clockTolerance+unsure+time.Duration(clockDrift*float64(passed))
}

// ClockSetBetween reports by how much this machine's wall clock was set between two
// times, in comparison with its monotonic clock. If one of the times has no
// monotonic reading, set is false.
func ClockSetBetween(from, to time.Time) (by time.Duration, set bool) {
	if from == from.Round(0) || to == to.Round(0) { // which strips it
		return 0, false
	}
	return ClockSet(to.Round(0).Sub(from.Round(0)), to.Sub(from), 0)
}

// clockStep returns by how much the wall clock was set since base; 0 if it was not.
func clockStep(base time.Time) time.Duration {
	if by, set := ClockSetBetween(base, time.Now()); set {
		return by
	}
	return 0
}
