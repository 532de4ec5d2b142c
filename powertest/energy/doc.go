// Package energy is the instrument: it turns readings of cumulative energy
// into joules over a window of time, with an interval that can be relied on.
//
// It knows no GPU, no network and no testing. Readings come from a [Source];
// a [Recorder] takes them while somebody is interested, and keeps one [Curve]
// per device; a [Window] says which stretches of time are being measured; and
// a [Measurement] is a window laid over the curves:
//
//	Source.Read → Recorder → Curve → Window → Measurement
//
// The energy counter of a data-centre GPU changes only every 10 to 100 ms (its
// ticks), so the difference of two plain reads is wrong by up to one tick of
// energy at each end: a bias, which no repetition removes. The recorder
// therefore time-stamps the ticks, and the measurement splits the energy of the
// two ticks that straddle the edges of the window; closure.go says how.
//
// A number that cannot be defended is withheld: [Measurement.Valid] is false
// and [Measurement.Reasons] says why. It is never printed as zero, clamped or
// extrapolated.
//
// Time is taken from [time.Now], so the whole instrument runs inside a
// testing/synctest bubble, on a fake clock.
package energy
