package ab

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// A hotGPU is a source that reports a temperature, which falls towards 30 °C.
type hotGPU struct {
	energy.Source
	at    time.Time
	above float64 // 30 °C, then
	blind bool    // it reports none
	hangs bool
	calls atomic.Int64 // that hang
}

func (h *hotGPU) heat(d float64) { h.at, h.above = time.Now(), d }

func (h *hotGPU) Inspect(dst []energy.State) {
	if h.hangs {
		h.calls.Add(1)
		time.Sleep(time.Minute)
	}
	for i := range dst {
		dst[i].Celsius = 30 + h.above*math.Exp(-time.Since(h.at).Seconds()/10)
		dst[i].HasCelsius = !h.blind
	}
}

// cooling is a cooler on a source, and what it says.
func cooling(t *testing.T, src energy.Source, limit time.Duration) (*cooler, *[]string) {
	said := &[]string{}
	c, err := newCooler(t.Context(), src, limit, 1, func(format string, args ...any) {
		*said = append(*said, fmt.Sprintf(format, args...))
	})
	require.NoError(t, err)
	return c, said
}

// TestCoolDownToTemperature: a wait ends when the GPU is within one degree of where
// it was, and not before.
func TestCoolDownToTemperature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &hotGPU{Source: simsource.New(simsource.Config{})}
		c, said := cooling(t, gpu, time.Minute)
		gpu.heat(20)
		began := time.Now()
		require.NoError(t, c.rest(t.Context(), 0))
		exact := 10 * math.Log(20) // seconds until one degree is left
		assert.InDelta(t, exact, time.Since(began).Seconds(), 0.5+0.1+0.01)
		assert.GreaterOrEqual(t, time.Since(began).Seconds(), exact)
		assert.Empty(t, *said)

		// A GPU that is cooler than at the start is not waited for.
		gpu.heat(-20)
		began = time.Now()
		require.NoError(t, c.rest(t.Context(), 1))
		assert.Less(t, time.Since(began), 101*time.Millisecond)
	})
}

// TestCoolDownIsBounded: also by a driver that does not answer, and one that no
// longer reports it.
func TestCoolDownIsBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*hotGPU)
		want string
	}{
		{"hot", func(g *hotGPU) { g.heat(1000) }, "the cool-down is over after 5s, with SIM"},
		{"hangs", func(g *hotGPU) { g.hangs = true }, "the cool-down is over after 5s, with the temperature of SIM"},
		{"blind", func(g *hotGPU) { g.blind = true }, "the cool-down is over after 5s, with the temperature of SIM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gpu := &hotGPU{Source: simsource.New(simsource.Config{})}
				cool, said := cooling(t, gpu, 5*time.Second)
				c.do(gpu)
				began := time.Now()
				require.NoError(t, cool.rest(t.Context(), 0))
				assert.InDelta(t, 5, time.Since(began).Seconds(), 0.11)
				require.Len(t, *said, 1)
				assert.Contains(t, (*said)[0], c.want)
				assert.LessOrEqual(t, gpu.calls.Load(), int64(1), "a source is not asked while it is asked")
				time.Sleep(2 * time.Minute) // until what hangs has ended
			})
		})
	}
}

// TestCoolDownEndsAtInterrupt: who interrupts does not wait.
func TestCoolDownEndsAtInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := &hotGPU{Source: simsource.New(simsource.Config{})}
		c, _ := cooling(t, gpu, time.Hour)
		gpu.heat(1e6)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, c.rest(ctx, 0), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// TestCoolDownToPower: where the temperature is not known, the power is that of the
// start again.
func TestCoolDownToPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Idle: 100, Peak: 700, Tail: time.Second})
		c, said := cooling(t, struct{ energy.Source }{sim}, time.Minute)
		assert.InDelta(t, 100, c.watts, 1)
		done := sim.Busy()
		time.Sleep(10 * time.Second)
		done()
		began := time.Now()
		require.NoError(t, c.rest(t.Context(), 0))
		// 600 W above idle are 5 W after ln(120) s.
		assert.Greater(t, time.Since(began).Seconds(), math.Log(600.0/5)-0.5)
		assert.Less(t, time.Since(began), 10*time.Second)
		assert.Empty(t, *said)
	})
}

// TestPhase: samples begin at all times of a refresh period, and with the same seed
// at the same.
func TestPhase(t *testing.T) {
	c := &cooler{rec: energy.NewRecorder(simsource.New(simsource.Config{Period: 100 * time.Millisecond})), seed: 7}
	other := &cooler{rec: c.rec, seed: 8}
	var quarters [4]int
	same := 0
	for i := range 400 {
		d := c.phase(i)
		require.Equal(t, d, c.phase(i))
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.Less(t, d, 100*time.Millisecond)
		quarters[d/(25*time.Millisecond)]++
		if d == other.phase(i) {
			same++
		}
	}
	for _, n := range quarters {
		assert.InDelta(t, 100, n, 40)
	}
	assert.Zero(t, same)
}

// TestNoCoolDown: what there is no source for is reported once, and nothing is waited
// for.
func TestNoCoolDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
		t.Setenv("POWERTEST_SOURCE", "off")
		c, err := openCooler(t.Context(), "", time.Minute, 1, say)
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, c.rest(t.Context(), 0))
		assert.Zero(t, time.Since(began))
		c.close()
		assert.Equal(t, []string{"there is no cool-down between samples, since none is asked for"}, said)
	})
}
