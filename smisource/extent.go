package smisource

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Extent returns the times of the first and of the last reading of the devices, as far as
// the log has been read. It is zero if there are none.
func (s *Source) Extent() (e energy.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.gpus {
		for _, x := range s.log.gpus[k].samples {
			at := time.Unix(0, x.at)
			if e.Start.IsZero() || at.Before(e.Start) {
				e.Start = at
			}
			if at.After(e.End) {
				e.End = at
			}
		}
	}
	return e
}
