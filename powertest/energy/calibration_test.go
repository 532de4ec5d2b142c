package energy_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// askew is a source whose devices report gain × watts + offset; of counters there is no
// offset.
type askew struct {
	energy.Source
	gain, offset float64
}

func (a askew) Read(dst []energy.Reading) {
	a.Source.Read(dst)
	for i := range dst {
		dst[i].Joules *= a.gain
		dst[i].Watts = a.gain*dst[i].Watts + a.offset
	}
}

// calibrated measures loads of 2 s on the devices of a source, with what was measured of
// each.
func calibrated(t *testing.T, src energy.Source, sim *simsource.Source, list ...*energy.Calibration) (m, phase energy.Measurement, truth float64) {
	t.Helper()
	r := energy.NewRecorder(src)
	require.NoError(t, r.Calibrate(list))
	w := r.Open()
	_ = w.WaitIdle(t.Context(), "load") // which a noisy load is not
	w.Resume()
	start, done, part := time.Now(), sim.Busy(), w.Sub()
	part.Resume()
	time.Sleep(time.Second)
	part.Pause()
	time.Sleep(time.Second)
	done()
	m = w.Measure(t.Context())
	return m, part.Measure(t.Context()), sim.TrueJoules(start, start.Add(2*time.Second))
}

// TestCalibrationTurnsIntoMeterJoules: of counters and of gauges, of the whole, its phases,
// its idle power and what is above.
func TestCalibrationTurnsIntoMeterJoules(t *testing.T) {
	for name, cfg := range map[string]simsource.Config{"counter": {}, "gauge": {Gauge: simsource.OnlyGauge}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg.Ramp, cfg.Tail, cfg.Noise, cfg.Jitter = -1, -1, -1, -1
				sim := simsource.New(cfg)
				src := askew{sim, 0.9, 0}
				if cfg.Gauge == simsource.OnlyGauge {
					src.offset = -22
				}
				raw, _, _ := calibrated(t, src, sim, nil)
				c := &energy.Calibration{Profile: "abc", Scale: energy.Scale{Gain: 0.9, Offset: src.offset, GainSD: 0.009, OffsetSD: 10, Correlation: -0.5, Floor: 0.5}}
				time.Sleep(10 * time.Second)
				m, phase, truth := calibrated(t, src, sim, c)
				require.True(t, m.Valid, "%v", m.Reasons)
				assert.InEpsilon(t, truth, m.Energy.Joules, 0.03)
				assert.InEpsilon(t, truth/2, m.Watts, 0.03)
				if cfg.Gauge != simsource.OnlyGauge { // which does not measure so short a part
					assert.InEpsilon(t, truth, m.Energy.Joules, 0.002)
					assert.InEpsilon(t, truth/2, phase.Energy.Joules, 0.02)
				}
				assert.InEpsilon(t, 100, m.BeforeWatts, 0.02)
				assert.InEpsilon(t, 100, m.Idle.Watts, 0.02)
				assert.Equal(t, "abc", m.Devices[0].Device.Calibration.Profile)

				// The second load lies otherwise among the readings, and at one instant of the
				// fake clock it is not settled whether a reading comes before the load or after.
				alike := 0.05
				if cfg.Gauge == simsource.OnlyGauge {
					alike = 0.15
				}
				_, sd := c.Scale.Watts(raw.Watts)
				common := 2 * sd * 2
				assert.InEpsilon(t, common, m.Devices[0].CalibrationJoules, 0.01)
				assert.InEpsilon(t, math.Hypot(raw.Energy.HalfWidth()/0.9, common), m.Energy.HalfWidth(), alike)

				// Above idle the offset cancels.
				net, ok := m.Net()
				require.True(t, ok)
				assert.InEpsilon(t, truth-200, net.Joules, 0.03)
				before, _ := raw.Net()
				assert.InEpsilon(t, math.Hypot(before.HalfWidth()/0.9, 2*2*c.Scale.Between(net.Joules/2)), net.HalfWidth(), alike)
			})
		})
	}
}

// TestCalibrationsOfDevicesAreIndependent, though their devices tick together.
func TestCalibrationsOfDevicesAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(4)
		scale := energy.Scale{Gain: 1, GainSD: 0.03}
		c := &energy.Calibration{Scale: scale}
		m, _, _ := calibrated(t, sim, sim, c, c, c, c)
		require.True(t, m.Valid, "%v", m.Reasons)
		one := m.Devices[0].Energy.HalfWidth()
		assert.Greater(t, one, 0.05*m.Devices[0].Energy.Joules)
		assert.InEpsilon(t, 2*one, m.Energy.HalfWidth(), 0.03, "√4 of one")
	})
}

// TestCalibrationOfFarLevels: what comes out below nothing, or is not known, is no number.
func TestCalibrationOfFarLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		m, _, _ := calibrated(t, sim, sim, &energy.Calibration{Scale: energy.Scale{Gain: 1, Offset: 800}})
		assert.False(t, m.Valid)
		assert.True(t, m.Has(energy.CalibrationRange), "%v", m.Reasons)
		time.Sleep(10 * time.Second)
		m, _, _ = calibrated(t, sim, sim, &energy.Calibration{Scale: energy.Scale{Gain: 1, GainSD: 0.05, OffsetSD: 100}})
		assert.True(t, m.Has(energy.CalibrationRange), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}

