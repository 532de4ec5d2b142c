package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestFineCounters: a counter that is refreshed each millisecond is read by the CPU that it
// measures, which reads keep busy for at most 2 % of the 20 ms after an edge, or longer where
// calls are slow, and 0.1 % between, however many devices there are.
func TestFineCounters(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, devices := range []int64{1, 4} {
		for _, took := range []int64{2e3, 20e3, 100e3} {
			for _, everyTick := range []bool{false, true} {
				p := New(Config{Nominal: time.Millisecond})
				p.Spread(int(devices), everyTick)
				// busy is how long reads keep the CPU busy from one time to another.
				busy, reads, now, last := int64(0), 0, int64(0), int64(-ms)
				until := func(end, wakes int64) {
					for busy, reads = 0, 0; int64(p.Next()) < end; reads++ {
						now = max(now, int64(p.Next()))
						p.Called(now, now+took)
						p.Ticked(last, now, now+took)
						last, now = now, now+took
						busy += devices*took + wakes
					}
				}
				until(2000*ms, 0)
				p.Edge(2000*ms, last, true)
				now = 2000 * ms
				edge := max(20*ms, 300*(devices*took+wake))
				until(2000*ms+edge, wake)
				assert.GreaterOrEqual(t, reads, 4, "the edge is read")
				assert.LessOrEqual(t, float64(busy), 0.02*float64(edge), "%d devices, %d ns: at an edge", devices, took)
				until(3000*ms, 0)
				until(12_500*ms, wakeSeldom)
				assert.LessOrEqual(t, float64(busy), 0.0011*10e9, "%d devices, %d ns: between", devices, took)
				assert.GreaterOrEqual(t, reads, 6, "%d devices, %d ns: it goes on", devices, took)
				assert.Equal(t, Hunting, p.Phase(), "nobody aims at its ticks")
			}
		}
	}
	p := New(Config{Nominal: time.Millisecond, Within: 20 * time.Millisecond})
	p.Called(0, 1e6)
	p.Ticked(-1, 0, 1e6)
	assert.LessOrEqual(t, p.Next(), 20e6, "that it wraps goes before what it costs")
}
