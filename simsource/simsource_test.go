package simsource

import (
	"math"
	"testing"
	"testing/quick"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// steady is a simulation without anything that looks random.
var steady = Config{Jitter: -1}

func readOne(s energy.Source) energy.Reading {
	r := make([]energy.Reading, 1)
	s.Read(r)
	return r[0]
}

func TestConstantPowerIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(steady)
		time.Sleep(300 * time.Millisecond)
		start := time.Now()
		done := s.Busy()
		time.Sleep(200 * time.Millisecond)
		done()
		done() // ends nothing twice
		end := time.Now()
		time.Sleep(500 * time.Millisecond)

		assert.Equal(t, 140.0, s.TrueJoules(start, end), "700 W for 200 ms")
		assert.Equal(t, 30.0, s.TrueJoules(start.Add(-300*time.Millisecond), start), "100 W for 300 ms")
		assert.Equal(t, 50.0, s.TrueJoules(end, time.Now()))
		assert.Equal(t, 220.0, readOne(s).Joules)
	})
}

func TestCounterShowsTheLastTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(steady)
		for i := range 50 {
			r := readOne(s)
			require.NoError(t, r.Err)
			require.True(t, r.HasJoules)
			require.False(t, r.HasWatts, "there is no gauge")
			require.Equal(t, float64(i/10)*10, r.Joules, "100 W × 100 ms a tick, after %d × 10 ms", i)
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func TestTicksOfDevicesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 4, Jitter: -1})
		time.Sleep(160 * time.Millisecond)
		r := []energy.Reading{{Device: 3}, {Device: 0}, {Device: 2}, {Device: 1}}
		s.Read(r)
		// Ticks are at 175 (so 75), 100, 150 and 125 ms.
		assert.Equal(t, []float64{7.5, 10, 15, 12.5}, []float64{r[0].Joules, r[1].Joules, r[2].Joules, r[3].Joules})
	})
}

func TestPowerFollowsInFirstOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Ramp: 100 * time.Millisecond, Tail: 200 * time.Millisecond, Jitter: -1})
		start := time.Now()
		done := s.Busy()
		time.Sleep(50 * time.Millisecond)
		done()
		time.Sleep(time.Second)
		rise := 1 - math.Exp(-0.5)
		up := 700*0.05 - 600*0.1*rise
		down := 100*1 + 600*rise*0.2*(1-math.Exp(-5))
		assert.InDelta(t, up, s.TrueJoules(start, start.Add(50*time.Millisecond)), 1e-9)
		assert.InDelta(t, down, s.TrueJoules(start.Add(50*time.Millisecond), time.Now()), 1e-9)
	})
}

// The energy must be the integral of the power, whatever the load does.
func TestEnergyIsTheIntegralOfPower(t *testing.T) {
	check := func(seed uint64, pattern [6]uint8, noisy bool) bool {
		ok := true
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{Ramp: 30 * time.Millisecond, Tail: 80 * time.Millisecond, Seed: seed}
			if noisy {
				cfg.Noise = 0.1
			}
			s := New(cfg)
			d := s.sim.devices[0]
			start, sum := time.Now(), 0.0
			for _, p := range pattern {
				done := s.BusyLoad(float64(p%11) / 10)
				before := d.now
				const step = 50 * time.Microsecond
				for range int(p)*4 + 1 {
					t0 := int64(time.Since(start))
					a, b, c := d.watts(&before, t0), d.watts(&before, t0+int64(step)/2), d.watts(&before, t0+int64(step))
					sum += (a + 4*b + c) / 6 * step.Seconds() // Simpson's rule
					time.Sleep(step)
				}
				done()
			}
			ok = assert.InDelta(t, sum, s.TrueJoules(start, time.Now()), 1e-6)
		})
		return ok
	}
	require.NoError(t, quick.Check(check, &quick.Config{MaxCount: 40}))
}

func TestNoiseHasTheDeviationAskedFor(t *testing.T) {
	n := newNoise(0.05, 3)
	sum, squares := 0.0, 0.0
	const samples = 200000
	for i := range samples {
		v := n.at(float64(i) * 1e6)
		sum, squares = sum+v, squares+v*v
	}
	assert.InDelta(t, 0, sum/samples, 0.002)
	assert.InDelta(t, 0.05, math.Sqrt(squares/samples), 0.002)
}

