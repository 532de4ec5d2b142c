package plot

import (
	"fmt"
	"math"
	"strings"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	gtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/joulebench/joulebench/internal/terminal"
)

// A sheet is what a figure is drawn on: a wide one for screens and paper, or a narrow one
// for phones. Lengths are in points, of which one is a unit of the SVG.
type sheet struct {
	draw.Canvas
	svg    *svg // nil of a PNG
	id     string
	narrow bool
	// area is where the data is, after panel.
	area draw.Canvas
}

// Sizes of text.
const (
	titleSize vg.Length = 13
	textSize  vg.Length = 11
	smallSize vg.Length = 9.5
)

// style is that of a text.
func style(size vg.Length, i ink, bold bool) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = stdfont.WeightBold
	}
	return draw.TextStyle{Color: i, Font: f, Handler: gtext.Plain{Fonts: font.DefaultCache}}
}

// write writes a text at a place, aligned as gonum has it: 0, -0.5 and -1 are left, centre
// and right of it, and above, at and below it.
func (s *sheet) write(st draw.TextStyle, x, y vg.Length, alignX draw.XAlignment, alignY draw.YAlignment, words string) {
	st.XAlign, st.YAlign = alignX, alignY
	s.FillText(st, vg.Point{X: x, Y: y}, terminal.Line(words))
}

