package simsource

import (
	"io/fs"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		want Config
		err  string
	}{
		{arg: ""},
		{arg: " , ;"},
		{arg: "gpus=2,idle=90,peak=700,period=100ms,seed=1", want: Config{GPUs: 2, Idle: 90, Peak: 700, Period: 100 * time.Millisecond, Seed: 1}},
		{arg: "gpus=2; name = H200 ;ramp=1ms;tail=2ms;noise=0.1;missed=0.2;history=7;latency=3ms",
			want: Config{GPUs: 2, Name: "H200", Ramp: 1e6, Tail: 2e6, Noise: 0.1, Missed: 0.2, History: 7, Latency: 3e6}},
		{arg: "jitter=0,idle=0,limit=0", want: Config{Jitter: -1, Idle: -1, PowerLimit: -1}},
		{arg: "gauge=only,gaugeperiod=5ms", want: Config{Gauge: OnlyGauge, GaugePeriod: 5e6}},
		{arg: "gpu=2", err: `unknown key "gpu": the keys are gpus, name, idle`},
		{arg: "gpus", err: `"gpus" has no value`},
		{arg: "gpus=", err: `"gpus=" has no value`},
		{arg: "gpus=0", err: "gpus=0: want a whole number from 1 to 64"},
		{arg: "gpus=65", err: "gpus=65: want a whole number from 1 to 64"},
		{arg: "idle=-3", err: "idle=-3: want watts"},
		{arg: "idle=NaN", err: "idle=NaN: want watts"},
		{arg: "peak=Inf", err: "peak=Inf: want watts"},
		{arg: "peak=50", err: "peak=50: want at least the idle power, 100 W"},
		{arg: "peak=0", err: "peak=0: want at least the idle power, 100 W"},
		{arg: "period=100", err: "period=100: want a duration"},
		{arg: "period=1ns", err: "period=1ns: want a duration from 1µs"},
		{arg: "period=2h", err: "period=2h: want a duration"},
		{arg: "noise=1", err: "noise=1: want a share from 0 to 0.3"},
		{arg: "gauge=maybe", err: "gauge=maybe: want one of none, with, only"},
		{arg: "seed=-1", err: "seed=-1: want a whole number"},
		{arg: "history=0", err: "history=0: want a whole number"},
	} {
		got, err := parse(tt.arg)
		if tt.err != "" {
			require.Error(t, err, tt.arg)
			assert.Contains(t, err.Error(), tt.err)
			continue
		}
		require.NoError(t, err, tt.arg)
		assert.Equal(t, tt.want, got, tt.arg)
	}
}

// Any argument that is accepted makes a simulation that works.
func FuzzParse(f *testing.F) {
	f.Add("gpus=2,idle=90,peak=700,period=100ms,seed=1")
	f.Add("noise=0.3;missed=0.9;jitter=1h;period=1us;tail=1h;ramp=1ns;gauge=with")
	f.Add("idle=1e6,peak=1000000.0,limit=1e-300")
	f.Fuzz(func(t *testing.T, arg string) {
		cfg, err := parse(arg)
		if err != nil {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			cfg.History = 10
			s := New(cfg)
			start := time.Now()
			done := s.Busy()
			time.Sleep(123 * time.Millisecond)
			done()
			time.Sleep(345 * time.Millisecond)
			if j := s.TrueJoules(start, time.Now()); !(j >= 0) || math.IsInf(j, 0) {
				t.Errorf("%v used %v J", cfg, j)
			}
			r := readOne(s)
			if r.Err != nil || !(r.Joules >= 0) || math.IsInf(r.Joules, 0) || !(r.Watts >= 0) {
				t.Errorf("%v reads %+v", cfg, r)
			}
		})
	})
}

