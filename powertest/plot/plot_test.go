package plot

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// start is when the tests' windows begin.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// hostile is a name that would be a script, an attribute, an end of the JSON, and text that
// moves.
const hostile = "</script><img src=x onerror=alert(1)>\" onload=\"alert(2)\u202e\x1b[31m ]]> & 'x'"

// recorded is a counter that ticked every 100 ms for so long, with one tick of spike watts
// at a third of it.
func recorded(gpus int, length time.Duration, spike float64) energy.Recording {
	r := energy.Recording{Source: energy.Info{Name: "nvml"}, Base: start}
	n := int(length / (100 * time.Millisecond))
	for g := range gpus {
		d := energy.DeviceRecording{Device: energy.Device{UUID: fmt.Sprintf("GPU-%d", g), Index: g, Name: "NVIDIA H200", Method: energy.Counter}}
		joules := 1000.0
		for i := range n + 1 {
			at := float64(i)*1e8 + float64(g)*1e6
			d.Ticks = append(d.Ticks, [3]float64{at, at + 1e6, joules})
			w := 400 + 100*math.Sin(float64(i)/50+float64(g)) + float64(i*7919%97)
			if i == n/3+5 && g == 0 {
				w = spike
			}
			joules += w / 10
		}
		r.Devices = append(r.Devices, d)
	}
	return r
}

// traced is a trace of two GPUs with two uses of a phase.
func traced(name string) powertest.Report {
	at := func(s float64) time.Time { return start.Add(time.Duration(s * 1e9)) }
	m := energy.Measurement{Start: at(1), End: at(5), Duration: 4 * time.Second, Valid: true, Energy: energy.Estimate{Joules: 3200, Low: 3190, High: 3210}, Watts: 800}
	for g := range 2 {
		m.Devices = append(m.Devices, energy.DeviceMeasurement{Device: energy.Device{UUID: fmt.Sprintf("GPU-%d", g), Index: g, Name: name}, Valid: true, Energy: energy.Estimate{Joules: 1600, Low: 1594, High: 1606}})
	}
	phase := energy.Measurement{Start: at(1.2), End: at(3.2), Reasons: []energy.Finding{{Reason: energy.WindowTooShort, Detail: name}}}
	r := powertest.NewReport(name, powertest.Work{Ops: 10, OutputTokens: 1000, Elapsed: 4 * time.Second}, m)
	recording := recorded(2, 6*time.Second, 700)
	recording.Devices[0].Device.Name = name
	recording.Devices[0].Trouble = []energy.Trouble{{From: 2e9, To: math.MaxInt64, Reason: energy.DeviceLost, Detail: name}}
	r.Recording, r.Spans = &recording, []energy.Span{{Start: at(1), End: at(5)}}
	r.Phases = []powertest.PhaseReport{{Name: name, Measurement: phase, Spans: []energy.Span{{Start: at(1.2), End: at(1.7)}, {Start: at(3), End: at(3.2)}}}}
	r.Reasons = []energy.Finding{{Reason: energy.Throttled, Device: "GPU-0", Detail: name}}
	return r
}

// everything is a page with a figure of each kind, in which all names are hostile.
func everything(t *testing.T, name string) *Page {
	t.Helper()
	dir := filepath.Join("..", "..", "testdata", "gate")
	page := Read(t.Context(), Options{Title: name}, filepath.Join(dir, "old.txt"), filepath.Join(dir, "new-regressed.txt"))
	require.Empty(t, page.Failures)
	for _, f := range page.Sections[0].Figures {
		switch f := f.(type) {
		case *Comparison:
			f.Benchmark, f.New.Name = name, name
		case *Changes:
			f.New = name
		case *Curve:
			f.Key, f.Lines[0].Name = name, name
		}
	}
	s := OfReport(traced(name))
	s.From, s.Notes = name, append(s.Notes, name)
	page.Sections = append(page.Sections, s)
	page.Failures = []Failure{{name, errors.New(name)}}
	return page
}

func pageText(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.WriteHTML(&b))
	return b.String()
}

// svgFile is a figure as an SVG file, which must be well-formed.
func svgFile(t *testing.T, f Figure) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteSVG(&b, f))
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if !assert.NoError(t, err, "%s", f.Title()) {
			return ""
		}
	}
}

