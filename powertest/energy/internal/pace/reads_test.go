package pace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// ticker is a counter that ticks each 100 ms. The time between ticks has a standard deviation of
// walk, which adds up, and their distance from regular times one of jitter, both in ms.
type ticker struct {
	walk, jitter float64
	seed         uint64
}

// ticks returns the times of n ticks in ms.
func (c ticker) ticks(n int) (ticks []float64) {
	rng := rand.New(rand.NewPCG(uint64(100*c.walk), uint64(100*c.jitter)+c.seed<<32))
	regular := 7.0
	for range n {
		regular += 100 + c.walk*rng.NormFloat64()
		ticks = append(ticks, regular+c.jitter*rng.NormFloat64())
	}
	return ticks
}

// watched is how a pace did.
type watched struct {
	seconds, ticks     float64
	reads, hunts, seen float64
	jitter             float64 // the mean of what it says
}

// watch lets a pace that was at an edge and has learnt read a counter for a minute.
func watch(p *Pace, c ticker) watched {
	const n = 620
	ticks := c.ticks(n)
	p.Edge(0, 0, false)
	p.Watch(Learning)
	w := watched{seconds: (ticks[n-1] - ticks[19]) / 1000, ticks: n - 20}
	shown, last := -1, 0.0
	for now := 0.0; now < ticks[n-1]*1e6; last = now {
		phase := p.Phase()
		now = math.Max(p.Next(), now) + 20e3
		k := max(shown, 0)
		for k < n && ticks[k]*1e6 <= now {
			k++
		}
		p.Called(int64(now), int64(now)+50e3)
		if k != shown && shown >= 0 {
			p.Ticked(int64(last), int64(now), int64(now)+50e3)
		} else {
			p.Unchanged(int64(now) + 50e3)
		}
		if now > ticks[19]*1e6 {
			w.reads++
			w.jitter += p.JitterVariance()
			if k == shown+1 {
				w.seen++
			}
			if phase != Hunting && p.Phase() == Hunting {
				w.hunts++
			}
		}
		shown = k
	}
	w.jitter /= w.reads
	return w
}

var tickers = []ticker{{1, 0, 0}, {2, 0, 0}, {4, 0, 0}, {0, 1, 0}, {0, 4, 0}, {1, 1, 0}}

// Ticks that were passed over leave the phase known, whether their jitter adds up or not.
func TestKeepsThePhase(t *testing.T) {
	for _, devices := range []int{1, 2, 8} {
		for _, c := range tickers {
			p := New(Config{Nominal: 100 * time.Millisecond})
			p.Spread(devices, false)
			w := watch(&p, c)
			name := fmt.Sprintf("%d devices, %+v: %+v", devices, c, w)
			assert.LessOrEqual(t, w.hunts, 1.0, name)
			assert.LessOrEqual(t, w.reads/w.seconds*float64(devices), float64(MaxRate), name)
			assert.NotEqual(t, Hunting, p.Phase(), name)
			assert.InEpsilon(t, 100e6, p.Period(), 0.05, name)
		}
	}
}

// Where every tick is to be seen nearly all are, and one or two reads do; the reads that one
// device may take suffice for that.
func TestEveryTickIsReadTwice(t *testing.T) {
	for _, devices := range []int{1, 8} {
		for _, c := range tickers {
			var reads, seen, ticks float64
			for c.seed = range 4 {
				p := New(Config{Nominal: 100 * time.Millisecond})
				p.Spread(devices, devices > 1)
				w := watch(&p, c)
				reads, seen, ticks = reads+w.reads, seen+w.seen, ticks+w.ticks
			}
			name := fmt.Sprintf("%d devices, %+v", devices, c)
			assert.LessOrEqual(t, reads/ticks, 2.0, name)
			assert.GreaterOrEqual(t, seen/ticks, 0.95, name)
		}
	}
}

// The variance of a tick is that about a line through a few dozen.
func TestJitterVariance(t *testing.T) {
	for _, c := range tickers {
		p := New(Config{Nominal: 100 * time.Millisecond})
		p.Spread(1, true)
		assert.InDelta(t, 1, math.Sqrt(watch(&p, c).jitter/aboutLines(c.ticks(32*200))), 0.35, "%+v", c)
	}
}

// aboutLines returns the mean square, in ns², of times in ms about lines through 32 each.
func aboutLines(ticks []float64) float64 {
	const n = 32
	sum := 0.0
	for i := 0; i+n <= len(ticks); i += n {
		var k, kk, t, kt, tt float64
		for j, at := range ticks[i : i+n] {
			x, y := float64(j)-(n-1)/2., at-ticks[i]
			k, kk, t, kt, tt = k+x, kk+x*x, t+y, kt+x*y, tt+y*y
		}
		sum += tt - t*t/n - kt*kt/kk
	}
	return sum / float64(len(ticks)/n*n) * 1e12
}

// What bounds the reads of a driver does not concern a source that is far away: slow calls
// change nothing of when it is read.
func TestFarSourcesHaveNoBudget(t *testing.T) {
	quick := New(Config{Nominal: time.Second, Poll: 100 * time.Millisecond})
	slow := quick
	quick.Edge(0, 0, true)
	slow.Edge(0, 0, true)
	for now := 0.0; now < 60e9; {
		last := now
		now = max(quick.Next(), now) + 1e6
		quick.Called(int64(now), int64(now))
		slow.Called(int64(now), int64(now)+int64(time.Second))
		if math.Floor(now/5e9) != math.Floor(last/5e9) {
			quick.Ticked(int64(last), int64(now), int64(now))
			slow.Ticked(int64(last), int64(now), int64(now))
		} else {
			quick.Unchanged(int64(now))
			slow.Unchanged(int64(now))
		}
		assert.Equal(t, quick.Next(), slow.Next())
		assert.Equal(t, quick.Stride(), slow.Stride())
	}
	assert.NotEqual(t, Hunting, quick.Phase())
}
