package powertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// light is an operation of 1 ms at a mean of 400 W, and so of 0.4 J.
func light(sim *simsource.Source) {
	done := sim.Busy()
	time.Sleep(time.Millisecond / 2)
	done()
	time.Sleep(time.Millisecond / 2)
}

// heavy takes some time at 700 W, and idle at 100 W.
func heavy(sim *simsource.Source, d time.Duration) {
	done := sim.Busy()
	time.Sleep(d)
	done()
}

func idle(_ *simsource.Source, d time.Duration) { time.Sleep(d) }

// lengthOnly has the timed part known by its length only, as on Windows.
func lengthOnly(b *B) *B {
	b.timer.started = nil
	return b
}

// TestSlackWidens: 3 % of slack before the loop or after it, at whatever power, leave
// joules whose interval contains those of the timed part.
func TestSlackWidens(t *testing.T) {
	type wait func(*simsource.Source, time.Duration)
	for name, draws := range map[string]wait{"idle": idle, "heavy": heavy} {
		for _, before := range []time.Duration{0, 10 * time.Millisecond, 30 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s/%v", name, before), func(t *testing.T) {
				r := exact(t, []Option{Net()}, func(b *B, sim *simsource.Source) {
					lengthOnly(b)
					if before > 0 {
						draws(sim, before)
					}
					for b.Loop() {
						light(sim)
					}
					draws(sim, 30*time.Millisecond-before)
				})
				joules, percent := r.Extra["J/op"], r.Extra["err-%"]
				require.NotZero(t, joules, "withheld")
				assert.InDelta(t, 0.4, joules, joules*percent/100, "err-%% is %v", percent)
				assert.InDelta(t, 0.3, r.Extra["net-J/op"], joules*percent/100+0.002, "without the idle power of the slack")
				assert.Less(t, percent, 5.5, "3 %% at 700 W of 400 W, of which half, and the edges")
				assert.InEpsilon(t, joules*float64(r.N)/r.T.Seconds(), r.Extra["W"], 1e-9, "power of the timed part")
			})
		}
	}
}

// TestSlackMissing: what was timed and not measured widens the interval, too.
func TestSlackMissing(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		for i := 0; b.Loop(); i++ {
			if i == 200 {
				b.line.pause() // as if the machine had been busy in StartTimer
			}
			if i == 230 {
				b.line.resume()
			}
			work1ms(sim)
		}
	})
	joules, percent := r.Extra["J/op"], r.Extra["err-%"]
	require.NotZero(t, joules, "withheld")
	assert.InDelta(t, 0.7, joules, joules*percent/100, "err-%% is %v", percent)
	assert.Less(t, percent, 4.0)
}

// TestSlackWithholds: 10 % of the window, or time in which the device can draw 10 % of
// the energy, is too much.
func TestSlackWithholds(t *testing.T) {
	for _, c := range []struct {
		slack time.Duration
		op    func(*simsource.Source)
		valid bool
	}{
		{60 * time.Millisecond, work1ms, true},
		{200 * time.Millisecond, work1ms, false},
		{12 * time.Millisecond, func(*simsource.Source) { time.Sleep(time.Millisecond) }, true},
		{20 * time.Millisecond, func(*simsource.Source) { time.Sleep(time.Millisecond) }, false}, // 14 J of 102 J
	} {
		r := exact(t, nil, func(b *B, sim *simsource.Source) {
			for lengthOnly(b); b.Loop(); {
				c.op(sim)
			}
			time.Sleep(c.slack)
		})
		assert.Equal(t, c.valid, r.Extra["J/op"] != 0, "%v of 1 s", c.slack)
		assert.Equal(t, c.valid, r.Extra["W"] != 0, "%v of 1 s", c.slack)
	}
}

// TestSlackOfPhases: phases have edges of their own.
func TestSlackOfPhases(t *testing.T) {
	errs := map[bool]float64{}
	for _, slow := range []bool{false, true} {
		r := exact(t, nil, func(b *B, sim *simsource.Source) {
			end := b.Phase("all")
			for lengthOnly(b); b.Loop(); {
				work1ms(sim)
			}
			end()
			if slow {
				heavy(sim, 40*time.Millisecond)
			}
		})
		assert.InEpsilon(t, 0.7, r.Extra["all-J/op"], 0.02)
		errs[slow] = r.Extra["all-err-%"]
		assert.Equal(t, slow, r.Extra["err-%"] > 1.9, "err-%% of the whole is %v", r.Extra["err-%"])
	}
	assert.Less(t, errs[true], errs[false]+1)
}

