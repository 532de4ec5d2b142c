package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/joulebench/joulebench/powertest/gate"
)

// verdictInk is the colour of a verdict.
func verdictInk(v gate.Verdict) ink {
	switch v {
	case gate.VerdictRegression, gate.VerdictOverBudget:
		return bad
	case gate.VerdictImprovement, gate.VerdictWithinBudget:
		return good
	case gate.VerdictInconclusive:
		return unclear
	}
	return pale
}

// percent writes a share: "+5.2 %".
func percent(share float64) string {
	switch {
	case math.IsNaN(share):
		return "–"
	case math.IsInf(share, 0):
		return "from nothing"
	case share > 1000:
		return fmt.Sprintf("×%.3g", share+1)
	}
	return signed(share) + " %"
}

// signed writes a share in percent.
func signed(share float64) string {
	return strings.Replace(fmt.Sprintf("%+.2f", 100*share), "-", "−", 1)
}

// interval writes the interval of the change, if there is one.
func (c *Comparison) interval() string {
	if math.IsNaN(c.Low) || math.IsNaN(c.High) {
		return "–"
	}
	return signed(c.Low) + " to " + signed(c.High) + " %"
}

// unseen writes what could have gone unseen, if that is a question.
func (c *Comparison) unseen() string {
	switch {
	case math.IsNaN(c.Unseen):
		return "–"
	case math.IsInf(100*c.Unseen, 0):
		return "any change"
	}
	return "up to " + gate.RoundedUp(c.Unseen)
}

// change says what has changed: "+5.20 % (+1.10 to +9.30 %), regression".
func (c *Comparison) change() string {
	words := percent(c.Change)
	if i := c.interval(); i != "–" {
		words += " (" + i + ")"
	}
	if c.Verdict != "" {
		words += ", " + string(c.Verdict)
	}
	return words
}

// size implements Figure.
func (c *Comparison) size(bool) (w, h vg.Length) { return 390, 250 }

// interleaved reports whether it is known in which order the samples of both were taken.
func (c *Comparison) interleaved() bool {
	taken := map[int]bool{}
	for _, x := range slices.Concat(c.Old.Samples, c.New.Samples) {
		if taken[x.Order] {
			return false
		}
		taken[x.Order] = true
	}
	return true
}

// order counts the samples of each side by themselves where it is not known in which order
// all were taken.
func (c *Comparison) order() {
	if c.interleaved() {
		return
	}
	for _, side := range [][]Sample{c.Old.Samples, c.New.Samples} {
		for i := range side {
			side[i].Order = i
		}
	}
}

// draw implements Figure.
func (c *Comparison) draw(s *sheet) {
	sides := []Samples{c.Old, c.New}
	if len(c.Old.Samples) == 0 {
		sides = sides[1:]
	}
	seen, values, count := nothing(), []float64{}, 0.0
	offsets := make([]float64, len(sides))
	together := c.interleaved()
	for i, side := range sides {
		if !together {
			offsets[i] = count
		}
		for _, x := range side.Samples {
			count = max(count, offsets[i]+float64(x.Order)+1)
			values = append(values, x.Value)
			seen.see(x.Value)
			if x.Error <= math.Abs(x.Value) { // a wider one would hide the samples
				seen.see(x.Value-x.Error, x.Value+x.Error)
			}
		}
		seen.see(side.Median, side.Low, side.High)
		if !together {
			count++ // room between the two
		}
	}
	if !together {
		count--
	}
	note, noteInk := "", text
	var legend []entry
	if len(sides) == 2 {
		note, noteInk = c.change(), verdictText(c.Verdict)
		for i, side := range sides {
			legend = append(legend, entry{side.Name, func(x, y vg.Length) { s.dot(i, seriesInk(i), x, y) }})
		}
	}
	head := s.header(c.Title(), note, noteInk, legend)
	around := seen.room(0.08)
	sc := scaleOf(c.Unit, values...)
	g := panel{top: head, left: 6, right: 10, bottom: 2, y: sc.axis(around.low, around.high, 5)}
	g.x = axis{label: "sample, in the order of the run", min: -0.7, max: count - 0.3, noGrid: true}
	g.x.ticks = c.sampleTicks(sides, offsets)
	g.draw(s, func(x, y func(float64) vg.Length) {
		for i, side := range sides {
			c.drawSide(s, side, i+2-len(sides), offsets[i], x, func(v float64) vg.Length { return y(v / sc.factor) })
		}
	})
}