// fit is a text that is no wider than it may be.
func fit(st draw.TextStyle, words string, width vg.Length) string {
	words = terminal.Line(words)
	if st.Width(words) <= width {
		return words
	}
	runes := []rune(words)
	for len(runes) > 0 && st.Width(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// group puts what is drawn until the returned function is called into a group of a class,
// which the script reads out as the text says.
func (s *sheet) group(class, readout string) (end func()) {
	if s.svg == nil {
		return func() {}
	}
	fmt.Fprintf(s.svg, `<g class="%s"`, class)
	if readout != "" {
		fmt.Fprintf(s.svg, ` data-r="%s"`, escape(readout))
	}
	s.svg.WriteString(">\n")
	return func() { s.svg.WriteString("</g>\n") }
}

// rectangle fills a rectangle.
func (s *sheet) rectangle(i ink, x0, x1, y0, y1 vg.Length) {
	s.FillPolygon(i, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// clipped draws what f draws within the axes only, where the canvas can.
func (s *sheet) clipped(f func()) {
	if s.svg != nil {
		s.svg.clip = fmt.Sprintf(` clip-path="url(#%s)"`, s.id)
		defer func() { s.svg.clip = "" }()
	}
	f()
}

// An entry is one of a legend.
type entry struct {
	name string
	draw func(x, y vg.Length) // centred
}

// header writes a title and a legend at the top, and returns how high they are.
func (s *sheet) header(title, note string, noteInk ink, legend []entry) (height vg.Length) {
	y := s.Max.Y - 4
	bold := style(titleSize, text, true)
	s.write(bold, s.Min.X+6, y, draw.XLeft, draw.YTop, fit(bold, title, s.Size().X-12))
	y -= titleSize + 6
	if note != "" {
		st := style(textSize, noteInk, false)
		s.write(st, s.Min.X+6, y, draw.XLeft, draw.YTop, fit(st, note, s.Size().X-12))
		y -= textSize + 5
	}
	if len(legend) > 0 {
		y = s.legend(legend, y)
	}
	return s.Max.Y - y
}

// swatch is how wide the sample of an entry is.
const swatch vg.Length = 22

// legend writes the entries in rows.
func (s *sheet) legend(entries []entry, y vg.Length) vg.Length {
	st := style(smallSize, text, false)
	x := s.Min.X + 6
	for _, e := range entries {
		name := fit(st, e.name, min(s.Size().X-swatch-20, 420))
		width := swatch + 5 + st.Width(name) + 14
		if x+width > s.Max.X && x > s.Min.X+6 {
			x, y = s.Min.X+6, y-smallSize-5
		}
		e.draw(x+swatch/2, y-smallSize/2-1)
		s.write(st, x+swatch+5, y, draw.XLeft, draw.YTop, name)
		x += width
	}
	return y - smallSize - 8
}

// panel are axes with a grid below what plotters draw, within margins of the sheet.
type panel struct {
	left, right, top, bottom vg.Length
	x, y                     axis
}

// An axis is one of a panel.
type axis struct {
	label    string
	min, max float64
	ticks    []plot.Tick
	log      bool
	hidden   bool // of y only
	noGrid   bool
}

// sane is the axis, or one from 0 to 1 if it is of no numbers that can be shown.
func (a axis) sane() axis {
	if span := a.max - a.min; !(span > 0) || math.IsInf(span, 0) {
		a.min, a.max, a.ticks, a.log = 0, 1, nil, false
	}
	return a
}

// draw draws the panel, and then what f draws, which gets the ways from data to the sheet.
func (p panel) draw(s *sheet, f func(x, y func(float64) vg.Length)) {
	p.x, p.y = p.x.sane(), p.y.sane()
	g := plot.New()
	g.BackgroundColor = nil
	for i, a := range []*plot.Axis{&g.X, &g.Y} {
		from := []axis{p.x, p.y}[i]
		a.Min, a.Max = from.min, from.max
		a.Label.Text = from.label
		a.Label.TextStyle = style(textSize, text, false)
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
		a.Label.Padding = 3
		a.LineStyle = draw.LineStyle{Color: pale, Width: 0.8}
		a.Padding = 0
		a.Tick.LineStyle = draw.LineStyle{Color: pale, Width: 0.8}
		a.Tick.Length = 4
		a.Tick.Label.Font, a.Tick.Label.Color = style(smallSize, text, false).Font, text
		if i == 0 {
			a.Tick.Label.Color, a.Tick.LineStyle.Color = text.moving(), pale.moving()
		}
		a.Tick.Marker = plot.ConstantTicks(from.ticks)
		if from.log {
			a.Scale = plot.LogScale{}
		}
	}
	if p.y.hidden {
		g.HideY()
	}
	c := draw.Crop(s.Canvas, p.left, -p.right, p.bottom, -p.top)
	s.area = g.DataCanvas(c)
	x, y := g.Transforms(&s.area)
	s.grid(p, x, y)
	end := s.group("axes", "")
	g.Draw(c)
	end()
	if s.svg != nil {
		a := s.area
		fmt.Fprintf(s.svg, `<clipPath id="%s"><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"/></clipPath>`+"\n", s.id,
			a.Min.X.Points(), s.svg.height-a.Max.Y.Points(), a.Size().X.Points(), a.Size().Y.Points())
	}
	f(x, y)
}

// grid draws the lines of the ticks.
func (s *sheet) grid(p panel, x, y func(float64) vg.Length) {
	line := draw.LineStyle{Color: grid.moving(), Width: 0.8}
	end := s.group("lines", "")
	defer end()
	if !p.x.noGrid {
		for _, t := range p.x.ticks {
			if !t.IsMinor() && t.Value >= p.x.min && t.Value <= p.x.max {
				s.StrokeLine2(line, x(t.Value), s.area.Min.Y, x(t.Value), s.area.Max.Y)
			}
		}
	}
	line.Color = grid
	if !p.y.noGrid {
		for _, t := range p.y.ticks {
			if !t.IsMinor() && t.Value >= p.y.min && t.Value <= p.y.max {
				s.StrokeLine2(line, s.area.Min.X, y(t.Value), s.area.Max.X, y(t.Value))
			}
		}
	}
}

// yWidth is how wide the labels of a vertical axis are.
func yWidth(ticks []plot.Tick) (w vg.Length) {
	st := style(smallSize, text, false)
	for _, t := range ticks {
		w = max(w, st.Width(t.Label))
	}
	return w
}

// step is the distance of about n ticks over a length: 1, 2 or 5 times a power of ten.
func step(length float64, n int) float64 {
	rough := length / float64(max(n, 1))
	if !(rough > 0) || math.IsInf(rough, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*0.999 {
			return m * power
		}
	}
	return 10 * power
}

// ticksOf are about n ticks from min to max.
func ticksOf(low, high float64, n int) (list []plot.Tick) {
	by := step(high-low, n)
	decimals := max(0, int(math.Ceil(-math.Log10(by)-1e-9)))
	first := math.Ceil(low/by - 1e-9)
	for k := first; k*by <= high+1e-9*by && len(list) < 100; k++ {
		v := k * by
		if k == 0 {
			v = 0
		}
		list = append(list, plot.Tick{Value: v, Label: strings.Replace(fmt.Sprintf("%.*f", decimals, v), "-", "−", 1)})
	}
	return list
}
