package smisource

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// writeDay writes a log of 8 GPUs over 24 h at 1 Hz, and returns its path.
func writeDay(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "gpu_metrics.csv")
	file, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "timestamp, index, uuid, power.draw [W], temperature.gpu, clocks.current.sm [MHz], clocks.current.memory [MHz], utilization.gpu [%], utilization.memory [%]")
	for t := range 24*60*60 + 1 {
		at := instant(float64(t)).UTC().Format("2006/01/02 15:04:05.000")
		for gpu := range 8 {
			fmt.Fprintf(w, "%s, %d, GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e5%d, %d.%02d W, 64, 1980, 2619, 89 %%, 9 %%\n", at, gpu, gpu, 300+(t/60*7+gpu)%400, t%100)
		}
	}
	require.NoError(b, w.Flush())
	require.NoError(b, file.Close())
	return path
}

// BenchmarkDay opens the log of a day and measures all of it. peak-MB is the
// most that was in use on the heap.
func BenchmarkDay(b *testing.B) {
	path := writeDay(b)
	day := energy.Span{Start: instant(0), End: instant(24 * 60 * 60)}
	peak := watchHeap(b)
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		b.StartTimer()
		s, err := Open(Config{Path: path, Location: time.UTC})
		require.NoError(b, err)
		m := energy.MeasurePast(b.Context(), s, day)
		require.True(b, m.Valid, "%v", m.Reasons)
		require.NoError(b, s.Close())
	}
	b.ReportMetric(peak()/1e6, "peak-MB")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
}

// watchHeap looks at the heap every few milliseconds.
func watchHeap(b *testing.B) (peak func() float64) {
	var most atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	runtime.GC()
	go func() {
		defer close(stopped)
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-stopped
		return float64(most.Load())
	}
}
