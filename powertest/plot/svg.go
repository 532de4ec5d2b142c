package plot

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"github.com/joulebench/joulebench/internal/terminal"
)

// svg is a canvas for gonum/plot that writes SVG. Unlike gonum's own it names colours by
// classes, so that a page can be dark, puts what belongs together in groups, which a script
// finds, and has no more digits than can be seen. All text is escaped.
type svg struct {
	bytes.Buffer
	height float64
	state  state
	stack  []state
	// clip is the attribute of what is drawn inside of the axes; empty outside.
	clip string
}

// state is what Push saves.
type state struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	// matrix goes from the coordinates of what is drawn to those of the page, of which the
	// origin is at the bottom.
	matrix [6]float64
}

func newSVG(height vg.Length) *svg {
	s := &svg{height: height.Points()}
	s.state.matrix = [6]float64{1, 0, 0, 1, 0, 0}
	vg.Initialize(s)
	return s
}

// SetLineWidth implements [vg.Canvas].
func (s *svg) SetLineWidth(w vg.Length) { s.state.width = w }

// SetLineDash implements [vg.Canvas]; there is no offset.
func (s *svg) SetLineDash(pattern []vg.Length, _ vg.Length) { s.state.dashes = pattern }

// SetColor implements [vg.Canvas].
func (s *svg) SetColor(c color.Color) { s.state.color = c }

// Rotate implements [vg.Canvas].
func (s *svg) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	s.transform([6]float64{cos, sin, -sin, cos, 0, 0})
}

// Translate implements [vg.Canvas].
func (s *svg) Translate(pt vg.Point) {
	s.transform([6]float64{1, 0, 0, 1, pt.X.Points(), pt.Y.Points()})
}

// Scale implements [vg.Canvas].
func (s *svg) Scale(x, y float64) { s.transform([6]float64{x, 0, 0, y, 0, 0}) }

func (s *svg) transform(b [6]float64) {
	a := s.state.matrix
	s.state.matrix = [6]float64{
		a[0]*b[0] + a[2]*b[1], a[1]*b[0] + a[3]*b[1], a[0]*b[2] + a[2]*b[3], a[1]*b[2] + a[3]*b[3],
		a[0]*b[4] + a[2]*b[5] + a[4], a[1]*b[4] + a[3]*b[5] + a[5],
	}
}

// Push implements [vg.Canvas].
func (s *svg) Push() { s.stack = append(s.stack, s.state) }

// Pop implements [vg.Canvas].
func (s *svg) Pop() { s.state, s.stack = s.stack[len(s.stack)-1], s.stack[:len(s.stack)-1] }

// at is a point on the page, in tenths of its units, from the top.
func (s *svg) at(p vg.Point) (x, y int) {
	m, px, py := s.state.matrix, p.X.Points(), p.Y.Points()
	return int(math.Round(10 * onPage(m[0]*px+m[2]*py+m[4]))), int(math.Round(10 * onPage(s.height-m[1]*px-m[3]*py-m[5])))
}

// onPage keeps what is far outside of the page, or nowhere, from being a number that is none.
func onPage(v float64) float64 {
	const far = 1e5
	if math.IsNaN(v) {
		return -far
	}
	return min(max(v, -far), far)
}

// tenths writes a number of tenths.
func tenths(n int) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) }

// Stroke implements [vg.Canvas].
func (s *svg) Stroke(p vg.Path) {
	if s.state.width <= 0 || len(p) == 0 {
		return
	}
	fmt.Fprintf(s, `<path class="l %s" stroke-width="%s"`, s.class(), tenths(int(10*s.state.width.Points())))
	if len(s.state.dashes) > 0 {
		s.WriteString(` stroke-dasharray="`)
		for _, d := range s.state.dashes {
			fmt.Fprintf(s, "%s ", tenths(int(10*d.Points())))
		}
		s.WriteString(`"`)
	}
	s.opacity("stroke")
	s.path(p)
}

// Fill implements [vg.Canvas].
func (s *svg) Fill(p vg.Path) {
	fmt.Fprintf(s, `<path class="f %s"`, s.class())
	s.opacity("fill")
	s.path(p)
}

func (s *svg) class() string {
	if i, ok := s.state.color.(ink); ok {
		return i.name
	}
	return text.name
}

func (s *svg) opacity(of string) {
	if i, ok := s.state.color.(ink); ok && i.alpha < 1 {
		fmt.Fprintf(s, ` %s-opacity="%.2g"`, of, i.alpha)
	}
}

// path writes the rest of a path's element.
func (s *svg) path(p vg.Path) {
	s.WriteString(s.clip + ` d="`)
	var x, y int
	for i, c := range p {
		switch c.Type {
		case vg.MoveComp:
			x, y = s.at(c.Pos)
			if i+1 == len(p) || p[i+1].Type != vg.ArcComp { // which begins by itself
				s.WriteString("M" + tenths(x) + " " + tenths(y))
			}
		case vg.LineComp:
			nx, ny := s.at(c.Pos)
			switch {
			case nx == x && ny == y:
			case ny == y:
				s.WriteString("H" + tenths(nx))
			case nx == x:
				s.WriteString("V" + tenths(ny))
			default:
				s.WriteString("L" + tenths(nx) + " " + tenths(ny))
			}
			x, y = nx, ny
		case vg.ArcComp: // of a whole circle, which is all that is drawn here
			x, y = s.at(vg.Point{X: c.Pos.X - c.Radius, Y: c.Pos.Y})
			r := tenths(int(math.Round(10 * c.Radius.Points())))
			d := tenths(int(math.Round(20 * c.Radius.Points())))
			fmt.Fprintf(s, "M%s %sa%s %[3]s 0 1 0 %s 0a%[3]s %[3]s 0 1 0 -%[4]s 0", tenths(x), tenths(y), r, d)
		case vg.CloseComp:
			s.WriteString("z")
		}
	}
	s.WriteString("\"/>\n")
}

// FillString implements [vg.Canvas].
func (s *svg) FillString(f font.Face, pt vg.Point, str string) {
	x, y := s.at(pt)
	weight := ""
	if f.Font.Weight >= stdfont.WeightSemiBold {
		weight = " b"
	}
	fmt.Fprintf(s, `<text class="%s%s" font-size="%s" x="%s" y="%s"`, s.class(), weight, tenths(int(math.Round(10*f.Font.Size.Points()))), tenths(x), tenths(y))
	if width := f.Width(str); len(str) > 2 && measured(str) {
		// Where there is no font as wide as the one that it was laid out with.
		fmt.Fprintf(s, ` textLength="%s" lengthAdjust="spacingAndGlyphs"`, tenths(int(math.Round(10*width.Points()))))
	}
	if m := s.state.matrix; m[1] != 0 {
		fmt.Fprintf(s, ` transform="rotate(%.0f %s %s)"`, -180/math.Pi*math.Atan2(m[1], m[0]), tenths(x), tenths(y))
	}
	fmt.Fprintf(s, ">%s</text>\n", escape(str))
}

// measured reports whether the font that texts are laid out with has all characters of one.
func measured(str string) bool {
	for _, r := range str {
		if r > 0x24f && !strings.ContainsRune("−–…±→×Δ%•", r) {
			return false
		}
	}
	return true
}

// DrawImage implements [vg.Canvas]: no figure has an image.
func (s *svg) DrawImage(vg.Rectangle, image.Image) {}

// escape makes a text of others one that is only text in HTML and XML.
func escape(s string) string { return html.EscapeString(terminal.Line(s)) }
