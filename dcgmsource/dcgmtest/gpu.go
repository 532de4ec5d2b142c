package dcgmtest

import (
	"math"
	"time"
)

// gpu is one GPU of an exporter: what the driver shows of it, and what was
// collected of that. The exporter's lock guards it.
type gpu struct {
	device int // of the source
	uuid   string
	driver grid // when the driver's counter changes
	live   bool // the driver's counter is always up to date

	counted time.Time // the driver's counter is known up to this time
	joules  float64   // what it shows then

	// What was collected last. NaN is a value that is not known.
	shown   time.Time // the time of the driver's counter
	energy  float64   // J
	earlier float64   // J, the refresh before: what other instances show
	watts   float64

	// Its labels, but for those of an instance, which come between the two, and
	// those that come and go, which follow.
	head, tail string

	hidden    bool
	broken    bool // the label of its energy is
	instances int
	jobs      []string
}

// meanOver is how long the power is a mean of, where the driver's refresh
// period does not say.
const meanOver = 100 * time.Millisecond

// firstWatts is the power before a GPU has a past to take a mean of: what a
// simulated GPU draws when it is idle, unless it is configured otherwise.
const firstWatts = 100.0

// tick returns when the driver's counter last changed.
func (g *gpu) tick(t time.Time) time.Time {
	if g.live {
		return t
	}
	return g.driver.last(t)
}

// collect takes what the driver shows at t.
func (g *gpu) collect(src GPUs, t time.Time) {
	tick := g.tick(t)
	if tick.After(g.counted) {
		g.joules += src.TrueJoules(g.counted, tick, g.device)
		g.counted = tick
	}
	over := meanOver
	if !g.live {
		over = g.driver.period
	}
	recent := src.TrueJoules(tick.Add(-over), tick, g.device)
	g.watts = recent / over.Seconds()
	if math.IsNaN(g.watts) {
		recent, g.watts = 0, firstWatts
	}
	g.shown, g.energy = g.counted, g.joules
	g.earlier = max(g.joules-recent, 0)
}
