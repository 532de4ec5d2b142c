package simsource

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/quick"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestTicksAreBoundedAndOrdered(t *testing.T) {
	check := func(seed uint64, jitter uint8, missed uint8) bool {
		const period = 100 * time.Millisecond
		cfg := Config{Jitter: time.Duration(jitter) * time.Millisecond, Missed: float64(missed) / 255}.withDefaults()
		tk := newTicks(12345, period, cfg.Jitter, cfg.Missed, seed)
		previous := int64(-1)
		for k := range int64(300) {
			at, regular := tk.at(k), 12345+k*int64(period)
			if at < regular-tk.jitter || at > regular+tk.jitter || at <= previous {
				return false
			}
			if shows := tk.last(at) == k; shows != tk.shown(k) {
				return false
			}
			if tk.last(at-1) >= k {
				return false
			}
			previous = at
		}
		return true
	}
	require.NoError(t, quick.Check(check, nil))
}

func TestJitterAndMissedTicksHaveTheSizeAskedFor(t *testing.T) {
	tk := newTicks(0, 100*time.Millisecond, 10*time.Millisecond, 0.25, 9)
	const n = 20000
	sum, squares, missed := 0.0, 0.0, 0
	for k := range int64(n) {
		x := float64(tk.at(k)-k*tk.period) / 1e6
		sum, squares = sum+x, squares+x*x
		if !tk.shown(k) {
			missed++
		}
	}
	assert.InDelta(t, 0, sum/n, 0.2)
	assert.InDelta(t, 10/math.Sqrt(3), math.Sqrt(squares/n), 0.1, "uniform over ±10 ms")
	assert.InDelta(t, 0.25, float64(missed)/n, 0.02)
}

func TestMissedTickShowsAtTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Missed: 0.5, Jitter: -1, Seed: 4})
		tk := s.sim.devices[0].counter
		for k := range int64(100) {
			if tk.shown(k) {
				assert.Equal(t, float64(k)*10, readOne(s).Joules)
			} else {
				assert.Less(t, readOne(s).Joules, float64(k)*10)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestSetPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Period: 50 * time.Millisecond, Jitter: 20 * time.Millisecond})
		time.Sleep(130 * time.Millisecond)
		s.SetPeriod(20 * time.Millisecond)
		was := readOne(s).Joules
		assert.InDelta(t, 10, was, 2, "the tick at 100 ± 20 ms is not lost, and none comes early")
		time.Sleep(20 * time.Millisecond)
		assert.Equal(t, 15.0, readOne(s).Joules, "100 W × 150 ms")
		for range 50 {
			time.Sleep(40 * time.Millisecond)
			now := readOne(s).Joules
			assert.Greater(t, now, was)
			was = now
		}
		assert.Equal(t, 50*time.Millisecond, s.Info().Period)
	})
}

// Whatever the load does, the counter never falls, never runs ahead of the
// truth, and lags behind it by no more than the energy since its last tick.
func playPattern(t *testing.T, seed uint64, pattern []byte) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{
			Ramp: 7 * time.Millisecond, Tail: 31 * time.Millisecond, Noise: 0.2,
			Period: 20 * time.Millisecond, Jitter: 3 * time.Millisecond, Missed: 0.1, Seed: seed,
		})
		start, previous := time.Now(), 0.0
		var open []func()
		for _, b := range pattern {
			switch b % 4 {
			case 0:
				open = append(open, s.Busy())
			case 1:
				open = append(open, s.BusyLoad(float64(b)/255))
			case 2:
				if n := len(open); n > 0 {
					open[n-1]()
					open = open[:n-1]
				}
			}
			time.Sleep(time.Duration(b) * 317 * time.Microsecond)
			now := time.Now()
			r, truth := readOne(s), s.TrueJoules(start, now)
			k := s.sim.devices[0].ticked
			lag := s.TrueJoules(start.Add(time.Duration(s.sim.devices[0].counter.at(k))), now)
			require.GreaterOrEqual(t, r.Joules, previous)
			require.LessOrEqual(t, r.Joules, truth+1e-6)
			require.InDelta(t, truth-lag, r.Joules, 0.001+1e-6)
			previous = r.Joules
		}
	})
}

func TestCounterFollowsTheTruth(t *testing.T) {
	require.NoError(t, quick.Check(func(seed uint64, pattern []byte) bool {
		playPattern(t, seed, pattern)
		return !t.Failed()
	}, nil))
}

func FuzzCounterFollowsTheTruth(f *testing.F) {
	f.Add(uint64(0), []byte{0, 255, 2, 17, 1, 1, 2, 2, 2, 3})
	f.Fuzz(func(t *testing.T, seed uint64, pattern []byte) {
		playPattern(t, seed, pattern[:min(len(pattern), 500)])
	})
}

