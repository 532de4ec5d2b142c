package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// lineDashes tell lines apart beside their colours.
var lineDashes = [][]vg.Length{nil, {6, 2.5}, {1.5, 2}, {8, 2, 1.5, 2}, {4, 2}, {10, 3}, {3, 1.5, 1, 1.5}, {1, 3}}

// lineOf is the line of a series, by its place, or that of the sum.
func lineOf(i int, isSum bool) draw.LineStyle {
	if isSum {
		return draw.LineStyle{Color: text, Width: 1.4}
	}
	return draw.LineStyle{Color: seriesInk(i), Width: 1.2, Dashes: lineDashes[i/len(seriesInks)%len(lineDashes)]}
}

// all are the series, the sum last.
func (p *Power) all() []Series { return append(slices.Clone(p.Series), p.sums()...) }

// maxLegend is how many devices a legend names.
const maxLegend = 16

func (p *Power) legend(s *sheet) (entries []entry) {
	for i, x := range p.all() {
		isSum := i == len(p.Series)
		if i >= maxLegend && !isSum {
			if i == maxLegend {
				entries = append(entries, entry{fmt.Sprintf("and %d more", len(p.Series)-i), func(x, y vg.Length) {}})
			}
			continue
		}
		entries = append(entries, entry{x.Name, func(x, y vg.Length) {
			s.StrokeLine2(lineOf(i, isSum), x-swatch/2, y, x+swatch/2, y)
		}})
	}
	for _, l := range p.lanes() {
		b := p.Bands[l.bands[0]]
		words := l.name
		if n := len(l.bands); n > 1 {
			words += fmt.Sprintf(", %d times", n)
		}
		if b.Label != "" {
			words += ": " + b.Label
		}
		entries = append(entries, entry{words, func(x, y vg.Length) {
			const half = 4
			s.rectangle(l.ink.faint(0.45), x-swatch/2, x+swatch/2, y-half, y+half)
		}})
	}
	return entries
}

// A lane is the bands of one name, side by side.
type lane struct {
	kind  BandKind
	name  string
	ink   ink
	bands []int // indexes
}

// maxLanes is how many lanes are drawn.
const maxLanes = 12

// lanes are those of all bands, windows first and troubles last.
func (p *Power) lanes() (list []lane) {
	order := []BandKind{Window, Phase, Trouble}
	for i, b := range p.Bands {
		k := slices.IndexFunc(list, func(l lane) bool { return l.kind == b.Kind && l.name == b.Name })
		if k < 0 {
			k = len(list)
			list = append(list, lane{kind: b.Kind, name: b.Name})
		}
		list[k].bands = append(list[k].bands, i)
	}
	slices.SortStableFunc(list, func(a, b lane) int { return cmp.Compare(slices.Index(order, a.kind), slices.Index(order, b.kind)) })
	phases := 0
	for i := range list {
		switch l := &list[i]; l.kind {
		case Window:
			l.ink = pale
		case Trouble:
			l.ink = bad
		default:
			l.ink = seriesInk(phases + 2)
			phases++
		}
	}
	return list[:min(len(list), maxLanes)]
}

const (
	laneHeight vg.Length = 12
	laneGap    vg.Length = 3
	laneFoot   vg.Length = 7 // between the lanes and the axes
)

// frame is what is common to the drawing and to the script: how times and watts are shown.
type frame struct {
	from, to time.Duration
	unit     time.Duration // of the time axis
	top      float64       // of the power axis, in watts
	kilo     float64       // 1000 where the axis is in kW
}

// lead is the share of the windows' length that is drawn before and after them.
const lead = 0.15

// view is from when to when power is drawn: the windows with what came shortly before and
// after them, or where there is no window all that is known.
func (p *Power) view() (from, to time.Duration) {
	from, to = p.extent()
	first, last := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for _, b := range p.Bands {
		if b.Kind == Window {
			first, last = min(first, b.From.At, b.From.Low), max(last, b.To.At, b.To.High)
		}
	}
	if last > first {
		more := time.Duration(lead * float64(last-first))
		from, to = max(from, first-more), min(to, last+more)
	}
	room := (to - from) / 100
	if from-room >= to+room {
		room = time.Second
	}
	return from - room, to + room
}

