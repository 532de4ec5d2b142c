package energy_test

import (
	"encoding/json"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// TestCover: a window that is known only afterwards is measured as one that was
// marked at the time.
func TestCover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2, Ramp: 20 * time.Millisecond})
		r := energy.NewRecorder(sim)
		w, marked := r.Open(), r.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		defer sim.Busy()()
		time.Sleep(3333 * time.Millisecond)
		start := time.Now()
		marked.Resume()
		time.Sleep(4321 * time.Millisecond)
		end := time.Now()
		marked.Pause()
		time.Sleep(2 * time.Second)
		w.SetSpans(energy.Span{Start: start, End: end})
		m := w.Measure(t.Context())
		requireTruth(t, sim, m, start, end)
		assert.InEpsilon(t, marked.Measure(t.Context()).Energy.Joules, m.Energy.Joules, 0.005)
		assert.Zero(t, m.Waited, "what comes after it is known")
	})
}

// TestCoverWallClock: times from another process have no monotonic reading.
func TestCoverWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		w := energy.NewRecorder(sim).Open()
		time.Sleep(time.Second)
		start := time.Now().Round(0)
		time.Sleep(2 * time.Second)
		end := time.Now().Round(0)
		time.Sleep(time.Second)
		w.SetSpans(energy.Span{Start: start, End: end})
		requireTruth(t, sim, w.Measure(t.Context()), start, end)
	})
}

func requireTruth(t *testing.T, sim *simsource.Source, m energy.Measurement, start, end time.Time) {
	t.Helper()
	require.True(t, m.Valid, "%v", m.Reasons)
	truth := sim.TrueJoules(start, end)
	assert.LessOrEqual(t, m.Energy.Low, truth)
	assert.GreaterOrEqual(t, m.Energy.High, truth)
	assert.InEpsilon(t, truth, m.Energy.Joules, 0.02)
	assert.True(t, m.Start.Equal(start) && m.End.Equal(end))
}

// TestRecordingReplays: what was recorded goes through JSON and is measured
// again, in whole and in part, as it was.
func TestRecordingReplays(t *testing.T) {
	for name, cfg := range map[string]simsource.Config{
		"counter":   {GPUs: 3, Noise: 0.05, Ramp: 10 * time.Millisecond},
		"and gauge": {Gauge: simsource.WithGauge},
		"gauge":     {Gauge: simsource.OnlyGauge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := simsource.New(cfg)
				w := energy.NewRecorder(sim).Open()
				w.Record()
				require.NoError(t, w.WaitTicks(t.Context(), 3))
				start := time.Now()
				w.Resume()
				done := sim.Busy()
				time.Sleep(5 * time.Second)
				done()
				w.Pause()
				end := time.Now()
				m := w.Measure(t.Context())
				require.True(t, m.Valid)

				p := replayed(t, w.Recording())
				again := energy.MeasurePast(t.Context(), p, energy.Span{Start: start.Round(0), End: end.Round(0)})
				requireTruth(t, sim, again, start, end)
				assert.InEpsilon(t, m.Energy.Joules, again.Energy.Joules, 0.01)
				assert.Equal(t, m.Devices[0].HasGauge, again.Devices[0].HasGauge)
				from, to := start.Add(1234*time.Millisecond), end.Add(-1111*time.Millisecond)
				requireTruth(t, sim, energy.MeasurePast(t.Context(), p, energy.Span{Start: from, End: to}), from, to)

				outside := energy.MeasurePast(t.Context(), p, energy.Span{Start: start, End: end.Add(time.Hour)})
				assert.False(t, outside.Valid)
				assert.NotEmpty(t, outside.Reasons)
			})
		})
	}
}

// TestCut: what is cut off a window draws what it likes, and is none of the load before or
// after it, also where a recording is measured again.
func TestCut(t *testing.T) {
	for _, share := range []float64{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			sim := simsource.New(simsource.Config{})
			w := energy.NewRecorder(sim).Open()
			w.Record()
			require.NoError(t, w.WaitTicks(t.Context(), 3))
			draw := func(share float64, d time.Duration) time.Time {
				defer sim.BusyLoad(share)()
				time.Sleep(d)
				return time.Now()
			}
			w.Resume()
			start := draw(share, 40*time.Millisecond)
			end := draw(0.5, 1111*time.Millisecond)
			draw(share, 130*time.Millisecond)
			w.Pause()
			w.Cut(energy.Span{Start: start, End: end})
			assert.Equal(t, end.Sub(start), w.Duration())
			m := w.Measure(t.Context())
			requireTruth(t, sim, m, start, end)
			assert.Less(t, m.Energy.ErrPercent(), 5.0)
			require.Len(t, w.Recording().Apart, 2)
			again := energy.MeasurePast(t.Context(), replayed(t, w.Recording()), energy.Span{Start: start.Round(0), End: end.Round(0)})
			requireTruth(t, sim, again, start, end)
			assert.InEpsilon(t, m.Energy.Joules, again.Energy.Joules, 0.002)
		})
	}
}

