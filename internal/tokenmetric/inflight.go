package tokenmetric

import (
	"math"

	"github.com/joulebench/joulebench/internal/edgecount"
)

// InFlight widens the count of a window by what requests that run at its edges, so many before and
// after, have on the wrong side of them: of those that are added to a counter as a whole, up to
// the mean length of a request each. ok is false if that is not known: counts that are not are
// not numbers.
func (m Metric) InFlight(c edgecount.Count, what What, before, after float64, length func() float64) (_ edgecount.Count, ok bool) {
	switch {
	case what == Requests: // one counts where it ends
		return c, true
	case m.Update == AtStep:
		// The step that is under way, and no more, also where nothing is known of it.
		if before >= 0 && after >= 0 {
			c.Low, c.High = c.Low-before, c.High+after
		}
		return c, true
	case before == 0 && after == 0:
		return c, true
	}
	l := length()
	if math.IsNaN(before + after + l) {
		return c, false
	}
	switch m.Update {
	case AtArrival: // it is added early, and not late
		before, after = after, before
	case AtEnd:
		c.Value = max(c.Value+(after-before)*l/2, 0)
	}
	c.Low, c.High = min(c.Low-before*l, c.Value), max(c.High+after*l, c.Value)
	return c, true
}