// frame is how the view is shown.
func (p *Power) frame() frame {
	f := frame{kilo: 1}
	f.from, f.to = p.view()
	for _, s := range p.all() {
		for _, x := range inside(s.Points, f.from, f.to) {
			if x.known() && x.Watts > f.top {
				f.top = x.Watts
			}
		}
	}
	f.top *= 1.05
	if f.top == 0 {
		f.top = 1
	}
	if f.top >= 10000 {
		f.kilo = 1000
	}
	f.unit = time.Second
	for _, u := range []struct{ unit, from time.Duration }{{time.Microsecond, 0}, {time.Millisecond, time.Millisecond}, {time.Second, time.Second}, {time.Minute, 10 * time.Minute}, {time.Hour, 5 * time.Hour}} {
		if f.to-f.from >= u.from {
			f.unit = u.unit
		}
	}
	return f
}

// unitNames are those of frame.unit.
var unitNames = map[time.Duration]string{time.Microsecond: "µs", time.Millisecond: "ms", time.Second: "s", time.Minute: "min", time.Hour: "h"}

// size implements Figure.
func (p *Power) size(narrow bool) (w, h vg.Length) {
	// Each lane has an entry in the legend, which is a row where it is narrow.
	lanes, rows := vg.Length(len(p.lanes())), vg.Length(min(len(p.Series), maxLegend)+2)
	if narrow {
		return 390, 270 + lanes*(laneHeight+laneGap) + (lanes+rows)*(smallSize+5)
	}
	return 940, 310 + lanes*(laneHeight+laneGap) + (lanes/3+rows/5)*(smallSize+5)
}

// since says what times count from.
func (p *Power) since() string {
	if slices.ContainsFunc(p.Bands, func(b Band) bool { return b.Kind == Window }) {
		return "time since the window began"
	}
	return "time since the first reading"
}

// draw implements Figure.
func (p *Power) draw(s *sheet) {
	f := p.frame()
	head := s.header(p.Title(), "", text, p.legend(s))
	lanes := p.lanes()
	small := style(smallSize, text, false)
	unit, watts := float64(f.unit), f.kilo
	ticks := 10
	if s.narrow {
		ticks = 5
	}
	g := panel{top: head + vg.Length(len(lanes))*(laneHeight+laneGap) + laneFoot, right: 12, bottom: 2, left: 6}
	g.x = axis{label: p.since() + ", " + unitNames[f.unit], min: float64(f.from) / unit, max: float64(f.to) / unit}
	g.x.ticks = ticksOf(g.x.min, g.x.max, ticks)
	g.y = axis{label: "power, W", min: 0, max: f.top / watts}
	if watts > 1 {
		g.y.label = "power, kW"
	}
	g.y.ticks = ticksOf(0, g.y.max, 6)
	names := vg.Length(0)
	for _, l := range lanes {
		names = max(names, min(small.Width(l.name), s.Size().X/4))
	}
	g.left += max(0, names+8-(yWidth(g.y.ticks)+textSize+12))
	g.draw(s, func(x, y func(float64) vg.Length) {
		at := func(t time.Duration) vg.Length { return x(float64(t) / unit) }
		p.drawBands(s, lanes, at)
		s.clipped(func() {
			for i, line := range p.all() {
				p.drawLine(s, f, line, i, at, func(w float64) vg.Length { return y(w / watts) })
			}
		})
		for i, l := range lanes {
			top := s.area.Max.Y + laneFoot + vg.Length(len(lanes)-i)*(laneHeight+laneGap)
			s.write(small, s.area.Min.X-5, top-laneHeight/2, draw.XRight, draw.YCenter, fit(small, l.name, s.area.Min.X-s.Min.X-8))
			p.drawLane(s, l, top, at)
		}
	})
}

// maxShaded is how many bands are shown over the whole height of the axes: more of them
// would hide what they are about.
const maxShaded = 24