// Noise is on the power that is drawn; it must not feed back into the ramp.
func TestNoiseDoesNotMoveTheMean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tau := 50 * time.Millisecond
		quiet, noisy := New(Config{Ramp: tau, Tail: tau}), New(Config{Ramp: tau, Tail: tau, Noise: 0.2})
		for range 20 {
			a, b := quiet.Busy(), noisy.Busy()
			time.Sleep(30 * time.Millisecond)
			a()
			b()
			time.Sleep(20 * time.Millisecond)
		}
		assert.Equal(t, quiet.sim.devices[0].now.start, noisy.sim.devices[0].now.start)
	})
}

func TestHostileConfigStaysWithinLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 1000, Idle: -1, Peak: -5, Noise: 7, Period: 1, Jitter: time.Hour, Missed: 2, Latency: -1, History: -1})
		assert.Len(t, s.Devices(), maxGPUs)
		s.Busy()
		for range 100 {
			time.Sleep(300 * time.Nanosecond)
			r := readOne(s)
			require.NoError(t, r.Err)
			require.Zero(t, r.Joules, "0 W at idle and at peak")
		}
	})
}

func TestGauge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Gauge: WithGauge, GaugePeriod: 20 * time.Millisecond, Jitter: -1})
		time.Sleep(10 * time.Millisecond)
		s.Busy()
		time.Sleep(5 * time.Millisecond)
		r := readOne(s)
		assert.True(t, r.HasJoules && r.HasWatts)
		assert.Equal(t, 100.0, r.Watts, "at the last refresh the device was idle")
		time.Sleep(5 * time.Millisecond)
		assert.Equal(t, 400.0, readOne(s).Watts, "half of the period")
		time.Sleep(20 * time.Millisecond)
		assert.Equal(t, 700.0, readOne(s).Watts)

		only := New(Config{Gauge: OnlyGauge})
		assert.Equal(t, energy.Gauge, only.Devices()[0].Method)
		r = readOne(only)
		assert.True(t, r.HasWatts && !r.HasJoules)
	})
}

func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 2, PowerLimit: 400, Jitter: -1})
		assert.Equal(t, 400.0, s.Devices()[0].PowerLimit)
		state := func() []energy.State {
			st := []energy.State{{Device: 1}, {Device: 0}}
			s.Inspect(st)
			return st
		}
		cold := state()[0]
		assert.InDelta(t, 36, cold.Celsius, 1e-9, "30 °C + 0.06 °C/W × 100 W")
		start := time.Now()
		done := s.Busy(1)
		more := s.BusyLoad(0.5, 1) // saturated: the time at the cap goes on
		time.Sleep(time.Minute)
		done()
		time.Sleep(time.Second) // 400 W is demanded: at the limit, not beyond it
		more()
		hot := state()
		assert.Equal(t, map[string]time.Duration{"power_cap": time.Minute}, hot[0].Throttled)
		assert.Equal(t, map[string]time.Duration{"power_cap": 0}, hot[1].Throttled)
		assert.InDelta(t, 54, hot[0].Celsius, 1, "30 °C + 0.06 °C/W × 400 W, after three time constants")
		assert.Equal(t, 400*61.0, s.TrueJoules(start, time.Now(), 1))
		assert.True(t, hot[0].At.Equal(time.Now()))
	})
}

// The temperature is a closed form: it must agree with small steps.
func TestTemperatureIsThatOfSmallSteps(t *testing.T) {
	for _, tau := range []time.Duration{0, time.Second, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Config{Ramp: tau, Jitter: -1})
			s.Busy()
			d, want := s.sim.devices[0], 36.0
			const step = time.Millisecond
			for i := range 30_000 {
				p := d.watts(&d.now, int64(step)*int64(i)+int64(step)/2)
				want += (ambient + perWatt*p - want) * float64(step) / thermalNS
			}
			assert.InDelta(t, want, d.celsius(&d.now, int64(30*time.Second)), 0.01, "time constant %v", tau)
		})
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Latency: 8 * time.Millisecond, Jitter: -1})
		time.Sleep(97 * time.Millisecond)
		r := readOne(s)
		assert.Equal(t, 8*time.Millisecond, r.After.Sub(r.Before))
		assert.Equal(t, 10.0, r.Joules, "taken half way, after the tick")
	})
}