// TestCutTwice: a recording is one that can be read, also if its end was cut off before its
// beginning.
func TestCutTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{})
		w := energy.NewRecorder(sim).Open()
		w.Record()
		require.NoError(t, w.WaitTicks(t.Context(), 3))
		opened := time.Now()
		w.Resume()
		time.Sleep(time.Second)
		w.Cut(energy.Span{Start: opened, End: opened.Add(800 * time.Millisecond)})
		w.Resume()
		time.Sleep(time.Second)
		end := time.Now()
		w.Cut(energy.Span{Start: opened.Add(300 * time.Millisecond), End: end})
		assert.Equal(t, 1500*time.Millisecond, w.Duration())
		w.Measure(t.Context())
		replayed(t, w.Recording())
		apart := w.Recording().Apart
		require.Len(t, apart, 2)
		assert.Equal(t, int64(300*time.Millisecond), apart[0][1]-apart[0][0])
		assert.Equal(t, int64(200*time.Millisecond), apart[1][1]-apart[1][0])
	})
}

// replayed sends the recording through JSON.
func replayed(t *testing.T, r energy.Recording) *energy.Replay {
	t.Helper()
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back energy.Recording
	require.NoError(t, json.Unmarshal(data, &back))
	p, err := energy.NewReplay(back)
	require.NoError(t, err)
	return p
}

// TestRecordingOfTrouble: a reset is one in the recording, too.
func TestRecordingOfTrouble(t *testing.T) {
	base := time.Unix(1_700_000_000, 0)
	r := energy.Recording{Base: base, Devices: []energy.DeviceRecording{{Device: energy.Device{UUID: "a", Method: energy.Counter}}}}
	d := &r.Devices[0]
	for i := range 60 {
		joules := 1000 + 10*float64(i)
		if i > 30 {
			joules -= 1200
		}
		d.Ticks = append(d.Ticks, [3]float64{1e8*float64(i) - 1e6, 1e8 * float64(i), joules})
	}
	span := energy.Span{Start: base.Add(time.Second), End: base.Add(5 * time.Second)}
	m := energy.MeasurePast(t.Context(), replayed(t, r), span)
	assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
	d.Ticks = d.Ticks[:30]
	d.Trouble = []energy.Trouble{{From: 1e9, To: math.MaxInt64, Reason: energy.DeviceLost}}
	assert.True(t, energy.MeasurePast(t.Context(), replayed(t, r), span).Has(energy.DeviceLost))
	d.Trouble, r.Step = nil, time.Second
	span.End = base.Add(2 * time.Second)
	m = energy.MeasurePast(t.Context(), replayed(t, r), span)
	assert.True(t, m.Has(energy.ClockStep))
	assert.False(t, m.Valid)
}

func TestRecordingMalformed(t *testing.T) {
	for name, d := range map[string]energy.DeviceRecording{
		"no uuid":        {Device: energy.Device{Method: energy.Counter}},
		"no method":      {Device: energy.Device{UUID: "a"}},
		"reversed":       {Device: energy.Device{UUID: "a", Method: energy.Counter}, Ticks: [][3]float64{{5, 6, 1}, {1, 2, 2}}},
		"inside out":     {Device: energy.Device{UUID: "a", Method: energy.Counter}, Ticks: [][3]float64{{5, 4, 1}}},
		"nan":            {Device: energy.Device{UUID: "a", Method: energy.Counter}, Ticks: [][3]float64{{1, 2, math.NaN()}}},
		"far":            {Device: energy.Device{UUID: "a", Method: energy.Counter}, Ticks: [][3]float64{{-1e30, 2, 1}}},
		"negative power": {Device: energy.Device{UUID: "a", Method: energy.Gauge}, Power: [][3]float64{{1, -1}}},
		"long delay":     {Device: energy.Device{UUID: "a", Method: energy.Counter, Delay: math.MaxInt64}},
		"negative delay": {Device: energy.Device{UUID: "a", Method: energy.Counter, Delay: -1}},
		"vague delay":    {Device: energy.Device{UUID: "a", Method: energy.Counter, DelaySD: math.MaxInt64}},
		"calibration":    {Device: energy.Device{UUID: "a", Method: energy.Counter, Calibration: &energy.Calibration{Delay: math.MaxInt64}}},
		"power reversed": {Device: energy.Device{UUID: "a", Method: energy.Gauge}, Power: [][3]float64{{2, 1}, {1, 1}}},
	} {
		_, err := energy.NewReplay(energy.Recording{Devices: []energy.DeviceRecording{d}})
		assert.ErrorIs(t, err, energy.ErrMalformed, name)
	}
	_, err := energy.NewReplay(energy.Recording{Apart: [][2]int64{{3, 4}, {1, 2}}})
	assert.ErrorIs(t, err, energy.ErrMalformed)
}
