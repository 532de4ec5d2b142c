package tokenmetric

import (
	"math"

	"github.com/joulebench/joulebench/internal/edgecount"
)

// Edges are a gauge at the edges of a window; not a number where it is not known.
type Edges struct{ Before, After float64 }

// InFlight widens the count of a window by what requests that run at its edges have on the wrong
// side of them: of those that are added to a counter as a whole, up to the mean length of a request
// each. Where a counter counts what waits, too, those that wait are among them, as far as they are
// known. ok is false if it is not known what runs, or the length, which is not a number then.
func (m Metric) InFlight(c edgecount.Count, what What, running, waiting Edges, length func() float64) (_ edgecount.Count, ok bool) {
	before, after := running.Before, running.After
	if m.Update == AtArrival {
		before, after = before+known(waiting.Before), after+known(waiting.After)
	}
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

// known is a gauge, or nothing where that is not known: not all servers have one.
func known(v float64) float64 {
	if v > 0 {
		return v
	}
	return 0
}
