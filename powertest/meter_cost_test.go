package powertest

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/simsource"
)

// meterBytes is how much memory a meter may hold, however long it runs.
const meterBytes = 32 << 20

// heapNow returns the bytes that are reachable.
func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestMeterForLong: a meter of 8 GPUs that is open for long, with a window that is open
// as long and short ones that come and go, holds a bounded amount of memory and still
// measures well: both the long and the short.
func TestMeterForLong(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates minutes of 8 GPUs")
	}
	testMeterFor(t, 15*time.Minute)
}

func testMeterFor(t *testing.T, length time.Duration) {
	cfg := simsource.Config{GPUs: 8, Gauge: simsource.WithGauge, History: 1 << 12}
	metered(t, cfg, func(t *testing.T, m *Meter, sim *simsource.Source) {
		before := heapNow()
		long := m.Start("long")
		begin := time.Now()
		most := int64(0)
		windows := int(length / (30 * time.Second))
		for range windows / 10 {
			for range 10 {
				w := m.Start("short")
				done := sim.Busy()
				time.Sleep(2 * time.Second)
				done()
				requireTrue(t, sim, stop(t, w), 0.05)
				time.Sleep(28 * time.Second)
			}
			most = max(most, heapNow()-before)
		}
		r := stop(t, long)
		most = max(most, heapNow()-before)
		t.Logf("%v: %.1f MB at most, %d reads of the source", time.Since(begin), float64(most)/(1<<20), m.ins.recorder.Calls())
		assert.Less(t, most, int64(meterBytes))
		truth := 8 * (100*time.Since(begin).Seconds() + 600*2*float64(windows))
		require.True(t, r.Valid(), "%v", r)
		assert.InEpsilon(t, truth, r.Measurement.Energy.Joules, 1e-3)
	})
}

// TestMeterForgets: what no window needs is dropped while the meter goes on.
func TestMeterForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 8})
		m := newMeter(t, From(sim))
		time.Sleep(20 * time.Minute)
		m.Start("a").End()
		w := m.Start("b")
		w.line.window.Record()
		time.Sleep(time.Second)
		stop(t, w)
		for _, d := range w.line.window.Recording().Devices {
			assert.Less(t, len(d.Ticks), 100)
		}
	})
}

// BenchmarkMeter measures what a meter of 8 GPUs costs while it waits and while a
// window is open, in real time: the share of one core, from the process's own CPU
// time, and reads of the source a second.
func BenchmarkMeter(b *testing.B) {
	for _, name := range []string{"idle", "window"} {
		b.Run(name, func(b *testing.B) {
			sim := simsource.New(simsource.Config{GPUs: 8, Gauge: simsource.WithGauge})
			m, err := NewMeter(b.Context(), From(sim))
			require.NoError(b, err)
			defer m.Close()
			if name == "window" {
				w := m.Start("w")
				defer w.Stop(b.Context())
			}
			time.Sleep(15 * time.Second) // the periods are learnt
			calls, cpu := m.ins.recorder.Calls(), cpuTime()
			b.ResetTimer()
			for range b.N {
				time.Sleep(time.Second)
			}
			b.StopTimer()
			seconds := b.Elapsed().Seconds()
			b.ReportMetric(100*(cpuTime()-cpu).Seconds()/seconds, "core-%")
			b.ReportMetric(float64(m.ins.recorder.Calls()-calls)/seconds, "calls/s")
		})
	}
}