// sampleTicks number the samples of each side from 1, or those of both where they were
// taken in turn: about twelve labels.
func (c *Comparison) sampleTicks(sides []Samples, offsets []float64) (ticks []plot.Tick) {
	count := func(side Samples) (n int) {
		for _, x := range side.Samples {
			n = max(n, x.Order+1)
		}
		return n
	}
	total := 0
	for i, side := range sides {
		total = max(total, int(offsets[i])+count(side))
	}
	by := (total + 11) / 12
	for i, side := range sides {
		n := count(side)
		if i > 0 && offsets[i] == 0 {
			break // they have those of the first
		}
		if i == 0 && len(sides) > 1 && offsets[1] == 0 {
			n = total
		}
		for k := 0; k < n; k += by {
			ticks = append(ticks, plot.Tick{Value: offsets[i] + float64(k), Label: fmt.Sprint(k + 1)})
		}
	}
	return ticks
}

// A ring is a circle of which the inside is left free.
type ring struct{}

// DrawGlyph implements [draw.GlyphDrawer].
func (ring) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: sty.Color, Width: 1.3})
	var p vg.Path
	p.Move(vg.Point{X: at.X + sty.Radius, Y: at.Y})
	p.Arc(at, sty.Radius, 0, 2*math.Pi)
	p.Close()
	c.Stroke(p)
}

// dot draws a sample of the old side (0), a ring, or of the new one (1), a disc.
func (s *sheet) dot(side int, color ink, x, y vg.Length) {
	var shape draw.GlyphDrawer = ring{}
	if side == 1 {
		shape = draw.CircleGlyph{}
	}
	s.DrawGlyphNoClip(draw.GlyphStyle{Color: color, Radius: 2.8, Shape: shape}, vg.Point{X: x, Y: y})
}

// drawSide draws the samples of a side, its median and the median's interval.
func (c *Comparison) drawSide(s *sheet, side Samples, which int, offset float64, x, y func(float64) vg.Length) {
	if len(side.Samples) == 0 {
		return
	}
	color := seriesInk(which)
	if len(c.Old.Samples) == 0 {
		color = seriesInk(0)
	}
	first, last := side.Samples[0].Order, side.Samples[0].Order
	for _, v := range side.Samples {
		first, last = min(first, v.Order), max(last, v.Order)
	}
	left, right := x(offset+float64(first)-0.5), x(offset+float64(last)+0.5)
	if !math.IsNaN(side.Low) && !math.IsNaN(side.High) {
		end := s.group("pt", fmt.Sprintf("%s: median in %s to %s %s (95 %%)", side.Name, digits(side.Low), digits(side.High), c.Unit))
		s.rectangle(color.faint(0.14), left, right, y(side.Low), y(side.High))
		end()
	}
	end := s.group("pt", fmt.Sprintf("%s: median %s %s", side.Name, digits(side.Median), c.Unit))
	line := draw.LineStyle{Color: color, Width: 1.4}
	if which == 0 {
		line.Dashes = []vg.Length{5, 2}
	}
	s.StrokeLine2(line, left, y(side.Median), right, y(side.Median))
	end()
	for _, v := range side.Samples {
		words := fmt.Sprintf("%s, sample %d: %s %s", side.Name, v.Order+1, digits(v.Value), c.Unit)
		at := x(offset + float64(v.Order))
		if v.Error > 0 {
			words += fmt.Sprintf(" ± %s", digits(v.Error))
		}
		end := s.group("pt", words)
		if v.Error > 0 {
			s.clipped(func() {
				s.StrokeLine2(draw.LineStyle{Color: color.faint(0.55), Width: 1}, at, y(v.Value-v.Error), at, y(v.Value+v.Error))
			})
		}
		s.dot(which, color, at, y(v.Value))
		end()
	}
}

// maxChanges is how many rows a picture of changes has: the first ones.
const maxChanges = 40

// drawn are the rows that are drawn: all, or the first, which are the worst verdicts and of
// one verdict the largest changes.
func (c *Changes) drawn() []*Comparison {
	if len(c.Rows) <= maxChanges {
		return c.Rows
	}
	return c.Rows[:maxChanges]
}

const changeHeight vg.Length = 21

// size implements Figure.
func (c *Changes) size(narrow bool) (w, h vg.Length) {
	h = 100 + vg.Length(len(c.drawn()))*changeHeight
	if narrow {
		return 390, h + vg.Length(len(c.drawn()))*changeHeight*0.75
	}
	return 940, h
}

