package dcgmtest

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/simsource"
)

// The energy of a page is the true one as of the driver's last tick before the
// last collection, to the millijoule.
func TestEnergyIsTheTruthOfATick(t *testing.T) {
	for name, cfg := range map[string]Config{
		"default":   {Only: true},
		"1s":        {Only: true, Collect: time.Second, Jitter: 300 * time.Millisecond},
		"immediate": {Only: true, Collect: time.Second, Refresh: -1, Base: -1},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { followTruth(t, cfg) }) })
	}
}

func followTruth(t *testing.T, cfg Config) {
	sim := simsource.New(simsource.Config{GPUs: 3, Ramp: 30 * time.Millisecond, Tail: 200 * time.Millisecond, Noise: 0.1})
	time.Sleep(4321 * time.Microsecond)
	cfg.Source = sim
	e, start := New(cfg), time.Now()
	full := cfg.withDefaults()
	for i := range 300 {
		if i%3 == 0 {
			defer sim.BusyLoad(0.02, i%2)()
		}
		time.Sleep(357 * time.Millisecond)
		t1 := time.Now()
		collected := e.Collected(t1)
		assert.Less(t, t1.Sub(collected), full.Collect+2*full.Jitter)
		for gpu, millis := range now(t, e).millis() {
			shown := e.Shown(gpu, t1)
			assert.Less(t, collected.Sub(shown), max(full.Refresh, 1))
			truth := full.Base + sim.TrueJoules(start, shown, gpu)
			assert.InDelta(t, math.Floor(truth*1e3), millis, 1)
		}
	}
}

// The interval is what it is said to be, and neither jitter nor the time of day
// of a request moves it.
func TestCollectionsAreRegular(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const phase, jitter = 7 * time.Second, 100 * time.Millisecond
		e, start := New(Config{Phase: phase, Jitter: jitter}), time.Now()
		assert.Equal(t, start, e.Collected(start))
		time.Sleep(phase - jitter - 1)
		assert.Equal(t, start, e.Collected(time.Now()), "before the first")
		for k := range 50 {
			time.Sleep(time.Until(start.Add(phase + time.Duration(k)*30*time.Second + 5*time.Second)))
			off := e.Collected(time.Now()).Sub(start) - phase - time.Duration(k)*30*time.Second
			assert.LessOrEqual(t, off.Abs(), jitter)
			assert.NotZero(t, off)
		}
	})
}

func TestPhasesAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quarters := map[int]int{}
		for _, host := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN" {
			e := New(Config{Hostname: string(host)})
			quarters[int(4*e.grid.phase/e.cfg.Collect)]++
		}
		for quarter := range 4 {
			assert.Greater(t, quarters[quarter], 3)
		}
	})
}

func TestPowerIsThatOfTheLastRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2})
		e := New(Config{Source: sim, Collect: time.Second, Phase: time.Second, Jitter: -1})
		assert.Equal(t, []float64{100, 100}, now(t, e).values(powerName))
		time.Sleep(500 * time.Millisecond)
		done := sim.Busy(1)
		time.Sleep(600 * time.Millisecond)
		done()
		assert.Equal(t, []float64{100, 700}, now(t, e).values(powerName))
		time.Sleep(time.Second)
		assert.Equal(t, []float64{100, 100}, now(t, e).values(powerName))
	})
}
