package plot

import (
	"fmt"
	"image/color"
	"strings"
)

// An ink is a colour by what it is for: pages and SVG files have one for light and one for
// dark surroundings, and PNG files have the light one.
type ink struct {
	name        string
	light, dark uint32 // RGB
	// alpha is how opaque it is, from 0 to 1.
	alpha float64
}

// RGBA implements [color.Color].
func (i ink) RGBA() (r, g, b, a uint32) {
	c := color.NRGBA{uint8(i.light >> 16), uint8(i.light >> 8), uint8(i.light), uint8(255 * i.alpha)}
	return c.RGBA()
}

// faint is the same colour, so opaque.
func (i ink) faint(alpha float64) ink {
	i.alpha = alpha
	return i
}

// moving is the same colour, of what the script moves with the axis of time.
func (i ink) moving() ink {
	i.name += " xt"
	return i
}

// The inks. Those of series are told apart by who does not see red and green (after Okabe
// and Ito), and lines have dashes besides.
var (
	paper   = ink{"paper", 0xffffff, 0x14171c, 1}
	text    = ink{"text", 0x1b1f24, 0xe8eaed, 1}
	pale    = ink{"pale", 0x667085, 0x98a2b3, 1}
	grid    = ink{"grid", 0xe4e7ec, 0x2b313b, 1}
	good    = ink{"good", 0x00775a, 0x34c99b, 1}
	bad     = ink{"bad", 0xc13515, 0xff7a52, 1}
	unclear = ink{"unclear", 0x8a6100, 0xf0b93a, 1}

	seriesInks = []ink{
		{"s0", 0x0068a8, 0x55b0f0, 1}, {"s1", 0xc94f00, 0xff8f4d, 1}, {"s2", 0x008a64, 0x35c99c, 1}, {"s3", 0xb0568c, 0xe79ac6, 1},
		{"s4", 0x9a6b00, 0xf0bd45, 1}, {"s5", 0x3f8fc4, 0x93d3f7, 1}, {"s6", 0x6b4fa0, 0xb9a3ec, 1}, {"s7", 0x5f6b3a, 0xb7c98a, 1},
	}
)

// seriesInk is the colour of a series, by its place.
func seriesInk(i int) ink { return seriesInks[i%len(seriesInks)] }

// inkStyle is the style sheet of the inks: for light surroundings, for dark ones, and for
// paper.
func inkStyle() string {
	inks := append([]ink{paper, text, pale, grid, good, bad, unclear}, seriesInks...)
	var light, dark, classes strings.Builder
	for _, i := range inks {
		fmt.Fprintf(&light, "--%s:#%06x;", i.name, i.light)
		fmt.Fprintf(&dark, "--%s:#%06x;", i.name, i.dark)
		fmt.Fprintf(&classes, ".%s{color:var(--%[1]s)}", i.name)
	}
	return ":root{color-scheme:light dark;" + light.String() + "}" +
		"@media screen and (prefers-color-scheme:dark){:root{" + dark.String() + "}}" + classes.String() +
		".l{fill:none;stroke:currentColor;stroke-linejoin:round}.f{fill:currentColor;stroke:none}" +
		`svg text{fill:currentColor;font-family:"Liberation Sans",Arial,Helvetica,sans-serif;white-space:pre}svg .b{font-weight:700}`
}