// drawBands draws the edges of windows with their uncertainty, and shades phases and
// troubles.
func (p *Power) drawBands(s *sheet, lanes []lane, at func(time.Duration) vg.Length) {
	low, high := s.area.Min.Y, s.area.Max.Y
	for _, l := range lanes {
		if len(l.bands) > maxShaded {
			continue
		}
		for _, i := range l.bands {
			b := p.Bands[i]
			s.clipped(func() {
				if l.kind != Window {
					s.box(l.ink.faint(0.10), i, "shade", at(b.From.At), at(b.To.At), low, high)
				}
				if l.kind != Window {
					return
				}
				for k, e := range []Edge{b.From, b.To} {
					if e.High > e.Low {
						s.box(l.ink.faint(0.30), i, [2]string{"from", "to"}[k], at(e.Low), at(e.High), low, high)
					}
				}
				line := draw.LineStyle{Color: text, Width: 0.8, Dashes: []vg.Length{3, 3}}
				s.edgeLine(line, i, "edge0", at(b.From.At), low, high)
				s.edgeLine(line, i, "edge1", at(b.To.At), low, high)
			})
		}
	}
}

// box fills a rectangle that the script moves with the axis.
func (s *sheet) box(i ink, band int, part string, x0, x1, y0, y1 vg.Length) {
	defer s.moving(band, part)()
	s.rectangle(i, x0, x1, y0, y1)
}

// edgeLine is a vertical line that the script moves with the axis.
func (s *sheet) edgeLine(l draw.LineStyle, band int, part string, x, y0, y1 vg.Length) {
	defer s.moving(band, part)()
	s.StrokeLine2(l, x, y0, x, y1)
}

// moving puts what is drawn of a band into a group that the script finds.
func (s *sheet) moving(band int, part string) (end func()) {
	if s.svg == nil {
		return func() {}
	}
	fmt.Fprintf(s.svg, `<g class="band" data-b="%d" data-p="%s">`, band, part)
	return func() { s.svg.WriteString("</g>") }
}

// drawLane draws the bands of a lane.
func (p *Power) drawLane(s *sheet, l lane, top vg.Length, at func(time.Duration) vg.Length) {
	within := func(t time.Duration) vg.Length { return min(max(at(t), s.area.Min.X), s.area.Max.X) }
	var until vg.Length = -1
	for _, i := range l.bands {
		b := p.Bands[i]
		x0, x1 := within(b.From.At), within(b.To.At)
		x1 = max(x1, x0+0.6) // what is short is seen all the same
		if x1 <= until && len(l.bands) > maxShaded {
			continue // hidden by the one before
		}
		until = x1
		s.box(l.ink.faint(0.45), i, "lane", x0, x1, top-laneHeight, top)
	}
}

// drawLine draws a series.
func (p *Power) drawLine(s *sheet, f frame, line Series, place int, at func(time.Duration) vg.Length, y func(float64) vg.Length) {
	points := thin(line.Points, f.from, f.to, int(s.area.Size().X))
	var path vg.Path
	open := false
	for i, q := range points {
		switch {
		case math.IsNaN(q.Watts):
			if open && line.Step {
				path.Line(vg.Point{X: at(q.At), Y: y(points[i-1].Watts)})
			}
			open = false
			continue
		case !open:
			path.Move(vg.Point{X: at(q.At), Y: y(q.Watts)})
		case line.Step:
			path.Line(vg.Point{X: at(q.At), Y: y(points[i-1].Watts)})
			fallthrough
		default:
			path.Line(vg.Point{X: at(q.At), Y: y(q.Watts)})
		}
		open = true
	}
	if s.svg != nil {
		fmt.Fprintf(s.svg, `<g class="series" data-s="%d">`, place)
		defer s.svg.WriteString("</g>")
	}
	s.SetLineStyle(lineOf(place, place == len(p.Series)))
	s.Stroke(path)
}

// watts writes a power for people.
func watts(w float64) string {
	switch {
	case math.IsNaN(w):
		return "–"
	case w >= 10000:
		return strings.TrimSpace(fmt.Sprintf("%.4g kW", w/1000))
	}
	return fmt.Sprintf("%.4g W", w)
}
