package estimate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// served is a server's power: requests of prefill and decode, with idle gaps between.
func served() (steps []step, whole []Span, members [][]Span) {
	steps, members = []step{{0, 100}}, make([][]Span, 2)
	t := 1.0
	for i := range 12 {
		a := t + 0.11 + 0.01*float64(i%5)
		b := a + 0.35 + 0.02*float64(i%3)
		steps = append(steps, step{t, 650}, step{a, 400}, step{b, 100})
		members[0], members[1] = append(members[0], span(t, a)), append(members[1], span(a, b))
		t = b + 0.04
	}
	return steps, []Span{span(1, t)}, members
}

// between returns what of the spans the members leave.
func between(whole Span, members [][]Span) (rest []Span) {
	from := whole.Start
	for i := range members[0] {
		rest = append(rest, Span{from, members[0][i].Start, members[0][i].Start - from})
		from = members[1][i].End
	}
	return append(rest, Span{from, whole.End, whole.End - from})[1:]
}

// TestPartsAddUp: the energies of parts that fill the whole add up to its own, and each part
// is right.
func TestPartsAddUp(t *testing.T) {
	steps, whole, members := served()
	in := seen(steps, 0.1, 12, 0.004, whole...)
	in.Members = append(members, between(whole[0], members))
	list, err := Estimate(in)
	require.NoError(t, err)
	require.Len(t, list, 4)
	sum := 0.0
	for i, spans := range append([][]Span{whole}, in.Members...) {
		require.NoError(t, list[i].Err)
		want := truth(steps, spans)
		assert.InEpsilon(t, want, list[i].Mean, [4]float64{0.001, 0.02, 0.02, 0.5}[i], "%d", i)
		assert.LessOrEqual(t, list[i].Low, want)
		assert.GreaterOrEqual(t, list[i].High, want)
		if i > 0 {
			sum += list[i].Mean
		}
	}
	assert.InEpsilon(t, list[0].Mean, sum, 1e-9)
	assert.Less(t, list[0].High-list[0].Low, list[1].High-list[1].Low, "of the whole only two edges are unknown")
}

// TestPartsThatOverlap: each has the time in which it is open.
func TestPartsThatOverlap(t *testing.T) {
	steps := []step{{0, 100}, {1, 300}, {1.5, 600}, {2, 300}, {3, 100}}
	in := seen(steps, 0.1, 6, 0.004, span(1, 3))
	in.Members = [][]Span{{span(1, 2)}, {span(1.5, 3)}, {}}
	list, err := Estimate(in)
	require.NoError(t, err)
	assert.InEpsilon(t, 450, list[1].Mean, 0.02)
	assert.InEpsilon(t, 600, list[2].Mean, 0.02)
	assert.Zero(t, list[3].Mean)
}

// TestManyParts: parts of more names than have a level of their own in one model.
func TestManyParts(t *testing.T) {
	steps := []step{{0, 100}}
	in := Input{}
	var members [][]Span
	for i := range 40 {
		a := 1 + 0.3*float64(i)
		steps = append(steps, step{a, 300 + 10*float64(i%7)})
		members = append(members, []Span{span(a, a+0.3)})
	}
	in = seen(append(steps, step{13, 100}), 0.1, 16, 0.004, span(1, 13))
	in.Members = members
	list, err := Estimate(in)
	require.NoError(t, err)
	sum := 0.0
	for _, r := range list[1:] {
		sum += r.Mean
	}
	assert.InEpsilon(t, list[0].Mean, sum, 1e-9)
	assert.InEpsilon(t, truth(append(steps, step{13, 100}), in.Spans), list[0].Mean, 0.002)
}

// TestOtherWindows: the load of a window before is told from that of this one.
func TestOtherWindows(t *testing.T) {
	steps := []step{{0, 100}, {0.5, 600}, {1.5, 100}, {1.54, 600}, {2, 100}}
	in := seen(steps, 0.1, 4, 0.004, span(1.54, 2))
	alone, err := estimated(in)
	require.NoError(t, err)
	in.Others = []Span{span(-30, -29), span(0.5, 1.5), span(2.7, 20)}
	known, err := estimated(in)
	require.NoError(t, err)
	want := truth(steps, in.Spans)
	assert.InEpsilon(t, want, known.Mean, 0.02)
	assert.LessOrEqual(t, known.Low, want)
	assert.GreaterOrEqual(t, known.High, want)
	assert.Less(t, known.High-known.Low, 0.6*(alone.High-alone.Low))
}

// TestPausesDiffer: what runs in one pause says nothing of the next.
func TestPausesDiffer(t *testing.T) {
	steps := []step{{0, 100}, {1, 600}, {1.55, 100}, {1.68, 600}, {2.2, 500}, {2.3, 100}, {2.34, 600}, {2.9, 300}, {3.02, 600}, {3.6, 100}}
	in := seen(steps, 0.1, 4, 0.004, span(1, 1.55), span(1.68, 2.2), span(2.34, 2.9), span(3.02, 3.6))
	r, err := estimated(in)
	require.NoError(t, err)
	want := truth(steps, in.Spans)
	assert.InEpsilon(t, want, r.Mean, 0.003)
	assert.LessOrEqual(t, r.Low, want)
	assert.GreaterOrEqual(t, r.High, want)
}

