package plot

import (
	"fmt"

	"github.com/joulebench/joulebench/internal/metrictable"
)

// A Curve is a metric against a key of the benchmark's name, such as conc in
// "Serve/conc=64".
type Curve struct {
	Name string
	// Key is what is on the x axis, and Unit on the y axis.
	Key, Unit string
	// Better is -1 if less of the unit is better, +1 if more is, and 0 if that is not known.
	Better int
	Lines  []Line
	// LeftOut is how many lines there are besides, which have fewer points.
	LeftOut int
	// Bars says what the error bars are.
	Bars string
}

// A Line is what has the same name but for the key.
type Line struct {
	Name string
	// Points are in the order of X, at each X that any line of the curve has.
	Points []Value
}

// A Value is one of a curve. Y is not a number where there is none: a gap. Low and High
// are the interval; not numbers if there is none. N is how many samples Y is the median of.
type Value struct {
	X, Y, Low, High float64
	N               int
}

// Title implements [Figure].
func (c *Curve) Title() string { return fmt.Sprintf("%s: %s by %s", c.Name, c.Unit, c.Key) }

// Describe implements [Figure].
func (c *Curve) Describe() string {
	words := count(len(c.Lines), "line")
	if c.LeftOut > 0 {
		words += fmt.Sprintf(" of %d, those with the most points", len(c.Lines)+c.LeftOut)
	}
	return fmt.Sprintf("%s against %s, %s. Error bars: %s.", c.Unit, c.Key, words, c.Bars)
}

// Parts are amounts side by side: the energy of each device, kind, role or phase.
type Parts struct {
	Name, Unit string
	Parts      []Part
}

// A Part is one of them, with its interval. Amount, Low and High are not numbers if it is
// withheld, and Why says why.
type Part struct {
	Name              string
	Amount, Low, High float64
	Why               string
}

// Title implements [Figure].
func (p *Parts) Title() string { return p.Name + ": energy" }

// Describe implements [Figure].
func (p *Parts) Describe() string {
	return fmt.Sprintf("What each used, in %s, with its interval: phases and roles are parts of the devices' energy.", p.Unit)
}

// better is the direction of a unit: -1 if less is better, +1 if more is, 0 if that is not
// known.
func better(unit string) int {
	dir, _ := metrictable.Better(unit)
	return int(dir)
}