func TestLoadsAddUpAndSaturate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 2, Jitter: -1})
		watts := func(device int) float64 {
			start := time.Now()
			time.Sleep(time.Second)
			return s.TrueJoules(start, time.Now(), device)
		}
		a := s.BusyLoad(0.1)
		b := s.BusyLoad(0.2, 1)
		assert.Equal(t, 160.0, watts(0))
		assert.InDelta(t, 280, watts(1), 1e-9)
		c := s.Busy(1)
		assert.Equal(t, 700.0, watts(1))
		c()
		b()
		c() // a second call must not end what took its place
		assert.Equal(t, 160.0, watts(1))
		d := s.Busy()
		c()
		b()
		assert.Equal(t, 700.0, watts(0))
		d()
		a()
		assert.Equal(t, 100.0, watts(0), "loads in tenths come back to zero exactly")
		assert.Panics(t, func() { s.Busy(2) })
		assert.Panics(t, func() { s.BusyLoad(math.NaN()) })
		assert.Panics(t, func() { s.BusyLoad(1.01) })
	})
}

func TestManyGoroutines(t *testing.T) {
	s := New(Config{GPUs: 3, Noise: 0.1, Ramp: time.Millisecond, Tail: time.Millisecond, Period: time.Millisecond})
	start := time.Now()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := make([]energy.Reading, 1)
			for i := range 2000 {
				done := s.Busy((g + i) % 3)
				r[0].Device = i % 3
				s.Read(r)
				s.TrueJoules(start, r[0].After)
				done()
			}
		})
	}
	wg.Wait()
	for _, d := range s.sim.devices {
		assert.Zero(t, d.load)
	}
	assert.LessOrEqual(t, len(s.sim.loads.slots), 8)
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{History: 1000, Jitter: -1})
		churn := func(n int) {
			for range n {
				done := s.Busy()
				time.Sleep(time.Microsecond)
				done()
				time.Sleep(time.Microsecond)
			}
		}
		start := time.Now()
		churn(1000)
		heap := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		churn(100_000)
		assert.Less(t, int64(heap()-before), int64(256<<10))

		assert.True(t, math.IsNaN(s.TrueJoules(start, time.Now())), "forgotten is not zero")
		recent := time.Now().Add(-998 * time.Microsecond)
		assert.InDelta(t, 400*998e-6, s.TrueJoules(recent, time.Now()), 1e-9, "the last 1000 changes are exact")
		assert.InDelta(t, 400*0.202, s.sim.devices[0].now.energy/1e9, 1e-3, "what is forgotten is still counted")
	})
}

func TestTrueJoulesKnowsNeitherFutureNorPrehistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{GPUs: 2})
		start := time.Now()
		time.Sleep(time.Second)
		end := time.Now()
		assert.Equal(t, 200.0, s.TrueJoules(start, end))
		assert.Equal(t, 100.0, s.TrueJoules(start, end, 1))
		assert.Zero(t, s.TrueJoules(end, end))
		assert.True(t, math.IsNaN(s.TrueJoules(start, end.Add(1))))
		assert.True(t, math.IsNaN(s.TrueJoules(start.Add(-1), end)))
		assert.True(t, math.IsNaN(s.TrueJoules(end, start)))
	})
}

func TestNothingAllocates(t *testing.T) {
	s := New(Config{GPUs: 2, Noise: 0.1, Ramp: time.Millisecond, Tail: time.Millisecond, Gauge: WithGauge, Period: time.Microsecond, History: 100})
	r := []energy.Reading{{Device: 0}, {Device: 1}, {Device: 7}}
	for range 200 {
		s.Busy()()
	}
	assert.Zero(t, testing.AllocsPerRun(1000, func() { s.Read(r) }))
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { s.Busy(1)() }), 1.0, "the closure")
	require.ErrorIs(t, r[2].Err, energy.ErrNoDevice)
	require.NoError(t, s.Close())
	assert.Zero(t, testing.AllocsPerRun(1000, func() { s.Read(r) }))
}

func BenchmarkRead(b *testing.B) {
	s := New(Config{Noise: 0.1, Ramp: time.Millisecond, Tail: time.Millisecond, Gauge: WithGauge, Missed: 0.1})
	r := make([]energy.Reading, 1)
	b.ReportAllocs()
	for b.Loop() {
		s.Read(r)
	}
}

func BenchmarkBusy(b *testing.B) {
	s := New(Config{Noise: 0.1, Ramp: time.Millisecond, Tail: time.Millisecond})
	b.ReportAllocs()
	for b.Loop() {
		s.Busy()()
	}
}
