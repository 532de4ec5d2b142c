package energy

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// follow lets a pace of the nominal period read a counter with the given
// ticks (in ms) until the last of them, and returns the number of reads.
func follow(p *pace, ticks []float64, late func() float64) (reads int) {
	seen, last := -1, 0.0
	for now := 0.0; now < ticks[len(ticks)-1]*1e6; {
		now = math.Max(p.next, now) + late()
		n := 0
		for n < len(ticks) && ticks[n]*1e6 <= now {
			n++
		}
		p.called(int64(now))
		if n != seen && seen >= 0 {
			p.ticked(int64(last), int64(now), int64(now))
		} else {
			p.unchanged(int64(now))
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

func TestPaceLearnsThePeriod(t *testing.T) {
	for _, nominal := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
		for _, period := range []float64{10, 15, 20, 100, 101, 250} {
			p := newPace(nominal, 0)
			follow(&p, ticking(60, period, 0.5, 0), never)
			assert.True(t, p.locked(), "%v, %v ms", nominal, period)
			assert.InEpsilon(t, period, p.period/1e6, 0.01, "%v, %v ms", nominal, period)
		}
	}
}

// A missed tick must not double the period, not even the second there is.
func TestPaceMissedTicks(t *testing.T) {
	ticks := ticking(80, 100, 0.5, 9)
	p := newPace(100*time.Millisecond, 0)
	follow(&p, ticks, never)
	assert.InEpsilon(t, 100, p.period/1e6, 0.01)

	p = newPace(100*time.Millisecond, 0)
	follow(&p, append(ticks[:1:1], ticks[2:]...), never)
	assert.InEpsilon(t, 100, p.period/1e6, 0.01)
}

func TestPaceNoticesANewPeriod(t *testing.T) {
	ticks := ticking(40, 100, 0.5, 0)
	end := ticks[len(ticks)-1]
	for i := range 200 {
		ticks = append(ticks, end+20*float64(i+1))
	}
	p := newPace(100*time.Millisecond, 0)
	follow(&p, ticks, never)
	assert.InEpsilon(t, 20, p.period/1e6, 0.02)
}

func TestPaceWhenWakeUpsAreLate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := newPace(100*time.Millisecond, 0)
	follow(&p, ticking(100, 100, 1, 0), func() float64 { return 10e6 * rng.Float64() })
	assert.True(t, p.locked())
	assert.InEpsilon(t, 100, p.period/1e6, 0.01)
}

// A counter that never ticks is not polled to death.
func TestPaceOfADeadCounter(t *testing.T) {
	p := newPace(100*time.Millisecond, 0)
	reads := follow(&p, []float64{20_000}, never)
	assert.LessOrEqual(t, reads, 20*maxRate+100)
}

func TestPaceReadsSparsely(t *testing.T) {
	for _, period := range []float64{10, 20, 100, 500} {
		p := newPace(time.Duration(period*1e6), 0)
		p.spread(1)
		warm := follow(&p, ticking(int(2000/period)+2, period, 0.3, 0), never)
		p.next = 0
		_ = warm
		q := newPace(time.Duration(period*1e6), 0)
		q.spread(1)
		reads := follow(&q, ticking(int(22000/period)+2, period, 0.3, 0), never)
		assert.LessOrEqual(t, reads-warm, 20*maxRate+10, "%v ms", period)
	}
}

func TestTruncatedNormal(t *testing.T) {
	m, v, mass := truncated(0, 1, -100, 100)
	assert.InDelta(t, 0, m, 1e-12)
	assert.InDelta(t, 1, v, 1e-12)
	assert.InDelta(t, 1, mass, 1e-12)
	m, v, mass = truncated(0, 1, 0, 100) // the half-normal distribution
	assert.InDelta(t, math.Sqrt(2/math.Pi), m, 1e-9)
	assert.InDelta(t, 1-2/math.Pi, v, 1e-9)
	assert.InDelta(t, 0.5, mass, 1e-9)
	m, _, mass = truncated(0, 1, 50, 60)
	assert.Equal(t, 50.0, m)
	assert.Zero(t, mass)
}
