package energy

import "time"

// idlePower is the power of a device before a window that no other came shortly before.
type idlePower struct {
	watts float64
	at    int64 // when that window began
	known bool
}

// What lies just before a window may be the end of another, with its tail, such as that
// of the count before of a benchmark. It is no idle power.
const (
	quietTime    = 2 * time.Second
	quietPeriods = 10
	// idleLasts is for how long the power before an earlier window counts.
	idleLasts = 10 * time.Minute
)

// before sets the power before a window: where another window ended shortly before, it is
// that before the first of them, if any. The caller holds mu.
func (r *Recorder) before(m *Measurement, f family) {
	if len(f.spans) == 0 {
		return
	}
	if r.idle == nil {
		r.idle = make([]idlePower, len(r.devices))
	}
	start := f.spans[0].start
	for i := range m.Devices {
		d, last := &m.Devices[i], &r.idle[i]
		quiet := true
		for _, s := range f.others {
			quiet = quiet && (s.start >= start || s.end < start-int64(max(quietTime, quietPeriods*d.Period)))
		}
		switch {
		case !d.Valid:
		case quiet && d.HasBefore:
			*last = idlePower{d.BeforeWatts, start, true}
		case !quiet:
			d.HasBefore = last.known && start-last.at < int64(idleLasts)
			d.BeforeWatts = last.watts
			if !d.HasBefore {
				d.BeforeWatts = 0
			}
		}
	}
}
