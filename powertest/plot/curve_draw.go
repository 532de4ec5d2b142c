package plot

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// shapes tell lines apart beside their colours and dashes.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, ring{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}}

// glyph is the mark of a line's points.
func glyph(i int) draw.GlyphStyle {
	return draw.GlyphStyle{Color: seriesInk(i), Radius: 3.2, Shape: shapes[i%len(shapes)]}
}

// size implements Figure.
func (c *Curve) size(narrow bool) (w, h vg.Length) {
	if narrow {
		return 390, 290
	}
	return 460, 310
}

// log reports whether the key grows by factors, as concurrency does in most sweeps.
func (c *Curve) log() bool {
	points := c.Lines[0].Points
	return points[0].X > 1/maxKey && points[len(points)-1].X >= 8*points[0].X
}

// draw implements Figure.
func (c *Curve) draw(s *sheet) {
	var legend []entry
	for i, l := range c.Lines {
		if len(c.Lines) > 1 && i < maxLegend {
			legend = append(legend, entry{l.Name, func(x, y vg.Length) {
				s.StrokeLine2(lineOf(i, false), x-swatch/2, y, x+swatch/2, y)
				s.DrawGlyphNoClip(glyph(i), vg.Point{X: x, Y: y})
			}})
		}
	}
	note := map[int]string{-1: "lower is better", 1: "higher is better"}[c.Better]
	head := s.header(c.Title(), note, pale, legend)
	seen, values := nothing(), []float64{}
	for _, l := range c.Lines {
		for _, v := range l.Points {
			seen.see(v.Y, v.Low, v.High)
			values = append(values, v.Y)
		}
	}
	seen.see(0)
	if seen.high *= 1.05; seen.high <= 0 {
		seen.high = 1
	}
	sc := scaleOf(c.Unit, values...)
	g := panel{top: head, left: 6, right: 12, bottom: 2, x: c.axis(s), y: sc.axis(seen.low, seen.high, 6)}
	g.draw(s, func(x, y func(float64) vg.Length) {
		for i, l := range c.Lines {
			c.drawLine(s, i, l, x, func(v float64) vg.Length { return y(v / sc.factor) })
		}
	})
}

// axis has a tick at each number of the key, as far as there is room for its label.
func (c *Curve) axis(s *sheet) axis {
	points := c.Lines[0].Points
	first, last := points[0].X, points[len(points)-1].X
	a := axis{label: c.Key, log: c.log(), min: first - 0.04*(last-first), max: last + 0.04*(last-first)}
	place := func(v float64) float64 { return (v - a.min) / (a.max - a.min) }
	if a.log {
		room := math.Pow(last/first, 0.04)
		a.min, a.max = first/room, last*room
		place = func(v float64) float64 { return math.Log(v/a.min) / math.Log(a.max/a.min) }
	}
	for _, p := range points {
		a.ticks = append(a.ticks, plot.Tick{Value: p.X, Label: strconv.FormatFloat(p.X, 'g', 6, 64)})
	}
	width, st := (s.Size().X - 70).Points(), style(smallSize, text, false)
	a.ticks = spaced(a.ticks, func(v float64) float64 { return width * place(v) }, func(l string) float64 { return st.Width(l).Points() })
	return a
}

// drawLine draws a line with its marks and error bars. It has a gap where there is no value.
func (c *Curve) drawLine(s *sheet, i int, l Line, x, y func(float64) vg.Length) {
	var path vg.Path
	open := false
	for _, v := range l.Points {
		if math.IsNaN(v.Y) {
			open = false
			continue
		}
		at := vg.Point{X: x(v.X), Y: y(v.Y)}
		if open {
			path.Line(at)
		} else {
			path.Move(at)
		}
		open = true
	}
	s.SetLineStyle(lineOf(i, false))
	s.Stroke(path)
	for _, v := range l.Points {
		if math.IsNaN(v.Y) {
			continue
		}
		words := fmt.Sprintf("%s, %s=%s: %s %s", l.Name, c.Key, strconv.FormatFloat(v.X, 'g', 6, 64), digits(v.Y), c.Unit)
		known := !math.IsNaN(v.Low) && !math.IsNaN(v.High)
		if known {
			words += fmt.Sprintf(" (%s to %s)", digits(v.Low), digits(v.High))
		}
		end := s.group("pt", words)
		if known {
			s.bar(draw.LineStyle{Color: seriesInk(i), Width: 1.1}, x(v.X), y(v.Low), x(v.X), y(v.High))
		}
		s.DrawGlyphNoClip(glyph(i), vg.Point{X: x(v.X), Y: y(v.Y)})
		end()
	}
}

const partHeight vg.Length = 22

// maxParts is how many parts are drawn; the table has all.
const maxParts = 40

// size implements Figure.
func (p *Parts) size(narrow bool) (w, h vg.Length) {
	h = 75 + partHeight*vg.Length(min(len(p.Parts), maxParts))
	if narrow {
		return 390, h
	}
	return 940, h
}

// draw implements Figure.
func (p *Parts) draw(s *sheet) {
	parts := p.Parts[:min(len(p.Parts), maxParts)]
	head := s.header(p.Title(), "", text, nil)
	st := style(textSize, text, false)
	seen, names, values := nothing(), vg.Length(0), []float64{}
	seen.see(0)
	for _, x := range parts {
		seen.see(x.Amount, x.Low, x.High)
		values = append(values, x.Amount)
		names = max(names, st.Width(x.Name))
	}
	if seen.high <= seen.low {
		seen.high = 1
	}
	sc := scaleOf(p.Unit, values...)
	g := panel{top: head, left: min(names, s.Size().X*2/5) + 12, right: 130, bottom: 2, y: axis{max: float64(len(parts)), hidden: true, noGrid: true}}
	g.x = sc.axis(seen.low, seen.high*1.03, 6)
	if s.narrow {
		g.right = 105
		g.x.ticks = ticksOf(g.x.min, g.x.max, 3)
	}
	g.draw(s, func(x, y func(float64) vg.Length) {
		for i, part := range parts {
			s.drawPart(part, sc, func(v float64) vg.Length { return x(v / sc.factor) }, y(float64(len(parts)-i)-0.5), g.left-10)
		}
	})
}

// drawPart draws a part: a bar with its interval, or why there is none.
func (s *sheet) drawPart(part Part, sc scale, x func(float64) vg.Length, y, room vg.Length) {
	st := style(textSize, text, false)
	s.write(st, s.area.Min.X-6, y, draw.XRight, draw.YCenter, fit(st, part.Name, room))
	if math.IsNaN(part.Amount) {
		withheld := style(textSize, bad, false)
		s.write(withheld, x(0)+4, y, draw.XLeft, draw.YCenter, fit(withheld, "withheld: "+part.Why, s.Max.X-x(0)-8))
		return
	}
	words := fmt.Sprintf("%.4g %s", part.Amount/sc.factor, sc.unit)
	known := !math.IsNaN(part.Low) && !math.IsNaN(part.High)
	if known && part.Amount != 0 {
		words += fmt.Sprintf(" ± %.2g %%", 50*(part.High-part.Low)/math.Abs(part.Amount))
	}
	defer s.group("pt", part.Name+": "+words)()
	const half = partHeight * 0.32
	s.rectangle(seriesInk(0).faint(0.55), x(0), x(part.Amount), y-half, y+half)
	if known {
		s.bar(draw.LineStyle{Color: text, Width: 1.1}, x(part.Low), y, x(part.High), y)
	}
	s.write(st, s.area.Max.X+6, y, draw.XLeft, draw.YCenter, words)
}