// draw implements Figure.
func (c *Changes) draw(s *sheet) {
	rows := c.drawn()
	note := text
	switch {
	case len(c.Headline) > 4 && c.Headline[:4] == "FAIL":
		note = bad
	case len(c.Headline) > 4 && c.Headline[:4] == "PASS":
		note = good
	}
	head := s.header(c.Title(), c.Headline, note, nil)
	st := style(textSize, text, false)
	seen := nothing()
	seen.see(0)
	names, words := vg.Length(0), vg.Length(0)
	for _, r := range rows {
		seen.see(r.Low, r.High, r.Change, r.Threshold, -r.Threshold)
		names, words = max(names, st.Width(r.Title())), max(words, st.Width(r.change()))
	}
	around := seen.room(0.06)
	g := panel{top: head, left: min(names, 330) + 14, right: min(words, 330) + 14, bottom: 2, y: axis{max: float64(len(rows)), hidden: true, noGrid: true}}
	if s.narrow {
		g.left, g.right = 10, 14
	}
	g.x = axis{label: "change of the median, %", min: 100 * around.low, max: 100 * around.high}
	g.x.ticks = ticksOf(g.x.min, g.x.max, 7)
	g.draw(s, func(x, y func(float64) vg.Length) {
		for i, r := range rows {
			if r.Threshold > 0 {
				s.rectangle(pale.faint(0.16), x(-100*r.Threshold), x(100*r.Threshold), y(float64(len(rows)-i-1)), y(float64(len(rows)-i)))
			}
		}
		s.StrokeLine2(draw.LineStyle{Color: text, Width: 1}, x(0), s.area.Min.Y, x(0), s.area.Max.Y)
		for i, r := range rows {
			mid := float64(len(rows)-i) - 0.5
			if s.narrow {
				mid -= 0.22
			}
			words := r.Title() + ": " + r.change()
			if !math.IsNaN(r.Unseen) {
				words += "; " + r.unseen() + " could have gone unseen"
			}
			if r.Confidence > 0 {
				words += fmt.Sprintf("; confidence %.4g %%", 100*r.Confidence)
			}
			end := s.group("pt", words)
			s.drawChange(r, func(v float64) vg.Length { return x(100 * v) }, y(mid))
			end()
			if s.narrow {
				up := y(mid) + changeHeight*0.5
				s.write(st, s.Min.X+8, up, draw.XLeft, draw.YBottom, fit(st, r.Title(), s.Size().X/2-10))
				s.write(style(textSize, verdictText(r.Verdict), false), s.Max.X-8, up, draw.XRight, draw.YBottom, fit(st, r.change(), s.Size().X/2-10))
				continue
			}
			s.write(st, s.area.Min.X-8, y(mid), draw.XRight, draw.YCenter, fit(st, r.Title(), g.left-12))
			s.write(style(textSize, verdictText(r.Verdict), false), s.area.Max.X+8, y(mid), draw.XLeft, draw.YCenter, fit(st, r.change(), g.right-12))
		}
	})
}

// verdictText is the colour of a verdict as text, which must be read.
func verdictText(v gate.Verdict) ink {
	if i := verdictInk(v); i != pale {
		return i
	}
	return text
}

// drawChange draws the interval and the change of a row.
func (s *sheet) drawChange(r *Comparison, x func(float64) vg.Length, y vg.Length) {
	color := verdictText(r.Verdict)
	if math.IsNaN(r.Change) || math.IsInf(r.Change, 0) {
		return
	}
	if !math.IsNaN(r.Low) && !math.IsNaN(r.High) {
		s.bar(draw.LineStyle{Color: color, Width: 1.6}, x(r.Low), y, x(r.High), y)
	}
	var shape draw.GlyphDrawer = draw.CircleGlyph{}
	switch r.Verdict {
	case gate.VerdictRegression:
		shape = draw.BoxGlyph{}
	case gate.VerdictImprovement:
		shape = draw.PyramidGlyph{}
	}
	s.DrawGlyphNoClip(draw.GlyphStyle{Color: color, Radius: 4, Shape: shape}, vg.Point{X: x(r.Change), Y: y})
}

// bar draws an error bar with its ends, upright or lying.
func (s *sheet) bar(l draw.LineStyle, x0, y0, x1, y1 vg.Length) {
	const end = 3
	s.StrokeLine2(l, x0, y0, x1, y1)
	if x0 == x1 {
		s.StrokeLine2(l, x0-end, y0, x0+end, y0)
		s.StrokeLine2(l, x1-end, y1, x1+end, y1)
		return
	}
	s.StrokeLine2(l, x0, y0-end, x0, y0+end)
	s.StrokeLine2(l, x1, y1-end, x1, y1+end)
}