// TestRecordingKeepsCalibration: what was recorded is measured again as it was.
func TestRecordingKeepsCalibration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		r := energy.NewRecorder(askew{sim, 0.5, 0})
		require.NoError(t, r.Calibrate([]*energy.Calibration{{Scale: energy.Scale{Gain: 0.5}}}))
		w := r.Open()
		w.Record()
		require.ErrorContains(t, r.Calibrate([]*energy.Calibration{nil}), "first window")
		require.NoError(t, w.WaitTicks(t.Context(), 3))
		w.Resume()
		time.Sleep(3 * time.Second)
		m := w.Measure(t.Context())
		replay, err := energy.NewReplay(w.Recording())
		require.NoError(t, err)
		again := energy.MeasurePast(t.Context(), replay, energy.Span{Start: m.Start, End: m.End})
		assert.InEpsilon(t, 300, m.Energy.Joules, 0.01)
		assert.InEpsilon(t, m.Energy.Joules, again.Energy.Joules, 1e-3)
	})
}

// TestKnownDelay: a counter that is known to be late is corrected from the first window
// on, also where its edges show nothing; and no longer, once edges show that it is not.
func TestKnownDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := exact(1)
		late := &delayed{Source: sim, began: time.Now(), by: 150 * time.Millisecond}
		time.Sleep(time.Second)
		c := &energy.Calibration{Delay: 150 * time.Millisecond, DelaySD: 2 * time.Millisecond}
		r := energy.NewRecorder(late)
		require.NoError(t, r.Calibrate([]*energy.Calibration{c}))
		load := func() energy.Measurement {
			w := r.Open()
			require.NoError(t, w.WaitTicks(t.Context(), 4))
			time.Sleep(500 * time.Millisecond)
			w.Resume()
			done := sim.Busy()
			time.Sleep(time.Second)
			done()
			return w.Measure(t.Context())
		}
		m := load()
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 700, m.Energy.Joules, 0.01)
		assert.Contains(t, m.Reasons[0].Detail, "as was measured of it")

		late.by = 0
		time.Sleep(5 * time.Second)
		m = load()
		assert.InEpsilon(t, 700, m.Energy.Joules, 0.01)
		assert.Contains(t, m.Reasons[0].Detail, "that it is not")
	})
}

// delayed is a source whose counter shows at each tick what was used until some time ago.
type delayed struct {
	*simsource.Source
	began time.Time
	by    time.Duration
}

func (d *delayed) Read(dst []energy.Reading) {
	d.Source.Read(dst)
	tick := dst[0].After.Sub(d.began).Truncate(100 * time.Millisecond)
	dst[0].Joules = d.TrueJoules(d.began, d.began.Add(tick-d.by))
}

// TestShareOfACounter: one that samples a share of the time is marked, and known worse.
func TestShareOfACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Noise: 0.1})
		m, _, _ := calibrated(t, sim, sim, &energy.Calibration{Share: 1})
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.False(t, m.Has(energy.PartTimeSensor))
		time.Sleep(10 * time.Second)
		part, phase, truth := calibrated(t, sim, sim, &energy.Calibration{Share: 0.25})
		require.True(t, part.Valid, "%v", part.Reasons)
		assert.True(t, part.Has(energy.PartTimeSensor))
		assert.InEpsilon(t, truth, part.Energy.Joules, 0.01)
		assert.Greater(t, part.Energy.HalfWidth(), 5*m.Energy.HalfWidth())
		assert.Less(t, part.Energy.ErrPercent(), 15.0)
		assert.True(t, phase.Has(energy.PartTimeSensor), "%v", phase.Reasons)
	})
}

// TestNotCovered: what is printed below intervals is what they do not cover.
func TestNotCovered(t *testing.T) {
	of := func(list ...*energy.Calibration) string {
		var devices []energy.Device
		for _, c := range list {
			devices = append(devices, energy.Device{Calibration: c})
		}
		return energy.NotCovered(devices)
	}
	scaled, shared := &energy.Calibration{Scale: energy.Scale{Gain: 1}}, &energy.Calibration{Scale: energy.Scale{Gain: 1}, Share: 1}
	assert.Contains(t, of(scaled, nil), "neither gain and offset of the board's sensor")
	assert.Contains(t, of(&energy.Calibration{Delay: time.Second}), "neither gain and offset of the board's sensor")
	assert.NotContains(t, of(scaled, shared), "gain")
	assert.Contains(t, of(scaled, shared), "samples only a part")
	assert.NotContains(t, of(shared, shared), "cover")
}

func TestCheckOfCalibrations(t *testing.T) {
	good := energy.Calibration{Scale: energy.Scale{Gain: 0.95, Offset: -22, GainSD: 0.01, OffsetSD: 2, Correlation: -0.9}, Delay: time.Second, Share: 0.25}
	require.NoError(t, good.Check())
	require.NoError(t, energy.Calibration{}.Check())
	for name, spoil := range map[string]func(*energy.Calibration){
		"no number":     func(c *energy.Calibration) { c.Scale.Offset = math.NaN() },
		"infinite":      func(c *energy.Calibration) { c.Scale.Floor = math.Inf(1) },
		"negative gain": func(c *energy.Calibration) { c.Scale.Gain = -1 },
		"small gain":    func(c *energy.Calibration) { c.Scale.Gain = 1e-9 },
		"offset":        func(c *energy.Calibration) { c.Scale.Offset = 1e9 },
		"sd":            func(c *energy.Calibration) { c.Scale.GainSD = -1 },
		"unsure":        func(c *energy.Calibration) { c.Scale.GainSD = 0.2 },
		"correlation":   func(c *energy.Calibration) { c.Scale.Correlation = 2 },
		"delay":         func(c *energy.Calibration) { c.Delay = -1 },
		"long delay":    func(c *energy.Calibration) { c.DelaySD = time.Hour },
		"share":         func(c *energy.Calibration) { c.Share = 1.5 },
	} {
		c := good
		spoil(&c)
		assert.ErrorIs(t, c.Check(), energy.ErrMalformed, name)
		r := energy.NewRecorder(exact(1))
		assert.Error(t, r.Calibrate([]*energy.Calibration{&c}), name)
	}
}
