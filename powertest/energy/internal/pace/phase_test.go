package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = int64(time.Millisecond)

// tickAt makes a pace see a tick that fell in the 2 ms before now.
func tickAt(p *Pace, now int64) {
	p.Called(now, now)
	p.Ticked(now-2*ms, now, now)
}

func TestPhases(t *testing.T) {
	p := New(Config{Nominal: 100 * time.Millisecond})
	assert.Equal(t, Hunting, p.Phase())
	assert.Zero(t, p.Next(), "it is read at once")
	p.Edge(0, 0, false)
	tickAt(&p, 100*ms)
	assert.Equal(t, Hunting, p.Phase(), "one tick does not show a period")
	tickAt(&p, 200*ms)
	assert.Equal(t, Watching, p.Phase())
	tickAt(&p, 300*ms)
	assert.Equal(t, Locked, p.Phase(), "an edge is over after %d ticks", EdgeTicks)
	assert.Equal(t, 100*float64(ms), p.Period())

	p.Watch(2)
	assert.Equal(t, Watching, p.Phase())
	tickAt(&p, 400*ms)
	p.Edge(410*ms, 400*ms, false)
	for i := range int64(EdgeTicks) {
		assert.Equal(t, Watching, p.Phase())
		tickAt(&p, (500+100*i)*ms)
	}
	assert.Equal(t, Locked, p.Phase())

	// Nothing for so long that the counter must have stopped.
	p.Called(3000*ms, 3000*ms)
	p.Unchanged(3000 * ms)
	assert.Equal(t, Hunting, p.Phase())
	assert.Equal(t, "hunting locked watching unknown phase", Hunting.String()+" "+Locked.String()+" "+Watching.String()+" "+Phase(3).String())
}

// Ticks where none is due: the period that was believed was of two.
func TestSurprisesEndTheLock(t *testing.T) {
	p := New(Config{Nominal: 100 * time.Millisecond})
	tickAt(&p, 100*ms)
	tickAt(&p, 300*ms)
	require.Equal(t, Locked, p.Phase())
	tickAt(&p, 400*ms)
	assert.Equal(t, Locked, p.Phase(), "one may be chance")
	tickAt(&p, 600*ms)
	tickAt(&p, 700*ms)
	tickAt(&p, 800*ms)
	tickAt(&p, 900*ms)
	assert.InDelta(t, 100*float64(ms), p.Period(), 2*float64(ms))
}

func TestEdgeReadsAtOnce(t *testing.T) {
	p := New(Config{Nominal: 100 * time.Millisecond})
	for i := int64(1); i < 10; i++ {
		tickAt(&p, 100*i*ms)
	}
	p.Edge(950*ms, 900*ms, false)
	assert.EqualValues(t, 950*ms, p.Next())
	p.Edge(905*ms, 904*ms, false)
	assert.Greater(t, p.Next(), float64(960*ms), "one was just made")
}

func TestKnow(t *testing.T) {
	p := New(Config{Nominal: time.Second, Poll: time.Millisecond})
	p.Know(3e6, 4e6)
	assert.Equal(t, Locked, p.Phase())
	assert.Equal(t, []float64{3e6, 4e6, 0, 1e9, 1e6}, []float64{p.Period(), p.JitterVariance(), p.PeriodVariance(), p.Nominal(), p.Poll()})
}

func TestSpread(t *testing.T) {
	p := New(Config{Nominal: 100 * time.Millisecond})
	for _, tt := range []struct {
		devices int
		every   bool
		stride  int
	}{{0, false, 1}, {1, false, 1}, {8, false, 11}, {8, true, 1}, {1000, false, 1316}} {
		p.Spread(tt.devices, tt.every)
		assert.Equal(t, tt.stride, p.Stride(), "%+v", tt)
	}
}

// A device is read within the time that it needs, whatever it is waiting for.
func TestWithin(t *testing.T) {
	p := New(Config{Nominal: time.Second, Within: 70 * time.Millisecond})
	read := func(now int64) {
		assert.LessOrEqual(t, p.Next(), float64(now+70*ms))
		assert.Greater(t, p.Next(), float64(now))
	}
	p.Called(10*ms, 10*ms)
	p.Unchanged(10 * ms)
	read(10 * ms)
	p.Called(80*ms, 80*ms)
	p.Failed(80 * ms)
	read(80 * ms)
	for i := int64(1); i < 10; i++ {
		tickAt(&p, 1000*i*ms)
		read(1000 * i * ms)
	}
	assert.Equal(t, Locked, p.Phase())

	// One that comes late makes the next come earlier.
	p = New(Config{Nominal: time.Second, Within: 70 * time.Millisecond})
	p.Called(0, 0)
	p.Unchanged(0)
	assert.EqualValues(t, 70*ms, p.Next())
	p.Called(85*ms, 85*ms)
	p.Unchanged(85 * ms)
	assert.EqualValues(t, (85+70-15)*ms, p.Next())

	p = New(Config{Nominal: time.Second, Poll: 200 * time.Millisecond, Within: 70 * time.Millisecond})
	p.Called(ms, ms)
	p.Sample(ms, false)
	assert.GreaterOrEqual(t, p.Next(), float64(ms+200*ms), "but not more often than it may be read")
}

// Whatever a counter does, the next read is after the last, what is believed are
// numbers, and once it ticks regularly it is found again.
func TestAnyCounter(t *testing.T) {
	phases := map[Phase]int{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		p := New(Config{Nominal: time.Duration(1e6 * math.Exp(11*rng.Float64()))})
		period := p.Nominal() * math.Exp(0.7*rng.NormFloat64()*float64(rng.IntN(2)))
		jitter := period * 0.1 * rng.Float64() * rng.Float64()
		miss, late := 0.1*float64(rng.IntN(2)), 10e6*rng.Float64()*float64(rng.IntN(2))
		p.Spread(1+rng.IntN(3)*rng.IntN(60), false)
		value, seen := 0, -1
		now, tick, last := 0.0, rng.Float64()*period, 0.0
		for range 300 {
			if rng.IntN(100) == 0 {
				p.Edge(int64(now), int64(last), false)
			}
			now = max(p.Next(), now) + late*rng.Float64() + 1e3
			for ; tick <= now; tick += max(period+jitter*rng.NormFloat64(), 1e3) {
				if rng.Float64() >= miss {
					value++
				}
			}
			p.Called(int64(now), int64(now))
			if value == seen || seen < 0 {
				p.Unchanged(int64(now))
			} else {
				p.Ticked(int64(last), int64(now), int64(now))
			}
			seen, last = value, now
			phases[p.Phase()]++
			require.Greater(t, p.Next(), now, "seed %d", seed)
			for _, x := range []float64{p.Next(), p.Period(), p.PeriodVariance(), p.JitterVariance()} {
				require.False(t, math.IsNaN(x) || math.IsInf(x, 0), "seed %d: %+v", seed, p)
			}
		}
	}
	assert.Len(t, phases, 3)
}
