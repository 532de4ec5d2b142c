package energy

import "time"

// doubt is a time in which a power may be off by so many watts either way.
type doubt struct {
	from, to int64 // ns since the base
	watts    float64
}

// Doubt says that the power between from and to may be off by so many watts either way,
// as where a log has two values for one time. The interval of an energy by these readings
// is as much wider. It does not concern a counter.
func (h *History) Doubt(from, to time.Time, watts float64) {
	h.curve.doubts = append(h.curve.doubts, doubt{h.curve.at(from), h.curve.at(to), watts})
}

// doubted widens the interval of an energy over spans by what is in doubt of the power.
func (c *curve) doubted(e Estimate, spans []span) Estimate {
	joules := 0.0
	for _, d := range c.doubts {
		for _, s := range spans {
			if from, to := max(d.from, s.start), min(d.to, s.end); to > from {
				joules += d.watts * time.Duration(to-from).Seconds() * float64(s.on) / float64(s.end-s.start)
			}
		}
	}
	e.Low, e.High = max(e.Low-joules, 0), e.High+joules
	return e
}
