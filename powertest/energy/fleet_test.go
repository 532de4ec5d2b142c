package energy

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkFleet measures windows of many devices at once. The time is that of
// one window; ns/device divides it.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{8, 1000, 10000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			curves, spans := fleet(n)
			for b.Loop() {
				measureCurves(curves, spans)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/device")
		})
	}
}

// fleet returns histories of devices that were scraped every second around a
// window of a minute.
func fleet(n int) ([]*curve, []Span) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	base := time.Unix(1_000_000, 0)
	spans := []Span{{Start: base.Add(20 * time.Second), End: base.Add(80 * time.Second)}}
	curves := make([]*curve, n)
	for i := range curves {
		d := Device{UUID: fmt.Sprint(i), Endpoint: fmt.Sprint(i / 8), Method: Counter, Resolution: 1e-3}
		curves[i] = NewHistory(d, base, time.Second).curve
		phase, level := rng.Float64(), 400+300*rng.Float64()
		for t := 10 + phase; t < 86; t++ {
			if t > 26 && t < 74 {
				continue
			}
			at := base.Add(time.Duration(t * second))
			joules := 1e6 + 100*t + (level-100)*(min(max(t-phase, 20), 80)-20)
			curves[i].add(Reading{Before: at, After: at, Joules: joules, HasJoules: true})
		}
	}
	return curves, spans
}