// lacks asserts that none of some words is in a text, which is too long to be printed.
func lacks(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if at := strings.Index(text, w); at >= 0 {
			t.Errorf("there is %q: …%s…", w, text[max(at-80, 0):min(at+80, len(text))])
		}
	}
}

// has asserts that words are in a text, which is too long to be printed.
func has(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		assert.True(t, strings.Contains(text, w), "%q is not there", w)
	}
}

// TestHostileNames: names, labels and details are only text, in the page, its data and SVG
// files.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	page := everything(t, hostile)
	text := pageText(t, page)
	markup := regexp.MustCompile(`(?s)<script.*?</script>`).ReplaceAllString(text, "")
	lacks(t, text, "<img", "\u202e", "\x1b")
	lacks(t, markup, `" onload`, "<script", "<img", "\u202e", "\x1b")
	assert.Equal(t, 1+strings.Count(text, `type="application/json"`), strings.Count(text, "</script>"), "our own, and the data")
	has(t, text, "&lt;/script&gt;")
	kinds := map[string]bool{}
	for _, s := range page.Sections {
		for _, f := range s.Figures {
			kinds[fmt.Sprintf("%T", f)] = true
			text := svgFile(t, f)
			lacks(t, text, "<img", "<script", `" onload`, "\u202e")
			has(t, text, "<title", "<desc")
		}
	}
	assert.Len(t, kinds, 5, "%v", kinds)
}

// TestSelfContained: the page has no address, and a policy that allows none, nor any script
// or style but its own.
func TestSelfContained(t *testing.T) {
	t.Parallel()
	text := pageText(t, everything(t, "Chat"))
	lacks(t, text, " src=", "@import", "url(http", "<link", " style=", " onclick", "javascript:")
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		assert.True(t, strings.HasPrefix(m[1], "#"), m[1])
	}
	for _, m := range regexp.MustCompile(`https?://[^"'\s<]*`).FindAllString(text, -1) {
		assert.Equal(t, "http://www.w3.org/2000/svg", m, "the name of SVG is not loaded")
	}
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)
	require.NotNil(t, policy)
	assert.True(t, strings.HasPrefix(policy[1], "default-src &#39;none&#39;; style-src &#39;sha256-"), policy[1])
	assert.NotContains(t, policy[1], "unsafe")
	has(t, text, "It covers neither gain and offset")
	has(t, text, "prefers-color-scheme:dark")
}

// TestReasonsAreShown: of what is withheld the page says why.
func TestReasonsAreShown(t *testing.T) {
	t.Parallel()
	r := traced("Chat")
	r.Measurement.Valid, r.Measurement.Reasons = false, []energy.Finding{{Reason: energy.CounterReset, Device: "GPU-1", Detail: "it went down"}}
	text := pageText(t, &Page{Sections: []Section{OfReport(r)}})
	has(t, text, "counter_reset (GPU 1 (NVIDIA H200)): it went down")
	has(t, text, "window: withheld: counter_reset")
}

// hour is 8 GPUs for an hour, whose counters tick every 100 ms.
func hour(spike float64) *Page {
	return &Page{Sections: []Section{OfRecording("fleet", recorded(8, time.Hour, spike))}}
}

// TestHourIsSmall: 8 GPUs for an hour take less than 3 MB. The page says that their ticks are
// too many to be shown.
func TestHourIsSmall(t *testing.T) {
	t.Parallel()
	text := pageText(t, hour(700))
	assert.True(t, regexp.MustCompile(`The counters changed 28\d\d\d\d times, and the page shows when only up to 20000\.`).MatchString(text))
	lacks(t, pageText(t, &Page{Sections: []Section{OfRecording("x", recorded(1, time.Second, 700))}}), "The counters changed")
	assert.Less(t, len(text), 3<<20)
	assert.Greater(t, len(text), 1<<18)
}

// TestSpikeIsSeen: what lasts for one tick of an hour is in the drawing, in the data for
// zooming, and in the sum.
func TestSpikeIsSeen(t *testing.T) {
	t.Parallel()
	p := powerOf("spike", recorded(2, 20*time.Minute, 5000), start)
	f := p.frame()
	assert.InDelta(t, 1.05*5600, f.top, 1.05*200, "the axis reaches as far")
	for _, columns := range []int{300, 900, 4000} {
		highest := func(points []Point) (w float64) {
			for _, x := range thin(points, f.from, f.to, columns) {
				if x.Watts > w {
					w = x.Watts
				}
			}
			return w
		}
		assert.InDelta(t, 5000, highest(p.Series[0].Points), 1)
		assert.Greater(t, highest(p.Sum.Points), 5300.0)
	}
}

