package energy

import "time"

// How far two clocks may move against each other for no reason, and how fast
// quartz drifts at most.
const (
	clockTolerance = 250 * time.Millisecond
	clockDrift     = 1e-4
)

// ClockSet reports by how much a clock was set: it moved on by moved while a clock
// that nobody sets moved on by passed. unsure is how well the two are known beside
// what clocks differ by anyway.
func ClockSet(moved, passed, unsure time.Duration) (by time.Duration, set bool) {
	by = moved - passed
	return by, by.Abs() > clockTolerance+unsure+time.Duration(clockDrift*float64(passed))
}

// ClockSetBetween reports by how much this machine's wall clock was set between two
// times, in comparison with its monotonic clock. Where one of the times has no
// reading of that, nothing is known.
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