func TestSelect(t *testing.T) {
	s := New(Config{GPUs: 12, Seed: 0xabc})
	for _, tt := range []struct {
		selectors []string
		want      []int
	}{
		{nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{[]string{"3"}, []int{3}},
		{[]string{" 11", "2", "11"}, []int{11, 2}},
		{[]string{s.Devices()[7].UUID}, []int{7}},
		{[]string{"SIM-00000abc-0000-0000-0000-00000000000" + "4"}, []int{4}},
	} {
		got, err := s.Select(tt.selectors...)
		require.NoError(t, err)
		var index []int
		for _, d := range got.Devices() {
			index = append(index, d.Index)
		}
		assert.Equal(t, tt.want, index)
	}
	for _, bad := range []string{"12", "-1", "GPU-1", "SIM-", "SIM-00000abc-0000-0000-0000-00000000001"} {
		_, err := s.Select(bad)
		require.ErrorIs(t, err, energy.ErrNoDevice, bad)
		assert.Contains(t, err.Error(), "11 (SIM-00000abc-0000-0000-0000-000000000011)")
	}
	prefix, err := New(Config{}).Select("SIM-0")
	require.NoError(t, err, "a prefix that only one device has")
	assert.Len(t, prefix.Devices(), 1)
}

func TestSelectedSourceSharesTheSimulation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 3, Jitter: -1})
		part, err := s.Select("2", "0")
		require.NoError(t, err)
		start := time.Now()
		part.Busy(0) // device 2
		time.Sleep(time.Second)
		assert.Equal(t, 700.0, s.TrueJoules(start, time.Now(), 2))
		assert.Equal(t, 800.0, part.TrueJoules(start, time.Now()))
		require.NoError(t, part.Close())
		require.NoError(t, part.Close())
		require.ErrorIs(t, readOne(part).Err, fs.ErrClosed)
		require.NoError(t, readOne(s).Err)
	})
}

func TestInfo(t *testing.T) {
	assert.Equal(t, energy.Info{Name: "simulated", Simulated: true, Period: 100 * time.Millisecond}, New(Config{}).Info())
	assert.Equal(t, 20*time.Millisecond, New(Config{Gauge: OnlyGauge, GaugePeriod: 20 * time.Millisecond}).Info().Period)
	assert.Equal(t, energy.Device{
		UUID: "SIM-00000000-0000-0000-0000-000000000000", Name: "Simulated GPU", PowerLimit: 700,
		Method: energy.Counter, Metric: "simulated energy counter", Resolution: 0.001,
	}, New(Config{}).Devices()[0])
	assert.Zero(t, New(Config{PowerLimit: -1}).Devices()[0].PowerLimit)
}

func forgetDefault(t *testing.T) {
	process.source = nil
	t.Cleanup(func() { process.source = nil })
}

func TestOpenAndDefaultShareTheSimulation(t *testing.T) {
	forgetDefault(t)
	synctest.Test(t, func(t *testing.T) {
		a, err := energy.Open("sim", "gpus=2,jitter=0", nil)
		require.NoError(t, err)
		done := Busy(1)
		defer done()
		start := time.Now()
		time.Sleep(time.Second)
		b, err := energy.Open("sim", "gpus=2,jitter=0", []string{"1"})
		require.NoError(t, err)
		assert.Equal(t, 665.0, readOne(b).Joules, "700 W until its last tick, at 950 ms")
		assert.Equal(t, 800.0, Default().TrueJoules(start, time.Now()))
		require.NoError(t, a.Close())
		require.NoError(t, readOne(Default()).Err, "closing what was opened leaves the default open")

		c, err := energy.Open("sim", "gpus=3", nil)
		require.NoError(t, err)
		assert.Len(t, c.Devices(), 3)
		assert.Len(t, Default().Devices(), 3, "another configuration replaces the simulation")

		_, err = energy.Open("sim", "gpus=3", []string{"5"})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		_, err = energy.Open("sim", "gpus=x", nil)
		require.ErrorContains(t, err, "gpus=x")
	})
}

func TestOpenStartsAfreshOnAnotherClock(t *testing.T) {
	forgetDefault(t)
	clocks := func(t *testing.T) {
		s, err := energy.Open("sim", "jitter=0", nil)
		require.NoError(t, err)
		assert.Zero(t, readOne(s).Joules)
		time.Sleep(100 * time.Millisecond)
		assert.Equal(t, 10.0, readOne(s).Joules)
	}
	synctest.Test(t, clocks)
	synctest.Test(t, clocks)
	s, err := energy.Open("sim", "jitter=0", nil)
	require.NoError(t, err)
	assert.Zero(t, readOne(s).Joules, "the real clock, after a fake one")
	synctest.Test(t, clocks)
}

func TestDefaultFollowsTheEnvironment(t *testing.T) {
	for value, gpus := range map[string]int{"sim=gpus=5": 5, "sim": 1, "nvml": 1, "sim=gpus=none": 1, "": 1} {
		forgetDefault(t)
		t.Setenv("POWERTEST_SOURCE", value)
		BusyLoad(0.5)()
		assert.Len(t, Default().Devices(), gpus, "POWERTEST_SOURCE=%s", value)
	}
}
