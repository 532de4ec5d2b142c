package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Power is the power of devices over time.
type Power struct {
	Name string
	// Start is the time that all others count from: the beginning of the first window, or
	// of the readings if there is no window.
	Start time.Time
	// Series are the devices, in their order.
	Series []Series
	// Sum is the power of all of them; nil if there is only one. Where one of them is not
	// known, the sum is not.
	Sum *Series
	// Bands are the windows and phases, and times in which nothing could be measured.
	Bands []Band
}

// Series is the power of one device, or of all.
type Series struct {
	// Name is for people: "0 NVIDIA H200". Device is the UUID; empty for a sum.
	Name, Device string
	// Step says that each power holds until the next time, as between the ticks of a
	// counter; otherwise it goes over in a straight line, as between samples of a gauge.
	Step bool
	// Points are in the order of time. The last of a step ends it.
	Points []Point
	// Ticks are when the counter changed, as far as that was seen; none for a gauge.
	Ticks []Tick
}

// A Point is a power at a time. Watts is not a number where the power is not known from
// then on.
type Point struct {
	At    time.Duration
	Watts float64
}

// known reports whether there is a power. One of times that are too short for it may be
// infinite.
func (p Point) known() bool { return math.Abs(p.Watts) < beyond }

// A Tick is a change of a counter, which was seen within a time.
type Tick struct{ From, To time.Duration }

// within reports whether the tick may be in a time.
func (t Tick) within(from, to time.Duration) bool { return t.To >= from && t.From <= to }

// A BandKind is what a band says.
type BandKind string

// The kinds of bands.
const (
	Window  BandKind = "window"  // what was measured
	Phase   BandKind = "phase"   // a part of it that has a name
	Trouble BandKind = "trouble" // a time that cannot be measured
)

// A Band is a stretch of time with a name. A phase that was used several times has several
// bands of one name.
type Band struct {
	Kind BandKind
	Name string
	// Device is the one that it is about; empty if it is about all.
	Device   string
	From, To Edge
	// Label is what was measured of all bands of the name together, "41.2 kJ ± 0.9 %", or
	// why that is withheld.
	Label string
	// Withheld says that there is no number.
	Withheld bool
}

// An Edge is where a band begins or ends. How the energy between Low and High, the ticks
// or readings on either side, is divided by it, is what the interval of the number is
// about. They are At if that is not known.
type Edge struct{ At, Low, High time.Duration }

// labels are the labels of the bands. That of a phase that was used several times is of all
// its uses, and says so.
func (p *Power) labels() []string {
	type kindName struct {
		kind BandKind
		name string
	}
	uses := map[kindName]int{}
	for _, b := range p.Bands {
		uses[kindName{b.Kind, b.Name}]++
	}
	list := make([]string, len(p.Bands))
	for i, b := range p.Bands {
		list[i] = b.Label
		if n := uses[kindName{b.Kind, b.Name}]; n > 1 && b.Label != "" && b.Kind == Phase {
			list[i] = fmt.Sprintf("in all %d: %s", n, b.Label)
		}
	}
	return list
}

// Title implements [Figure].
func (p *Power) Title() string { return p.Name + ": power" }

// Describe implements [Figure].
func (p *Power) Describe() string {
	from, to := p.view()
	length := short((to - from) * 100 / 102) // without the room on either side
	words := fmt.Sprintf("Power over %v of %s", length, count(len(p.Series), "device"))
	if len(p.Series) == 1 {
		words = fmt.Sprintf("Power of %s over %v", p.Series[0].Name, length)
	}
	if p.Sum != nil {
		words += " and their sum"
	}
	if len(p.Bands) > 0 {
		words += ". Bars above the axes are windows, phases, and what went wrong; the shaded edges of a window are the time between the readings on either side, over which its energy is divided with an error"
	}
	return words + "."
}

// short is a time with three digits or so.
func short(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 100*unit {
			return d.Round(unit)
		}
	}
	return d
}

// count is "1 device" or "2 devices".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// extent is from when to when there is something to be seen.
func (p *Power) extent() (from, to time.Duration) {
	first := true
	see := func(a, b time.Duration) {
		if first {
			from, to, first = a, b, false
		}
		from, to = min(from, a), max(to, b)
	}
	for _, s := range p.Series {
		if n := len(s.Points); n > 0 {
			see(s.Points[0].At, s.Points[n-1].At)
		}
	}
	for _, b := range p.Bands {
		if b.Kind != Trouble {
			see(b.From.At, b.To.At)
		}
	}
	return from, to
}

// after is the index of the first point later than a time.
func (s *Series) after(at time.Duration) int {
	i, _ := slices.BinarySearchFunc(s.Points, at+1, func(p Point, t time.Duration) int { return cmp.Compare(p.At, t) })
	return i
}
