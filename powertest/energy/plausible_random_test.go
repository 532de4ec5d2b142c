package energy_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// board is a device with a load that it can have, and with a power sensor that is like
// those which were seen: late, a mean, and off by a gain or an offset.
type board struct {
	limit        float64   // 0 if it states none
	joules       []float64 // up to each step of its time
	period, mean time.Duration
	gain, offset float64
}

const boardStep = 10 * time.Millisecond

// newBoard draws a board that is followed for some time.
func newBoard(r *rand.Rand, length time.Duration) *board {
	top := []float64{70, 350, 700, 1000}[r.IntN(4)]
	b := &board{limit: top, gain: 0.94 + 0.13*r.Float64(), joules: make([]float64, length/boardStep+1)}
	if r.IntN(3) == 0 {
		b.limit = 0
	}
	if r.IntN(4) == 0 {
		b.gain, b.offset = 1, -20
	}
	b.period = []time.Duration{20, 50, 100, 100, 100, 500}[r.IntN(6)] * time.Millisecond
	b.mean = []time.Duration{b.period, b.period, b.period / 4, time.Second}[r.IntN(4)]
	watts, left, boost := 0.1*top, 100, 0
	for i := 1; i < len(b.joules); i++ {
		if left--; left < 0 {
			left = 1 + r.IntN(300)
			watts = top * []float64{0.1, 0.3 + 0.7*r.Float64(), 1}[r.IntN(3)]
		}
		if boost--; boost < -400 && r.IntN(100) == 0 {
			boost = int(100 * time.Millisecond / boardStep)
		}
		w := watts
		if boost > 0 {
			w = 1.1 * top
		}
		b.joules[i] = b.joules[i-1] + w*boardStep.Seconds()
	}
	return b
}

// at returns the joules up to a time.
func (b *board) at(t time.Duration) float64 {
	i := max(min(int(t/boardStep), len(b.joules)-2), 0)
	part := float64(t-time.Duration(i)*boardStep) / float64(boardStep)
	return b.joules[i] + max(part, 0)*(b.joules[i+1]-b.joules[i])
}

// shown returns what the board's sensor shows.
func (b *board) shown(t time.Duration) float64 {
	mean := max(b.mean, boardStep)
	return max(b.gain*(b.at(t)-b.at(t-mean))/mean.Seconds()+b.offset, 0)
}

// randomWindows measures windows of boards that are drawn, and fails if one of them is
// withheld because it cannot be, though it is what the board did.
func randomWindows(t *testing.T, seed uint64, boards, windows int) {
	r := rand.New(rand.NewPCG(seed, 1))
	valid, all := 0, 0
	for range boards {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard(r, time.Duration(windows+1)*6*time.Second)
			src := energytest.Redescribe(&energytest.Fake{Joules: b.at, Watts: b.shown, Period: b.period},
				func(d *energy.Device) { d.PowerLimit = b.limit })
			rec := energy.NewRecorder(src)
			for range windows {
				w := rec.Open()
				_ = w.WaitTicks(t.Context(), 2)
				w.Resume()
				time.Sleep(time.Duration((0.3 + 4*r.Float64()*r.Float64()) * float64(time.Second)))
				m := w.Measure(t.Context())
				all++
				if m.Valid {
					valid++
				}
				for _, f := range m.Reasons {
					cannot := f.Reason == energy.CounterJump || f.Reason == energy.InvalidPowerSample || f.Withheld
					assert.False(t, cannot, "%v: limit %v W, gauge of %v each %v, gain %v: %v", m.Duration, b.limit, b.mean, b.period, b.gain, f)
				}
				if most := 1.1 * b.limit; most > 0 {
					assert.LessOrEqual(t, m.Watts, most)
				}
				assert.False(t, math.IsNaN(m.Watts))
			}
		})
	}
	t.Logf("%d of %d windows have a number", valid, all)
	assert.Greater(t, float64(valid), 0.6*float64(all))
}

func TestRandomWindowsArePlausible(t *testing.T) { randomWindows(t, 1, 16, 5) }