// TestBetweenWindows: the time between windows may be idle although no time outside of all of
// them is near.
func TestBetweenWindows(t *testing.T) {
	steps := []step{{0, 100}, {0.5, 600}, {1.5, 100}, {1.56, 600}, {2.56, 100}, {2.61, 600}, {3.61, 100}}
	in := seen(steps, 0.1, 3.5, 0.004, span(1.56, 2.56))
	in.Others = []Span{span(0.5, 1.5), span(2.61, 3.61)}
	r, err := estimated(in)
	require.NoError(t, err)
	assert.InEpsilon(t, truth(steps, in.Spans), r.Mean, 0.0022)
}

// TestMergedSpans: of spans that were merged their share of the time counts.
func TestMergedSpans(t *testing.T) {
	steps := []step{{0, 100}, {1, 500}, {3, 100}}
	merged := span(1, 3)
	merged.On /= 4
	in := seen(steps, 0.1, 6, 0.004, merged)
	in.Members = [][]Span{{{merged.Start, merged.End, merged.On / 2}}}
	list, err := Estimate(in)
	require.NoError(t, err)
	assert.LessOrEqual(t, list[0].Low, 250.0)
	assert.GreaterOrEqual(t, list[0].High, 250.0)
	assert.LessOrEqual(t, list[1].Low, 125.0)
	assert.GreaterOrEqual(t, list[1].High, 125.0)
}

func TestTimeline(t *testing.T) {
	tl := newTimeline([][]Span{{span(1, 2), span(3, 4)}, {span(1, 1.5)}, {span(1.50005, 2)}}, []Span{span(0, 0.5), span(3.9, 5)}, nil)
	var starts []float64
	for _, p := range tl.parts {
		starts = append(starts, p.start)
		assert.False(t, p.mixed())
	}
	assert.InDeltaSlice(t, []float64{0, 0.5, 1, 1.50005, 2, 3, 4, 5}, starts[1:], 1e-9, "phases that follow each other have one edge between")
	assert.Equal(t, other, tl.parts[1].mix[0].label)
	assert.Equal(t, pause, tl.parts[2].mix[0].label)
	assert.Equal(t, []bool{true, true, false}, tl.labels[tl.parts[3].mix[0].label].open)
	assert.Equal(t, after, tl.parts[8].mix[0].label)
	assert.False(t, tl.plain())
	assert.True(t, newTimeline([][]Span{{span(1, 2)}, {span(1, 2)}}, nil, nil).plain())

	some, all := tl.covers(0, 1.9, 2.1)
	assert.True(t, some)
	assert.False(t, all)

	// Short pauses are none that two phases leave between them.
	var spans []Span
	for i := range 100 {
		spans = append(spans, span(1+0.0002*float64(i), 1.0001+0.0002*float64(i)))
	}
	assert.Greater(t, len(newTimeline([][]Span{spans}, nil, nil).parts), 190)
}

// TestTimelineApart: what is apart from the window has a power of its own, each for itself.
func TestTimelineApart(t *testing.T) {
	tl := newTimeline([][]Span{{span(1, 2)}}, nil, []Span{span(0.5, 1.2), span(2, 3)})
	var labels []bool
	for _, p := range tl.parts {
		labels = append(labels, tl.labels[p.mix[0].label].apart)
	}
	assert.Equal(t, []bool{false, true, false, true, false}, labels, "before, apart, the window, apart, after")
	assert.NotEqual(t, tl.parts[1].mix[0].label, tl.parts[3].mix[0].label, "each has a power of its own")
	assert.InDelta(t, 1, tl.parts[2].start, 1e-9, "it does not reach into the window")
}

// TestProfile: the weights of the levels add up to the time, whatever the shape.
func TestProfile(t *testing.T) {
	steps, whole, members := served()
	in := seen(steps, 0.1, 12, 0.004, whole...)
	in.Members = members
	w, ok := align(&in)
	require.True(t, ok)
	near := pieces(w.ticks)
	m := newModel(&in, w.tl, near)
	for _, h := range m.shapes() {
		m.setRows(h)
		for i, q := range m.pieces {
			cols, x, _ := m.rows.of(i)
			sum := 0.0
			for k, c := range cols {
				if int(m.rows.used[c]) < m.lead+2 {
					sum += x[k]
				}
			}
			require.InDelta(t, q.length(), sum, 1e-6, "%+v", h)
		}
	}
	assert.Len(t, m.shapes(), len(usualStarts)*len(usualEnds))
	assert.False(t, math.IsNaN(m.weigh(&in)[0].weight))
}

// TestRestBetweenLoads: what an edge is known to is time, so that of an idle part between
// phases of load its energy is known as badly as that of the load there.
func TestRestBetweenLoads(t *testing.T) {
	const load, n = 600, 8
	steps, members := []step{{0, 100}}, make([][]Span, 1)
	for i := range n {
		at := 1 + 0.2*float64(i)
		steps = append(steps, step{at, load}, step{at + 0.1, 100})
		if i > 0 {
			members[0] = append(members[0], span(at-0.1, at))
		}
	}
	in := seen(steps, 0.001, 3, 2e-5, span(1, 2.5))
	in.Members = members
	list, err := Estimate(in)
	require.NoError(t, err)
	assert.InEpsilon(t, truth(steps, members[0]), list[1].Mean, 0.02)
	assert.Greater(t, (list[1].High-list[1].Low)/2, 0.8*load*floorAlike*(n-1))
}
