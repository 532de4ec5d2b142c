package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// follow lets a pace of the nominal period read a counter with the given
// ticks (in ms) until the last of them, and returns the number of reads.
func follow(p *Pace, ticks []float64, late func() float64) (reads int) {
	seen, last := -1, 0.0
	for now := 0.0; now < ticks[len(ticks)-1]*1e6; {
		now = math.Max(p.Next(), now) + late()
		n := 0
		for n < len(ticks) && ticks[n]*1e6 <= now {
			n++
		}
		p.Called(int64(now), int64(now))
		if n != seen && seen >= 0 {
			p.Ticked(int64(last), int64(now), int64(now))
		} else {
			p.Unchanged(int64(now))
		}
		seen, last = n, now
		reads++
	}
	return reads
}

func never() float64 { return 0 }

// ticking returns n ticks of a period in ms, with jitter, without every
// missing-th.
func ticking(n int, period, jitter float64, missing int) []float64 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var ticks []float64
	for i := range n {
		if missing > 0 && i%missing == missing-1 {
			continue
		}
		ticks = append(ticks, 7+float64(i)*period+jitter*(2*rng.Float64()-1))
	}
	return ticks
}

func TestLearnsThePeriod(t *testing.T) {
	for _, nominal := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
		for _, period := range []float64{10, 15, 20, 100, 101, 250} {
			p := New(Config{Nominal: nominal})
			follow(&p, ticking(60, period, 0.5, 0), never)
			assert.NotEqual(t, Hunting, p.Phase(), "%v, %v ms", nominal, period)
			assert.InEpsilon(t, period, p.Period()/1e6, 0.01, "%v, %v ms", nominal, period)
		}
	}
}

// A missed tick must not double the period, not even the second there is.
func TestMissedTicks(t *testing.T) {
	ticks := ticking(80, 100, 0.5, 9)
	p := New(Config{Nominal: 100 * time.Millisecond})
	follow(&p, ticks, never)
	assert.InEpsilon(t, 100, p.Period()/1e6, 0.01)

	p = New(Config{Nominal: 100 * time.Millisecond})
	follow(&p, append(ticks[:1:1], ticks[2:]...), never)
	assert.InEpsilon(t, 100, p.Period()/1e6, 0.01)
}

func TestNoticesANewPeriod(t *testing.T) {
	ticks := ticking(40, 100, 0.5, 0)
	end := ticks[len(ticks)-1]
	for i := range 200 {
		ticks = append(ticks, end+20*float64(i+1))
	}
	p := New(Config{Nominal: 100 * time.Millisecond})
	follow(&p, ticks, never)
	assert.InEpsilon(t, 20, p.Period()/1e6, 0.02)
}

func TestWhenWakeUpsAreLate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := New(Config{Nominal: 100 * time.Millisecond})
	follow(&p, ticking(100, 100, 1, 0), func() float64 { return 10e6 * rng.Float64() })
	assert.NotEqual(t, Hunting, p.Phase())
	assert.InEpsilon(t, 100, p.Period()/1e6, 0.01)
}

// A counter that never ticks is not polled to death.
func TestADeadCounter(t *testing.T) {
	p := New(Config{Nominal: 100 * time.Millisecond})
	reads := follow(&p, []float64{20_000}, never)
	assert.LessOrEqual(t, reads, 20*MaxRate+100)
}

func TestReadsSparsely(t *testing.T) {
	for _, period := range []float64{10, 20, 100, 500} {
		p := New(Config{Nominal: time.Duration(period * 1e6)})
		p.Spread(1, false)
		warm := follow(&p, ticking(int(2000/period)+2, period, 0.3, 0), never)
		q := New(Config{Nominal: time.Duration(period * 1e6)})
		q.Spread(1, false)
		reads := follow(&q, ticking(int(22000/period)+2, period, 0.3, 0), never)
		assert.LessOrEqual(t, reads-warm, 20*MaxRate+10, "%v ms", period)
	}
}
