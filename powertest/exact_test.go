package powertest

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

// exact runs a benchmark on a fake clock, on which everything that should be
// exact is. The simulated device is idle at 100 W and busy at 700 W.
func exact(t *testing.T, opts []Option, body func(b *B, sim *simsource.Source)) (r testing.BenchmarkResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		defer sim.Close()
		r = testing.Benchmark(func(tb *testing.B) {
			body(Wrap(tb, append([]Option{From(sim)}, opts...)...), sim)
		})
		time.Sleep(time.Minute) // for goroutines that outlive the benchmark
	})
	return r
}

// work1ms is an operation of 1 ms, and so of 0.7 J.
func work1ms(sim *simsource.Source) {
	done := sim.Busy()
	time.Sleep(time.Millisecond)
	done()
}

// requireNear requires a metric to be the true one, as closely as the result
// itself says that its joules are.
func requireNear(t *testing.T, want float64, r testing.BenchmarkResult, unit string) {
	t.Helper()
	percent := r.Extra["err-%"]
	assert.Less(t, percent, 5.0, "err-%%")
	assert.InEpsilon(t, want, r.Extra[unit], 0.002+1.2*percent/100, "%s, err-%% = %v", unit, percent)
}

func TestExactLoop(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			work1ms(sim)
			b.AddTokens(50, 10)
		}
	})
	assert.Equal(t, int64(time.Millisecond), r.NsPerOp(), "ns/op on a fake clock")
	requireNear(t, 0.7, r, "J/op")
	requireNear(t, 700, r, "W")
	requireNear(t, 0.07, r, "J/token")
	requireNear(t, 1/0.07, r, "tokens/J")
	assert.InEpsilon(t, 10_000, r.Extra["tokens/s"], 1e-9)
}

// TestExactN is the same for loops over b.N. Its timer runs on during Wrap's
// preparation of some 200 ms unless Wrap stops it.
func TestExactN(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for range b.N {
			work1ms(sim)
		}
	})
	assert.Equal(t, int64(time.Millisecond), r.NsPerOp(), "preparation is in ns/op")
	requireNear(t, 0.7, r, "J/op")
}

// TestTimerStaysOff: Wrap leaves a timer that is stopped stopped.
func TestTimerStaysOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		r := testing.Benchmark(func(tb *testing.B) {
			tb.StopTimer()
			time.Sleep(10 * time.Millisecond)
			b := Wrap(tb, From(sim))
			time.Sleep(time.Second)
			require.Zero(t, b.Elapsed(), "the timer is on after Wrap")
			b.StartTimer()
			for range b.N {
				work1ms(sim)
			}
		})
		assert.Equal(t, int64(time.Millisecond), r.NsPerOp())
		requireNear(t, 0.7, r, "J/op")
	})
}

// TestPausesAreNotMeasured: what runs while the timer is stopped is in neither.
func TestPausesAreNotMeasured(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			for range 500 {
				work1ms(sim)
			}
			b.StopTimer()
			time.Sleep(time.Second)
			b.StartTimer()
		}
	})
	assert.Equal(t, int64(500*time.Millisecond), r.NsPerOp())
	requireNear(t, 350, r, "J/op")
}

// TestResetForgets: energy and work before ResetTimer are both forgotten.
func TestResetForgets(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for range 100 {
			work1ms(sim)
			b.AddTokens(1000, 1000)
			b.AddRequests(7)
		}
		b.ResetTimer()
		for range b.N {
			work1ms(sim)
			b.AddTokens(50, 10)
			b.AddRequests(1)
		}
	})
	requireNear(t, 0.7, r, "J/op")
	requireNear(t, 0.7, r, "J/req")
	requireNear(t, 0.07, r, "J/token")
	assert.NotContains(t, r.Extra, "J/user", "no concurrency was set")
}

func TestNet(t *testing.T) {
	r := exact(t, []Option{Net()}, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			work1ms(sim)
		}
	})
	assert.InEpsilon(t, 100, r.Extra["idle-W"], 0.03)
	requireNear(t, 0.6, r, "net-J/op")
	requireNear(t, 0.7, r, "J/op")
	assert.Greater(t, r.Extra["net-err-%"], r.Extra["err-%"], "of less energy, and with the error of idle power")
	assert.Less(t, r.Extra["net-err-%"], 5.0)
}

// TestNetOfEachCount: what is before a later count is the load of the one before.
func TestNetOfEachCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		for range 3 {
			r := testing.Benchmark(func(tb *testing.B) {
				for b := Wrap(tb, From(sim), Net()); b.Loop(); {
					work1ms(sim)
				}
			})
			assert.InEpsilon(t, 100, r.Extra["idle-W"], 0.03)
			requireNear(t, 0.6, r, "net-J/op")
		}
		time.Sleep(time.Minute)
	})
}

// TestNetIsAsked: without Net, idle power is not reported.
func TestNetIsAsked(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			work1ms(sim)
		}
	})
	assert.NotContains(t, r.Extra, "idle-W")
	assert.NotContains(t, r.Extra, "net-J/op")
}

