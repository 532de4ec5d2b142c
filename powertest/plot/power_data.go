package plot

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot/vg"

	"github.com/joulebench/joulebench/internal/terminal"
)

// maxPoints is how many points of a figure its page has, so that one may zoom: those that
// are seen in the finest columns of which there is room for four points each.
const maxPoints = 120_000

// maxPageTicks is how many ticks of counters a page has.
const maxPageTicks = 20_000

// powerData is what the script knows of a figure: times are in seconds, or in ticks of so
// many seconds.
type powerData struct {
	Tick   float64       `json:"tick"`
	Unit   float64       `json:"unit"` // of the axis, in seconds
	View   [2]float64    `json:"view"`
	Top    float64       `json:"top"`   // of the axis, in watts
	Areas  [2][4]float64 `json:"areas"` // of the wide and of the narrow drawing: left, right, top, bottom
	Series []seriesData  `json:"series"`
	Bands  []bandData    `json:"bands"`
	// Ticks are the times around each tick of each device, as differences; null if they are
	// too many, or if there are none.
	Ticks [][]int64 `json:"ticks,omitempty"`
}

type seriesData struct {
	Name  string `json:"n"`
	Class string `json:"c"`
	Step  bool   `json:"step,omitempty"`
	First int64  `json:"t0"`
	// Times are the differences of each to the one before, in ticks.
	Times []int64  `json:"t"`
	Watts []number `json:"w"`
}

type bandData struct {
	Kind  BandKind `json:"k"`
	Name  string   `json:"n"`
	Label string   `json:"l,omitempty"`
	From  float64  `json:"f"`
	To    float64  `json:"t"`
	// The times in which the edges are.
	FromLow  float64 `json:"fl"`
	FromHigh float64 `json:"fh"`
	ToLow    float64 `json:"tl"`
	ToHigh   float64 `json:"th"`
}

// number is a power in JSON, with four or five digits, or null.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if !(math.Abs(v) < beyond) {
		return []byte("null"), nil
	}
	unit := 10.0
	if math.Abs(v) < 100 {
		unit = 1000
	}
	return strconv.AppendFloat(nil, math.Round(v*unit)/unit, 'f', -1, 64), nil
}

// script is what the script knows of the figure, as an element of the page.
func (p *Power) script(wide, narrow *sheet) template.HTML {
	f := p.frame()
	span := (f.to - f.from).Seconds()
	tick := max(math.Pow(10, math.Ceil(math.Log10(span/1e7))), 1e-9)
	in := func(t time.Duration) int64 { return int64(math.Round(t.Seconds() / tick)) }
	d := powerData{
		Tick: tick, Unit: f.unit.Seconds(), View: [2]float64{f.from.Seconds(), f.to.Seconds()}, Top: f.top,
		Areas: [2][4]float64{wide.place(), narrow.place()}, Series: []seriesData{}, Bands: []bandData{},
	}
	all := p.all()
	for i, s := range all {
		to := seriesData{Name: terminal.Line(s.Name), Class: seriesInk(i).name, Step: s.Step, Times: []int64{}, Watts: []number{}}
		if i == len(p.Series) {
			to.Class = text.name
		}
		last := int64(0)
		for k, x := range thin(s.Points, f.from, f.to, maxPoints/4/len(all)) {
			at := in(x.At)
			if k == 0 {
				to.First, last = at, at
			}
			to.Times, to.Watts, last = append(to.Times, at-last), append(to.Watts, number(x.Watts)), at
		}
		d.Series = append(d.Series, to)
	}
	labels := p.labels()
	for i, b := range p.Bands {
		d.Bands = append(d.Bands, bandData{
			Kind: b.Kind, Name: terminal.Line(b.Name), Label: terminal.Line(labels[i]), From: b.From.At.Seconds(), To: b.To.At.Seconds(),
			FromLow: b.From.Low.Seconds(), FromHigh: b.From.High.Seconds(), ToLow: b.To.Low.Seconds(), ToHigh: b.To.High.Seconds(),
		})
	}
	d.Ticks = p.pageTicks(f, in)
	words, err := json.Marshal(d) // which escapes what could end the element
	if err != nil {
		return ""
	}
	return template.HTML(`<script type="application/json">` + string(words) + "</script>") //nolint:gosec // as above
}

// tooManyTicks says that the page has no ticks because they are too many; empty if it has
// them, or there are none.
func (p *Power) tooManyTicks() string {
	n := p.seenTicks(p.view())
	if n <= maxPageTicks {
		return ""
	}
	return fmt.Sprintf(" The counters changed %d times, and the page shows when only up to %d.", n, maxPageTicks)
}

// seenTicks is how many ticks of all devices are in a time.
func (p *Power) seenTicks(from, to time.Duration) (n int) {
	for _, s := range p.Series {
		for _, t := range s.Ticks {
			if t.within(from, to) {
				n++
			}
		}
	}
	return n
}

// pageTicks are the ticks of all devices in what is drawn, each as a difference to the one
// before; nil if they are too many.
func (p *Power) pageTicks(f frame, in func(time.Duration) int64) (lists [][]int64) {
	if n := p.seenTicks(f.from, f.to); n == 0 || n > maxPageTicks {
		return nil
	}
	for _, s := range p.Series {
		list, last := []int64{}, int64(0)
		for _, t := range s.Ticks {
			if !t.within(f.from, f.to) {
				continue
			}
			from, to := in(t.From), in(t.To)
			list, last = append(list, from-last, to-from), to
		}
		lists = append(lists, list)
	}
	return lists
}

// place is where the data is on the sheet, as the script counts: left, right, top, bottom.
func (s *sheet) place() [4]float64 {
	tenth := func(v vg.Length) float64 { return math.Round(10*v.Points()) / 10 }
	h := vg.Length(s.svg.height)
	return [4]float64{tenth(s.area.Min.X), tenth(s.area.Max.X), tenth(h - s.area.Max.Y), tenth(h - s.area.Min.Y)}
}
