// Package energy is the instrument: it turns readings of cumulative energy
// into joules over a window of time, with an interval that can be relied on.
//
// It knows no GPU, no network and no testing. Readings come from a [Source];
// a [Recorder] takes them while a window is open; a [Window] says which stretches
// of time are measured, and a [Measurement] is what came of it. A [HistorySource]
// has the past, and is read once, after the end of a window:
//
//	Source.Read ──► Recorder ◄── internal/pace: when to read next
//	                   │
//	                   ▼
//	                 curve: the ticks, the power and the events of a device
//	                 ▲  ▲  │
//	Recording ◄──────┼──┘  │  a Window, or MeasurePast, gives the spans
//	(Replay)         │     ▼
//	HistorySource ───┘  internal/estimate: ticks of a counter ─► joules ± interval
//	(History)           internal/gauge: readings of the power ─► joules ± interval
//	                       │
//	                       ▼
//	                 DeviceMeasurement ─► Measurement: sums of roles, of kinds and of all
//
// Several sources are one by [Join]: a recorder reads each of them in a goroutine of its own.
//
// The energy counter of a data-centre GPU changes only every 10 to 100 ms (its
// ticks), so the difference of two plain reads is wrong by up to one tick of
// energy at each end: a bias, which no repetition removes. The recorder
// therefore time-stamps the ticks, and the measurement divides the energy of the
// two tick intervals that straddle the edges of the window; the documentation of
// internal/estimate says how.
//
// A number that cannot be defended is withheld: [Measurement.Valid] is false
// and [Measurement.Reasons] says why. It is never printed as zero, clamped or
// extrapolated.
//
// Time is taken from [time.Now], so the whole instrument runs inside a
// testing/synctest bubble, on a fake clock.
package energy