// TestThin: in each column the extremes, the ends and a gap stay, in order; what is few is
// left as it is.
func TestThin(t *testing.T) {
	t.Parallel()
	var points []Point
	for i := range 1000 {
		points = append(points, Point{time.Duration(i), 100})
	}
	points[501].Watts, points[503].Watts, points[505].Watts = 900, 1, math.NaN()
	assert.Equal(t, len(points), len(thin(points, 0, 999, 400)))
	kept := thin(points, 0, 1000, 10)
	assert.LessOrEqual(t, len(kept), 5*11)
	var watts []float64
	for i, x := range kept {
		if i > 0 {
			assert.Greater(t, x.At, kept[i-1].At)
		}
		if x.Watts != 100 {
			watts = append(watts, x.Watts)
		}
	}
	require.Len(t, watts, 3)
	assert.Equal(t, []float64{900, 1}, watts[:2])
	assert.True(t, math.IsNaN(watts[2]), "a gap stays a gap")
	assert.Len(t, thin(points, 100, 200, 400), 102, "with one on either side")
}

// BenchmarkHour: what the issue asks for in less than a second.
func BenchmarkHour(b *testing.B) {
	recording := recorded(8, time.Hour, 700)
	for b.Loop() {
		p := &Page{Sections: []Section{OfRecording("fleet", recording)}}
		if err := p.WriteHTML(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWriteFigures: each figure goes to a file of its own, of its kind.
func TestWriteFigures(t *testing.T) {
	t.Parallel()
	page := &Page{Sections: []Section{OfReport(traced("Chat/conc=4"))}}
	for extension, begins := range map[string]string{".svg": "<svg ", ".png": "\x89PNG"} {
		dir := t.TempDir()
		write := WriteSVG
		if extension == ".png" {
			write = WritePNG
		}
		paths, err := page.WriteFigures(dir, extension, write)
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Join(dir, "01-Chat_conc=4__power"+extension), filepath.Join(dir, "02-Chat_conc=4__energy"+extension)}, paths)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(text), begins), "%s", path)
		}
	}
}

// TestPageDataLists: the script goes over lists, which are none of null.
func TestPageDataLists(t *testing.T) {
	t.Parallel()
	for _, r := range []energy.Recording{{}, recorded(1, time.Second, 700), {Devices: []energy.DeviceRecording{{Device: energy.Device{UUID: "u"}}}}} {
		text := pageText(t, &Page{Sections: []Section{OfRecording("x", r)}})
		has(t, text, `"bands":[`, `"series":[`)
		lacks(t, text, `"bands":null`, `"series":null`, `"t":null`, `"w":null`)
	}
}

// TestPageData: the script gets JSON, with times that add up and null where nothing is known.
func TestPageData(t *testing.T) {
	t.Parallel()
	text := pageText(t, &Page{Sections: []Section{OfReport(traced("Chat"))}})
	_, rest, _ := strings.Cut(text, `<script type="application/json">`)
	words, _, _ := strings.Cut(rest, "</script>")
	var d powerData
	require.NoError(t, json.Unmarshal([]byte(words), &d))
	require.Len(t, d.Series, 3, "two GPUs and their sum")
	require.Len(t, d.Bands, 4, "a window, two uses of a phase, a trouble")
	s := d.Series[0]
	at := float64(s.First)
	for _, by := range s.Times {
		at += float64(by)
	}
	assert.InDelta(t, 4.6+0.1, at*d.Tick, 0.15, "the last point that is drawn")
	assert.InDelta(t, 0, d.Bands[0].From, 1e-9, "times count from the window")
	assert.InDelta(t, 4, d.Bands[0].To, 1e-9)
	assert.Less(t, d.Bands[0].FromLow, 0.0)
	assert.Greater(t, d.Bands[0].FromHigh, 0.0)
	assert.InDelta(t, 100e-3, d.Bands[0].FromHigh-d.Bands[0].FromLow, 10e-3, "an edge is known to a tick")
	require.Len(t, d.Ticks, 2)
	assert.NotEmpty(t, d.Ticks[0])
}
