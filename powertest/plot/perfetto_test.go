package plot

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// perfettoEvents are the events of a page's trace.
func perfettoEvents(t *testing.T, p *Page) []traceEvent {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.WritePerfetto(&b))
	var read struct {
		DisplayTimeUnit string
		TraceEvents     []traceEvent
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &read))
	assert.Equal(t, "ms", read.DisplayTimeUnit)
	return read.TraceEvents
}

// TestPerfetto: counters by device and of the sum, slices for the window and each use of the
// phase, on one clock from the first reading.
func TestPerfetto(t *testing.T) {
	t.Parallel()
	events := perfettoEvents(t, &Page{Sections: []Section{OfReport(traced(hostile))}})
	type what struct{ phase, cat string }
	count, counters := map[what]int{}, map[string]float64{}
	for _, e := range events {
		count[what{e.Phase, e.Cat}]++
		switch {
		case e.Phase == "C":
			watts := e.Args["W"].(float64)
			assert.False(t, math.IsNaN(watts))
			counters[e.Name] = max(counters[e.Name], watts)
		case e.Cat == "phase":
			assert.Contains(t, e.Args["energy"], "in all 2: ", "what was measured is of both uses")
		case e.Cat == "window":
			// The figure's clock has its 0 at the window, which begins 1 s after the readings;
			// the first tick that has a power before it is the second.
			assert.InDelta(t, 0.9e6, e.At, 0.2e6)
			assert.InDelta(t, 4e6, *e.Long, 1)
			assert.Contains(t, e.Args["energy"], "3.2 kJ")
		}
	}
	assert.Equal(t, 1, count[what{"X", "window"}])
	assert.Equal(t, 2, count[what{"X", "phase"}])
	assert.Equal(t, 1, count[what{"X", "trouble"}])
	assert.Len(t, counters, 3, "two devices and their sum")
	assert.InDelta(t, 700, counters["GPU 0 ("+hostile+")"], 1)
}

// TestPerfettoSlices: slices of one thread do not overlap, whatever the bands do.
func TestPerfettoSlices(t *testing.T) {
	t.Parallel()
	at := func(s float64) Edge { e := Edge{}; e.set(time.Duration(s * 1e9)); return e }
	p := &Power{Name: "x", Start: start, Bands: []Band{
		{Kind: Window, Name: "b", From: at(1), To: at(3)}, {Kind: Window, Name: "a", From: at(0), To: at(2)},
		{Kind: Window, Name: "c", From: at(2), To: at(4)}, {Kind: Phase, Name: "p", From: at(0), To: at(9)},
	}}
	ends := map[int]float64{}
	threads := map[string]int{}
	for _, e := range perfettoEvents(t, &Page{Sections: []Section{{Figures: []Figure{p}}}}) {
		if e.Phase != "X" {
			continue
		}
		assert.GreaterOrEqual(t, e.At, ends[e.TID], e.Name)
		ends[e.TID] = e.At + *e.Long
		threads[e.Name] = e.TID
	}
	assert.Equal(t, map[string]int{"a": 1, "c": 1, "b": 2, "p": 3}, threads)
}

// TestPerfettoGap: what is not known is no number, and is said.
func TestPerfettoGap(t *testing.T) {
	t.Parallel()
	p := &Power{Name: "x", Start: start, Series: []Series{{Name: "0", Points: []Point{{0, 10}, {1e9, math.NaN()}, {3e9, 20}, {4e9, 20}}}}}
	events := perfettoEvents(t, &Page{Sections: []Section{{Figures: []Figure{p}}}})
	var watts []float64
	for _, e := range events {
		switch e.Phase {
		case "C":
			watts = append(watts, e.Args["W"].(float64))
		case "X":
			assert.Equal(t, "not known", e.Name)
			assert.Equal(t, []float64{1e6, 2e6}, []float64{e.At, *e.Long})
		}
	}
	assert.Equal(t, []float64{10, 20, 20}, watts)
}

// TestPerfettoOrder: bands are in the order of time, however far apart.
func TestPerfettoOrder(t *testing.T) {
	t.Parallel()
	at := func(ns time.Duration) Edge { return Edge{ns, ns, ns} }
	p := &Power{Name: "x", Start: start, Bands: []Band{
		{Kind: Window, Name: "late", From: at(4.5e18), To: at(4.5e18)}, {Kind: Window, Name: "early", From: at(-5e18), To: at(-5e18)},
	}}
	var order []string
	for _, e := range perfettoEvents(t, &Page{Sections: []Section{{Figures: []Figure{p}}}}) {
		if e.Phase == "X" {
			order = append(order, e.Name)
		}
	}
	assert.Equal(t, []string{"early", "late"}, order)
}

// TestInfinitePower: a power of a time that is too short for it is not known. It breaks
// neither the trace nor the script of the page.
func TestInfinitePower(t *testing.T) {
	t.Parallel()
	p := &Power{Name: "x", Start: start, Series: []Series{{Name: "0", Points: []Point{{0, 10}, {1e9, math.Inf(1)}, {2e9, 1e308}, {3e9, 20}, {4e9, 20}}}}}
	page := &Page{Sections: []Section{{Figures: []Figure{p}}}}
	var watts []any
	for _, e := range perfettoEvents(t, page) {
		if e.Phase == "C" {
			watts = append(watts, e.Args["W"])
		}
	}
	assert.Equal(t, []any{10.0, 20.0, 20.0}, watts)
	assert.InDelta(t, 21, p.frame().top, 1e-9)
	has(t, pageText(t, page), `<script type="application/json">`)
}

// TestPerfettoOfNothing: without power over time there is no trace, and no file.
func TestPerfettoOfNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/t.json"
	assert.ErrorIs(t, (&Page{Sections: []Section{{Figures: []Figure{&Curve{}}}}}).WritePerfettoFile(path), ErrNoPower)
	assert.NoFileExists(t, path)
}
