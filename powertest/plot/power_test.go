package plot

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestCounterPower: the power between two ticks is the energy by the time, nothing is known
// before the first tick that was seen, and over a reset.
func TestCounterPower(t *testing.T) {
	t.Parallel()
	d := energy.DeviceRecording{Device: energy.Device{UUID: "GPU-0", Method: energy.Counter},
		Ticks: [][3]float64{{0, 1e9, 10}, {2e9, 2e9, 100}, {3e9, 3e9, 150}, {5e9, 5e9, 350}, {6e9, 6e9, 5}, {7e9, 7e9, 65}}}
	p := powerOf("x", energy.Recording{Base: start, Devices: []energy.DeviceRecording{d}}, start.Add(time.Second))
	require.Len(t, p.Series, 1)
	assert.Nil(t, p.Sum, "one device has no sum")
	s := p.Series[0]
	assert.True(t, s.Step)
	assert.Len(t, s.Ticks, 5)
	want := []Point{{time.Second, 50}, {2 * time.Second, 100}, {4 * time.Second, math.NaN()}, {5 * time.Second, 60}, {6 * time.Second, math.NaN()}}
	same(t, want, s.Points)
}

// TestGaugePower: samples are joined by a line, but not over a gap that the energy is not
// measured over.
func TestGaugePower(t *testing.T) {
	t.Parallel()
	d := energy.DeviceRecording{Device: energy.Device{UUID: "GPU-0", Method: energy.Gauge, MaxGap: time.Second},
		Power: [][3]float64{{0, 100, 0}, {1e9, 200, 0}, {3e9, 300, 0}, {6e9, 300, 5e8}}}
	p := powerOf("x", energy.Recording{Base: start, Devices: []energy.DeviceRecording{d}}, start)
	want := []Point{{0, 100}, {time.Second, 200}, {time.Second, math.NaN()}, {3 * time.Second, 300}, {6 * time.Second, 300}}
	same(t, want, p.Series[0].Points)
}

// same compares points, of which one that is not known is like another.
func same(t *testing.T, want, have []Point) {
	t.Helper()
	require.Len(t, have, len(want), "%v", have)
	for i := range want {
		assert.Equal(t, want[i].At, have[i].At, "point %d", i)
		if math.IsNaN(want[i].Watts) {
			assert.True(t, math.IsNaN(have[i].Watts), "point %d: %v", i, have[i].Watts)
			continue
		}
		assert.InDelta(t, want[i].Watts, have[i].Watts, 1e-6, "point %d", i)
	}
}

// TestSum: the sum is known only where each of its parts is, of steps and of lines.
func TestSum(t *testing.T) {
	t.Parallel()
	gap := math.NaN()
	steps := sum([]Series{
		{Step: true, Points: []Point{{0, 100}, {10, 200}, {20, gap}}},
		{Step: true, Points: []Point{{5, 1}, {12, gap}, {14, 2}, {30, gap}}},
	})
	require.True(t, steps.Step)
	same(t, []Point{{5, 101}, {10, 201}, {12, gap}, {14, 202}, {20, gap}}, steps.Points)

	lines := sum([]Series{
		{Points: []Point{{0, 100}, {10, 200}}},
		{Points: []Point{{0, 1}, {5, 3}, {20, 9}}},
	})
	require.False(t, lines.Step)
	same(t, []Point{{0, 101}, {5, 153}, {10, 205}, {20, gap}}, lines.Points)

	mixed := sum([]Series{
		{Points: []Point{{0, 100}, {10, 200}}},
		{Step: true, Points: []Point{{0, 1}, {5, 2}, {10, gap}}},
	})
	same(t, []Point{{0, 101}, {5, 151}, {5, 152}, {10, 202}, {10, gap}}, mixed.Points)
}

// TestTroubleIsBounded: a device that was lost for good is shown as lost until the end of
// what is drawn.
func TestTroubleIsBounded(t *testing.T) {
	t.Parallel()
	p := powerOf("x", *traced("x").Recording, start)
	require.Len(t, p.Bands, 1)
	_, last := p.extent()
	assert.Equal(t, Trouble, p.Bands[0].Kind)
	assert.Equal(t, 2*time.Second, p.Bands[0].From.At)
	assert.Equal(t, last, p.Bands[0].To.At)
}
