package energytest_test

import (
	"io"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watt is a counter that shows the elapsed seconds in joules, every 100 ms.
func watt() *energytest.Fake { return &energytest.Fake{Joules: energytest.Steady(1)} }

func read(src energy.Source, device int) energy.Reading {
	r := []energy.Reading{{Device: device}}
	src.Read(r)
	return r[0]
}

// joules reads n times, at 50, 150, 250 ms ..., so that a watt shows 0, 0.1, 0.2 J ...
func joules(src energy.Source, n int) []float64 {
	src.Devices()
	time.Sleep(50 * time.Millisecond)
	var out []float64
	for range n {
		r := read(src, 0)
		if !r.HasJoules {
			out = append(out, math.Inf(-1))
		} else {
			out = append(out, math.Round(r.Joules*1e6)/1e6)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return out
}

func TestValueFaults(t *testing.T) {
	absent := math.Inf(-1)
	for _, tt := range []struct {
		name string
		wrap func(energy.Source) energy.Source
		want []float64
	}{
		{"none", func(s energy.Source) energy.Source { return s }, []float64{0, .1, .2, .3, .4, .5}},
		{"reset", func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 4) }, []float64{0, .1, .2, 0, .1, .2}},
		{"reset twice", func(s energy.Source) energy.Source { return energytest.Reset(energytest.Reset(s, 0, 3), 0, 5) }, []float64{0, .1, 0, .1, 0, .1}},
		{"reset underneath", func(s energy.Source) energy.Source { return energytest.Reset(energytest.Reset(s, 0, 5), 0, 3) }, []float64{0, .1, 0, .1, 0, 0}},
		{"reset of another", func(s energy.Source) energy.Source { return energytest.Reset(s, 1, 2) }, []float64{0, .1, .2, .3, .4, .5}},
		{"backwards", func(s energy.Source) energy.Source { return energytest.Backwards(s, 0, 5) }, []float64{0, .1, .2, .3, .15, .5}},
		{"freeze", func(s energy.Source) energy.Source { return energytest.Freeze(s, 3) }, []float64{0, .1, .2, .2, .2, .2}},
		{"skip", func(s energy.Source) energy.Source { return energytest.SkipTicks(s, 2) }, []float64{0, .1, .1, .3, .3, .5}},
		{"skip every third", func(s energy.Source) energy.Source { return energytest.SkipTicks(s, 3) }, []float64{0, .1, .2, .2, .4, .5}},
		{"period", func(s energy.Source) energy.Source { return energytest.Period(s, 2, 200*time.Millisecond) }, []float64{0, .1, .1, .3, .3, .5}},
		{"replace", func(s energy.Source) energy.Source { return energytest.Replace(s, 0, 2, 2, -7) }, []float64{0, -7, -7, .3, .4, .5}},
		{"lose", func(s energy.Source) energy.Source { return energytest.Lose(s, 0, 5) }, []float64{0, .1, .2, .3, absent, absent}},
		{"error", func(s energy.Source) energy.Source { return energytest.Error(s, 0, 2, 2, io.EOF) }, []float64{0, absent, absent, .3, .4, .5}},
		{"reset of the frozen", func(s energy.Source) energy.Source { return energytest.Reset(energytest.Freeze(s, 2), 0, 4) }, []float64{0, .1, .1, 0, 0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			assert.Equal(t, tt.want, joules(tt.wrap(watt()), len(tt.want)), tt.name)
		})
	}
}

func TestFaultsFallOnTheirDeviceAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := energytest.Lose(energytest.Error(simsource.New(simsource.Config{GPUs: 3}), 1, 2, 1, io.EOF), 2, 3)
		for n := 1; n <= 4; n++ {
			r := []energy.Reading{{Device: 2}, {Device: 9}, {Device: 1}, {Device: 0}}
			src.Read(r)
			require.NoError(t, r[3].Err)
			require.ErrorIs(t, r[1].Err, energy.ErrNoDevice)
			assert.Equal(t, n == 2, r[2].Err == io.EOF, "device 1, reading %d", n)
			if n >= 3 {
				require.ErrorIs(t, r[0].Err, energy.ErrDeviceLost)
				assert.False(t, r[0].HasJoules)
				assert.False(t, r[0].Before.IsZero())
			} else {
				require.NoError(t, r[0].Err)
			}
		}
	})
}

func TestTimeFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		width := func(src energy.Source) time.Duration {
			start := time.Now()
			r := read(src, 0)
			require.Equal(t, start, r.Before)
			require.Equal(t, time.Now(), r.After)
			return r.After.Sub(r.Before)
		}
		stall := energytest.Stall(watt(), 2, time.Second)
		assert.Zero(t, width(stall))
		assert.Equal(t, time.Second, width(stall))
		assert.Zero(t, width(stall))

		late := energytest.LateBy(watt(), func(call int) time.Duration { return time.Duration(call-2) * time.Second })
		assert.Zero(t, width(late))
		assert.Zero(t, width(late))
		assert.Equal(t, time.Second, width(late))
		assert.Equal(t, 5*time.Second, width(energytest.Late(energytest.Stall(watt(), 1, 3*time.Second), 2*time.Second)))

		fresh := watt()
		fresh.Devices()
		assert.Equal(t, 1.0, read(energytest.Stall(fresh, 1, time.Second), 0).Joules, "the value is taken after a stall")
		fresh = watt()
		fresh.Devices()
		assert.Zero(t, read(energytest.Late(fresh, time.Second), 0).Joules, "the value is taken before a late return")
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, release := energytest.Hang(watt(), 2)
		read(src, 0)
		returned := false
		go func() {
			read(src, 0)
			returned = true
		}()
		time.Sleep(time.Hour)
		assert.False(t, returned)
		require.NoError(t, src.Close())
		synctest.Wait()
		assert.False(t, returned, "closing does not end a hung call")
		release()
		release()
		synctest.Wait()
		assert.True(t, returned)
		read(src, 0)
	})
}

func TestInjectorsPassOnWhatTheyWrap(t *testing.T) {
	pile := func(src energy.Source) energy.Source {
		src = energytest.Late(energytest.Reset(energytest.Lose(src, 0, 99), 0, 99), time.Microsecond)
		src, _ = energytest.Hang(energytest.SkipTicks(energytest.Period(src, 99, time.Second), 2), 1_000_000)
		return energytest.Backwards(energytest.Freeze(energytest.Stall(src, 99, time.Second), 99), 0, 99)
	}
	sim := pile(simsource.New(simsource.Config{GPUs: 2}))
	ins, ok := sim.(energy.Inspector)
	require.True(t, ok)
	st := []energy.State{{Device: 1}}
	ins.Inspect(st)
	assert.True(t, st[0].HasCelsius)
	assert.Equal(t, "simulated", sim.Info().Name)
	assert.Len(t, sim.Devices(), 2)

	_, ok = pile(watt()).(energy.Inspector)
	assert.False(t, ok, "a source that does not inspect must not look as if it did")

	r := []energy.Reading{{Device: 0}, {Device: 1}}
	assert.Zero(t, testing.AllocsPerRun(50, func() { sim.Read(r) }))
	require.NoError(t, sim.Close())
	require.Error(t, read(sim, 0).Err)
}

func TestInjectorsAreSafeForConcurrentUse(t *testing.T) {
	src := energy.Source(simsource.New(simsource.Config{GPUs: 2, Period: time.Microsecond}))
	for _, f := range []func(energy.Source) energy.Source{
		func(s energy.Source) energy.Source { return energytest.Stall(s, 3, time.Microsecond) },
		func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 3) },
		func(s energy.Source) energy.Source { return energytest.Backwards(s, 0, 5) },
		func(s energy.Source) energy.Source { return energytest.Replace(s, 1, 2, 2, -1) },
		func(s energy.Source) energy.Source { return energytest.Error(s, 1, 9, 2, io.EOF) },
		func(s energy.Source) energy.Source { return energytest.SkipTicks(s, 2) },
		func(s energy.Source) energy.Source { return energytest.Period(s, 4, time.Microsecond) },
		func(s energy.Source) energy.Source { return energytest.Lose(s, 1, 100) },
		func(s energy.Source) energy.Source { return energytest.Freeze(s, 150) },
	} {
		src = f(src)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				src.Read([]energy.Reading{{Device: 0}, {Device: 1}})
			}
		})
	}
	wg.Wait()
	require.ErrorIs(t, read(src, 1).Err, energy.ErrDeviceLost)
}

func TestFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &energytest.Fake{
			Joules: func(e time.Duration) float64 { return e.Seconds() * e.Seconds() },
			Watts:  func(e time.Duration) float64 { return 2 * e.Seconds() },
			Period: time.Second, UUID: "A",
		}
		assert.Equal(t, energy.Info{Name: "fake", Simulated: true, Period: time.Second}, f.Info())
		assert.Equal(t, "A", f.Devices()[0].UUID)
		time.Sleep(3900 * time.Millisecond)
		r := read(f, 0)
		assert.True(t, r.HasJoules && r.HasWatts)
		assert.Equal(t, []float64{9, 6}, []float64{r.Joules, r.Watts})
		require.ErrorIs(t, read(f, 1).Err, energy.ErrNoDevice)
		assert.Equal(t, 2, f.Reads())

		gauge := &energytest.Fake{Watts: func(time.Duration) float64 { return 5 }}
		assert.Equal(t, energy.Gauge, gauge.Devices()[0].Method)
		assert.False(t, read(gauge, 0).HasJoules)

		begun := &energytest.Fake{Start: time.Now().Add(-time.Minute)}
		assert.Equal(t, 60.0, read(begun, 0).Joules, "1 W for a minute")
	})
}