// TestDevices: the energy of the devices that are asked for, and of no other.
func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 3, Jitter: -1})
		measure := func(sel ...string) map[string]float64 {
			return testing.Benchmark(func(tb *testing.B) {
				b := Wrap(tb, From(sim), Devices(sel...))
				done := sim.Busy(1)
				defer done()
				for b.Loop() {
					time.Sleep(time.Millisecond)
				}
			}).Extra
		}
		assert.InEpsilon(t, 700, measure("1")["W"], 0.01)
		assert.InEpsilon(t, 200, measure("2", "0")["W"], 0.01)
		assert.InEpsilon(t, 700, measure(sim.Devices()[1].UUID)["W"], 0.01)
		assert.InEpsilon(t, 900, measure()["W"], 0.01)
		assert.NotContains(t, measure("7"), "W", "there is no device 7")
	})
}

// TestWrapTwice: a second Wrap is the first.
func TestWrapTwice(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		require.Same(t, b, Wrap(b.B))
		for b.Loop() {
			work1ms(sim)
		}
	})
	requireNear(t, 0.7, r, "J/op")
}

// TestShortRoundsAreNotSettledFor: only the reported round of a loop over b.N
// waits for the ticks after its end.
func TestShortRoundsAreNotSettledFor(t *testing.T) {
	var rounds []time.Duration
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		testing.Benchmark(func(tb *testing.B) {
			var end time.Time
			tb.Cleanup(func() { rounds = append(rounds, time.Since(end)) })
			b := Wrap(tb, From(sim))
			for range b.N {
				work1ms(sim)
			}
			end = time.Now()
		})
	})
	require.Greater(t, len(rounds), 2)
	for _, d := range rounds[:len(rounds)-1] {
		assert.Zero(t, d, "a round that is not reported waited")
	}
	assert.NotZero(t, rounds[len(rounds)-1], "the reported round did not wait for a tick")
}

// faulty changes the readings of another source.
type faulty struct {
	energy.Source
	change func(r *energy.Reading)
}

func (f *faulty) Read(dst []energy.Reading) {
	f.Source.Read(dst)
	for i := range dst {
		f.change(&dst[i])
	}
}

// TestFaultsAreWithheld: a counter that resets, stands still or fails is reported
// as no number, and tokens/s, which do not need it, stay.
func TestFaultsAreWithheld(t *testing.T) {
	var begin time.Time
	faults := map[string]func(*energy.Reading){
		"reset": func(r *energy.Reading) {
			if time.Since(begin) > time.Second {
				r.Joules /= 1000
			}
		},
		"stale":  func(r *energy.Reading) { r.Joules = math.Min(r.Joules, 250) },
		"frozen": func(r *energy.Reading) { r.Joules = 0 },
		"lost": func(r *energy.Reading) {
			if time.Since(begin) > time.Second {
				*r = energy.Reading{Device: r.Device, Before: r.Before, After: r.After, Err: energy.ErrDeviceLost}
			}
		},
	}
	for name, change := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin = time.Now()
				sim := simsource.New(simsource.Config{Jitter: -1})
				r := testing.Benchmark(func(tb *testing.B) {
					b := Wrap(tb, From(&faulty{sim, change}))
					for b.Loop() {
						work1ms(sim)
						b.AddTokens(0, 10)
					}
				})
				assert.Equal(t, []string{"tokens/s"}, unitsOf(r), "reported in spite of the fault")
			})
		})
	}
}

func unitsOf(r testing.BenchmarkResult) []string {
	var list []string
	for unit := range r.Extra {
		list = append(list, unit)
	}
	return list
}

// TestPhases: a phase is the union of its uses, and ends with the benchmark.
func TestPhases(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			end1 := b.Phase("prefill")
			end2 := b.Phase("prefill")
			for range 300 {
				work1ms(sim)
			}
			end1()
			end1() // of no effect: the other use goes on
			for range 200 {
				work1ms(sim)
			}
			end2()
			b.Phase("idle") // never ended
			time.Sleep(500 * time.Millisecond)
		}
	})
	n := float64(r.N)
	require.Equal(t, 1.0, n)
	requireNear(t, 350, r, "prefill-J/op")
	assert.InEpsilon(t, 50, r.Extra["idle-J/op"], 0.02)
	requireNear(t, 400, r, "J/op")
}

// TestPhaseNames: a name that cannot be a unit is left out, not a panic.
func TestPhaseNames(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for b.Loop() {
			for _, name := range []string{"", "two words", "net"} {
				end := b.Phase(name)
				work1ms(sim)
				end()
			}
		}
	})
	assert.ElementsMatch(t, []string{"J/op", "W", "err-%"}, unitsOf(r))
}

// TestPhasesFromGoroutines is for the race detector too: phases and work from
// many goroutines, some later than the benchmark.
func TestPhasesFromGoroutines(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				end := b.Phase("all")
				work1ms(sim)
				b.AddTokens(1, 1)
				end()
			}
		})
		go func() {
			time.Sleep(10 * time.Second)
			b.Phase("late")()
			b.AddTokens(1, 1)
		}()
	})
	requireNear(t, r.Extra["J/op"], r, "all-J/op")
	requireNear(t, r.Extra["J/op"], r, "J/token")
}
