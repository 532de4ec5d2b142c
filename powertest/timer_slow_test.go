//go:build slow

package powertest

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/simsource"
)

// around is what runs beside the loop, none of which the estimator has a curve of.
type around struct {
	name  string
	setUp func(*simsource.Source, *rand.Rand) // between Wrap and the loop
	after func(*simsource.Source, *rand.Rand) // between the loop and the end
	drain bool                                // the last operation goes on after the loop
}

// at draws a share of the power for some time.
func at(share float64, from, to time.Duration) func(*simsource.Source, *rand.Rand) {
	return func(sim *simsource.Source, rng *rand.Rand) {
		done := sim.BusyLoad(share)
		time.Sleep(from + time.Duration(rng.Float64()*float64(to-from)))
		done()
	}
}

// steps draws another power every 5 to 45 ms.
func steps(from, to time.Duration) func(*simsource.Source, *rand.Rand) {
	return func(sim *simsource.Source, rng *rand.Rand) {
		for left := from + time.Duration(rng.Float64()*float64(to-from)); left > 0; {
			d := min(left, time.Duration(5+40*rng.Float64())*time.Millisecond)
			at(rng.Float64(), d, d)(sim, rng)
			left -= d
		}
	}
}

func nothing(*simsource.Source, *rand.Rand) {}

const ms = time.Millisecond

var arounds = []around{
	{"nothing", nothing, nothing, false},
	{"set-up idle 5-20", at(0, 5*ms, 20*ms), nothing, false},
	{"set-up idle 20-200", at(0, 20*ms, 200*ms), nothing, false},
	{"set-up full 5-20", at(1, 5*ms, 20*ms), nothing, false},
	{"set-up full 20-200", at(1, 20*ms, 200*ms), nothing, false},
	{"set-up steps 200-900", steps(200*ms, 900*ms), nothing, false},
	{"cleanup idle 5-20", nothing, at(0, 5*ms, 20*ms), false},
	{"cleanup idle 20-200", nothing, at(0, 20*ms, 200*ms), false},
	{"cleanup full 5-20", nothing, at(1, 5*ms, 20*ms), false},
	{"cleanup full 20-200", nothing, at(1, 20*ms, 200*ms), false},
	{"cleanup steps 200-900", nothing, steps(200*ms, 900*ms), false},
	{"drain, cleanup idle 90-200", nothing, at(0, 90*ms, 200*ms), true},
	{"drain, nothing", nothing, nothing, true},
	{"both steps 5-100", steps(5*ms, 100*ms), steps(5*ms, 100*ms), false},
}

var (
	timedWindows = flag.Int("timed-windows", 5, "how many windows TestSlowTimed has of each kind; from 50 on also of 250 ms, and by their length only")
	timedGauge   = flag.Bool("timed-gauge", false, "measure by a power gauge, and not by the counter")
	timedPeriod  = flag.Duration("timed-period", 100*ms, "the refresh period of its counter")
)

// TestSlowTimed has what set-up and cleanup beside the loop do to the number: where the timed
// part is placed, and where only its length is known. It prints the table of docs/accuracy.md.
func TestSlowTimed(t *testing.T) {
	benchtime := flag.Lookup("test.benchtime")
	defer benchtime.Value.Set(benchtime.Value.String())
	lengths, places := []time.Duration{time.Second}, []bool{true}
	if *timedWindows >= 50 {
		lengths, places = []time.Duration{250 * ms, time.Second}, []bool{false, true}
	}
	for _, length := range lengths {
		require.NoError(t, benchtime.Value.Set(length.String()))
		for _, a := range arounds {
			row := fmt.Sprintf("| %v | %s |", length, a.name)
			for _, known := range places {
				row += timedCell(t, a, known)
			}
			fmt.Println(row)
		}
	}
}

// timedCell measures windows of one kind, at full load and at half.
func timedCell(t *testing.T, a around, known bool) string {
	var errs, widths []float64
	inside := 0
	for seed := range *timedWindows {
		share := 1 - float64(seed%2)/2
		off, half, found := timedWindow(t, *timedPeriod, share, a, uint64(seed), known)
		if !found {
			continue
		}
		errs, widths = append(errs, math.Abs(off)), append(widths, half)
		if math.Abs(off) <= half {
			inside++
		}
	}
	k := len(errs)
	if known {
		assert.Equal(t, *timedWindows, k, "%s: a loop that has a place is measured", a.name)
	}
	if k == 0 {
		return " all | | | |"
	}
	slices.Sort(errs)
	slices.Sort(widths)
	share := float64(inside) / float64(k)
	if known {
		assert.GreaterOrEqual(t, share, 0.95-math.Sqrt(0.05/float64(k)), a.name)
	}
	return fmt.Sprintf(" %.0f %% | %.2g %% | %.0f %% | %.2g %% |", 100-100*float64(k)/float64(*timedWindows), errs[k*95/100], 100*share, widths[k/2])
}

// timedWindow measures one loop, and returns by how many per cent its energy is off, and the
// half-width. With known false, the timed part is known by its length only.
func timedWindow(t *testing.T, period time.Duration, share float64, a around, seed uint64, known bool) (off, half float64, ok bool) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 7))
		gauge := simsource.NoGauge
		if *timedGauge {
			gauge = simsource.OnlyGauge
		}
		sim := simsource.New(simsource.Config{Gauge: gauge, Seed: seed, Period: period, Ramp: time.Duration(rng.Float64() * float64(10*ms)), Tail: time.Duration(rng.Float64() * float64(10*ms)), Noise: 0.01, PowerLimit: 700})
		defer sim.Close()
		var start, end time.Time
		r := testing.Benchmark(func(tb *testing.B) {
			b := Wrap(tb, From(sim))
			if !known {
				b.timer.started = nil
			}
			a.setUp(sim, rng)
			start = time.Now()
			done := sim.BusyLoad(share)
			op := time.Duration((1 + 20*rng.Float64()) * float64(ms)) // or all would end at a tick
			for b.Loop() {
				time.Sleep(op)
			}
			end = time.Now()
			if a.drain {
				time.AfterFunc(time.Duration(10+70*rng.Float64())*ms, done)
			} else {
				done()
			}
			a.after(sim, rng)
		})
		joules, found := r.Extra["J/op"]
		truth := sim.TrueJoules(start, end) / float64(r.N)
		off, half, ok = 100*(joules/truth-1), r.Extra["err-%"], found
		time.Sleep(time.Minute)
	})
	return off, half, ok
}
