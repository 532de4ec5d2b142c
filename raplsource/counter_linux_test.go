package raplsource

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest/world"
	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// TestWrapsAreExact: after hundreds of rounds no step is missing, whatever the kernel rounds.
func TestWrapsAreExact(t *testing.T) {
	for _, most := range []uint64{rapltest.Intel, rapltest.AMD, 65712999613} {
		c := counter{unit: stepOf(most), wraps: true, most: 2000}
		unitNanojoules := uint64(math.Round(c.unit * 1e9))
		at, r := time.Now(), rand.New(rand.NewPCG(most, 1))
		raw := uint64(r.Uint32())
		first, total := raw, raw
		for total < first+300<<32 {
			shown := raw * unitNanojoules / 1000
			require.LessOrEqual(t, shown, most+1)
			got, err := c.add(c.steps(shown), at, at)
			require.NoError(t, err)
			require.InDelta(t, float64(total)*c.unit, got, 1e-3*c.unit+got*1e-14)
			step := r.Uint64N(1 << 30) // as much as can be drawn in that time
			total += step
			raw = (raw + step) % (1 << 32)
			at = at.Add(c.within() / 2)
		}
	}
}

// TestResetOrWrap: what goes down was reset if the package can't have drawn so much; then the
// joules go down, too, which withholds the window.
func TestResetOrWrap(t *testing.T) {
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for name, test := range map[string]struct {
		from, to uint64 // raw
		after    time.Duration
		bits32   bool
		want     int64 // steps since before
		err      error
	}{
		"plain":                     {100, 300, time.Millisecond, true, 200, nil},
		"still":                     {100, 100, time.Second, true, 0, nil},
		"wrap":                      {round - 100, 100, time.Millisecond, true, 200, nil},
		"wrap at full power":        {round - 3_000_000, 10, 100 * time.Millisecond, true, 3_000_010, nil},
		"reset":                     {round / 2, 10, 100 * time.Millisecond, true, 10 - round/2, nil},
		"reset near the end":        {round - 4_000_000, 10, 100 * time.Millisecond, true, 10 - (round - 4_000_000), nil},
		"too late to know":          {100, 300, 132 * time.Second, true, 200, errLate},
		"64 bits do not come round": {round - 100, 100, time.Hour, false, 200 - round, nil},
		"64 bits go on":             {round - 100, round + 100, time.Hour, false, 200, nil},
	} {
		c := counter{unit: stepOf(rapltest.Intel), wraps: test.bits32, most: 2000}
		before, err := c.add(test.from, at(0), at(0))
		require.NoError(t, err)
		after, err := c.add(test.to, at(test.after), at(test.after))
		assert.Equal(t, test.err, err, name)
		assert.InDelta(t, float64(test.want)*c.unit, after-before, 1e-6, name)
		_, err = c.add(test.to, at(test.after+time.Second), at(test.after+time.Second))
		assert.NoError(t, err, "%s: the next reading is one again", name)
	}
}

// measured is what a recorder makes of a window of work on a package, whose counter is
// refreshed each millisecond and comes round every joules.
type measured struct {
	energy.Measurement
	truth float64
}

// measure measures work in a world's profile of power: 40 W idle, and 300 W for a time.
// The counter may be reset in the window.
func measure(t *testing.T, joules float64, reset bool) (got measured) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		now := func() float64 { return time.Since(start).Seconds() }
		p := world.NewProfile(40)
		p.Begin(0.5)
		p.Slide(0.002, 300)
		p.Hold(1, 300)
		p.Slide(0.03, 40)
		unit := joules / round
		var lost atomic.Int64 // steps, by resets
		m := &meter{counter: counter{unit: unit, wraps: true, most: 1.5 * 300}, max: uint64(joules * 1e6)}
		m.call = func(_ int, buf []byte) (int, error) {
			time.Sleep(5 * time.Microsecond)
			tick := math.Floor(now()/1e-3) * 1e-3
			raw := math.Mod(p.Joules(0, tick)/unit+0.9*round-float64(lost.Load()), round)
			return copy(buf, fmt.Sprintf("%d\n", uint64(math.Floor(raw)*unit*1e6))), nil
		}
		s := &Source{info: energy.Info{Name: "rapl", Period: period}}
		s.add(energy.Device{UUID: "CPU-package-0", Kind: energy.CPU, Method: energy.Counter, PowerLimit: 300}, m)
		m.fd = -1
		rec := energy.NewRecorder(s)
		w := rec.Open()
		require.NoError(t, w.WaitTicks(context.Background(), 2))
		time.Sleep(time.Duration((0.4 - now()) * 1e9))
		from := now()
		w.Resume()
		time.Sleep(600 * time.Millisecond)
		if reset {
			lost.Store(round / 2)
		}
		time.Sleep(600 * time.Millisecond)
		w.Pause()
		to := now()
		got = measured{w.Measure(context.Background()), p.Joules(from, to)}
		time.Sleep(time.Second)
	})
	return got
}

// TestWrapsInWindows: a counter that comes round several times in a window is measured like
// one that does not.
func TestWrapsInWindows(t *testing.T) {
	for _, joules := range []float64{1e6, 120} {
		got := measure(t, joules, false)
		require.True(t, got.Valid, "%v", got.Reasons)
		assert.LessOrEqual(t, got.Energy.Low, got.truth)
		assert.GreaterOrEqual(t, got.Energy.High, got.truth)
		assert.InEpsilon(t, got.truth, got.Energy.Joules, 0.003)
		assert.Less(t, got.Energy.ErrPercent(), 0.5)
	}
}

// TestResetInWindow: a counter that was reset in a window has no number, and says so, though
// it looks as if it had come round.
func TestResetInWindow(t *testing.T) {
	got := measure(t, 1e6, true)
	assert.False(t, got.Valid)
	require.NotEmpty(t, got.Reasons)
	assert.Equal(t, energy.CounterReset, got.Reasons[0].Reason, "%v", got.Reasons)
}

func FuzzParseCount(f *testing.F) {
	for _, s := range []string{"0\n", "262143328850\n", "18446744073709551615\n", "00000000000000000007\n", "010000000000007\n", "", "\n", "1", "-1\n", "1 2\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, ok := parseCount(b)
		if ok {
			want, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
			require.NoError(t, err)
			assert.Equal(t, want, n)
		}
	})
}

func FuzzZones(f *testing.F) {
	for _, s := range []string{"intel-rapl:0", "intel-rapl-mmio:a:1", "intel-rapl:", "intel-rapl:ffffffffff", "package-1-die-1", "package-", "package-1-die-", "0-3,7", "0-65535,0-65535"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if z, ok := parseZone(s); ok {
			assert.NotEmpty(t, z.numbers)
			assert.Zero(t, z.compare(z))
			assert.False(t, z.isChildOf(z))
		}
		if p, ok := parsePackage(s); ok {
			again, ok := parsePackage(p.String())
			assert.True(t, ok)
			assert.Equal(t, p, again)
		}
		if cpus, ok := parseCPUs(s); ok {
			assert.NotEmpty(t, cpus)
			assert.Less(t, len(cpus), 3*mostCPUs)
		}
		parseProcessor([]byte(s))
	})
}