// TestSlackTimed has the sums: errors by slack are those of all devices alike.
func TestSlackTimed(t *testing.T) {
	device := func(limit, joules float64) energy.DeviceMeasurement {
		return energy.DeviceMeasurement{Device: energy.Device{PowerLimit: limit, Role: "all"}, Valid: true,
			Energy: energy.Estimate{Joules: joules, Low: joules - 10, High: joules + 10}, Watts: joules / 2}
	}
	estimate := energy.Estimate{Joules: 1410, Low: 1395, High: 1425}
	measurement := func() energy.Measurement {
		return energy.Measurement{Valid: true, Duration: 2 * time.Second, Energy: estimate, Watts: 705,
			// The second states no limit, and the third less than a reading of 5 ms could be.
			Devices: []energy.DeviceMeasurement{device(700, 1000), device(0, 400), device(10_000, 10)},
			Roles:   []energy.RoleMeasurement{{Role: "all", Valid: true, Energy: estimate, Watts: 705}}}
	}
	m := measurement()
	require.Nil(t, slack{window: 2 * time.Second, elapsed: 1990 * time.Millisecond}.timed(&m))
	assert.Equal(t, energy.Estimate{Joules: 1000 - 3.5, Low: 990 - 7, High: 1010}, m.Devices[0].Energy)
	assert.Equal(t, energy.Estimate{Joules: 400 - 2, Low: 390 - 4, High: 410}, m.Devices[1].Energy)
	assert.Equal(t, energy.Estimate{Joules: 10 - 5, Low: 0 - 10, High: 20}, m.Devices[2].Energy, "no more than it has used")
	whole := energy.Estimate{Joules: 1410 - 10.5, Low: 1395 - 21, High: 1425}
	assert.Equal(t, whole, m.Energy)
	assert.Equal(t, whole, m.Roles[0].Energy)
	assert.Equal(t, 1990*time.Millisecond, m.Duration)
	assert.InEpsilon(t, whole.Joules/1.99, m.Watts, 1e-9)

	m = measurement()
	f := slack{window: 2 * time.Second, elapsed: 2200 * time.Millisecond, early: 190 * time.Millisecond}.timed(&m)
	require.NotNil(t, f)
	assert.Contains(t, f.Detail, "the timer ran for 190ms before Wrap")
	assert.NotContains(t, f.Detail, "busy machine", "that is known")
	m = measurement()
	m.Energy.High = 2100 // ± 25 % with the rest
	f = slack{window: 2 * time.Second, elapsed: 1990 * time.Millisecond}.timed(&m)
	require.NotNil(t, f, "the interval is too wide")
	assert.Contains(t, f.Detail, "of the energy can have been drawn in between")
	m = measurement()
	m.Energy.High = 2100
	m.Devices[1].Device.Method = energy.Gauge
	require.Nil(t, slack{window: 2 * time.Second, elapsed: 1990 * time.Millisecond}.timed(&m), "of a gauge it is not")
}

// TestSlackBlame: set-up alone is blamed only if it is long in each count.
func TestSlackBlame(t *testing.T) {
	t.Parallel()
	const setUpBlamed = "ms: set-up or teardown is in the window: call b.ResetTimer()"
	r := styled(t, "^BenchmarkSomewhere$", nil, "-test.count=3")
	assert.Equal(t, 1, strings.Count(r.out, "a busy machine held the benchmark up"), "it was not known in the first count")
	assert.Equal(t, 1, strings.Count(r.out, setUpBlamed))
	assert.Empty(t, values(r.results(), "J/op"))

	r = styled(t, "^BenchmarkHeldUp$", nil, "-test.count=3")
	assert.Contains(t, r.out, "a busy machine held the benchmark up")
	assert.NotContains(t, r.out, setUpBlamed, "it is in one count of three")
	assert.Len(t, values(r.results(), "J/op"), 2)

	r = styled(t, "^BenchmarkHeldUpBriefly$", nil, "-test.count=2", "-test.benchtime=100ms")
	assert.Contains(t, r.out, "a busy machine held the benchmark up")
	assert.NotContains(t, r.out, setUpBlamed, "15 ms are no set-up")

	r = styled(t, "^BenchmarkSomewhereN$", nil)
	assert.NotContains(t, r.out, "busy machine", "each round of a loop over b.N had it")
}

// TestSlackAboveTheLimit: the power of the timed part is not one that the device cannot
// have, although that of the window was not.
func TestSlackAboveTheLimit(t *testing.T) {
	measured := func(watts float64) *energy.Measurement {
		one := energy.Estimate{Joules: 2 * watts, Low: 2*watts - 1, High: 2*watts + 1}
		return &energy.Measurement{Valid: true, Energy: one, Watts: watts, Duration: 2 * time.Second,
			Devices: []energy.DeviceMeasurement{{Device: energy.Device{PowerLimit: 700}, Valid: true, Energy: one, Watts: watts}}}
	}
	late := slack{window: 2 * time.Second, elapsed: 1850 * time.Millisecond}
	require.Nil(t, late.timed(measured(700)))
	f := late.timed(measured(900))
	require.NotNil(t, f)
	assert.Contains(t, f.Detail, "more than the 921.4 W that the device can draw")
}
