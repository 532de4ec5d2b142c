package energy

import (
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// Sensor is what is known of how the power readings of a device come about. The zero
// value knows nothing: an energy by such readings is as wide as any sensor that is
// plausible makes it.
//
// A sensor refreshes its value from time to time and holds it in between. A refresh
// shows a mean of the power just before it, by one of the Kernels. What a device has as a
// gain of its own is in its [Calibration].
type Sensor struct {
	// Kernels are the ways in which a refresh may follow the power, one of which it
	// does: an interval covers each of them. None means that nothing is known.
	Kernels []Kernel `json:"kernels,omitempty"`
	// Refresh is the time between two refreshes; 0 if only the readings show it.
	Refresh time.Duration `json:"refresh_ns,omitempty"`
	// Stamped reports whether a reading carries the time of its refresh.
	Stamped bool `json:"stamped,omitempty"`
}

// Reach returns until how long after a moment readings tell of the power at that moment.
func (s Sensor) Reach() time.Duration {
	g := s.gauge()
	return time.Duration(g.Reach())
}

func (s Sensor) gauge() gauge.Sensor {
	g := gauge.Sensor{Refresh: int64(s.Refresh), Stamped: s.Stamped}
	for _, k := range s.Kernels {
		g.Kernels = append(g.Kernels, gauge.Kernel{
			Exponential: k.Manner == Exponential, Shortest: int64(k.Shortest), Longest: int64(k.Longest),
			Earliest: int64(k.Earliest), Latest: int64(k.Latest),
		})
	}
	return g
}

// Kernel is how a refresh of a sensor follows the power before it: a mean over a time
// within bounds, that ended within bounds before the refresh.
type Kernel struct {
	Manner Manner `json:"manner"`
	// Shortest and Longest bound the time that is averaged over; of an [Exponential],
	// its time constant.
	Shortest time.Duration `json:"shortest_ns"`
	Longest  time.Duration `json:"longest_ns"`
	// Earliest and Latest bound how old the newest power in a refresh is.
	Earliest time.Duration `json:"earliest_ns"`
	Latest   time.Duration `json:"latest_ns"`
}

// Manner is how a mean weighs the time that it is over.
type Manner uint8

const (
	// Boxcar means weigh all of their time alike.
	Boxcar Manner = iota + 1
	// Exponential means weigh time the less the older it is.
	Exponential
)

// String returns "boxcar" or "exponential".
func (m Manner) String() string {
	switch m {
	case Boxcar:
		return "boxcar"
	case Exponential:
		return "exponential"
	}
	return "unknown manner"
}

// MarshalText encodes the manner as [Manner.String] does.
func (m Manner) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText decodes what MarshalText encodes.
func (m *Manner) UnmarshalText(text []byte) error {
	for _, known := range []Manner{Boxcar, Exponential} {
		if string(text) == known.String() {
			*m = known
			return nil
		}
	}
	return fmt.Errorf("%q is neither boxcar nor exponential: %w", text, ErrMalformed)
}
