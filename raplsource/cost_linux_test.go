package raplsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// processTime is how long this process has kept CPUs busy.
func processTime(tb testing.TB) time.Duration {
	var u unix.Rusage
	require.NoError(tb, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}

// BenchmarkCost is what the recorder costs the CPU that it measures, on a tree of files:
// of one core in the 20 ms after each edge of a window, and between edges. "nothing" is what
// such a time takes by itself, and is part of "edges". What a call costs on a real counter
// comes on top; the recorder reads more seldom for it.
//
//	go test -run '^$' -bench Cost ./raplsource
func BenchmarkCost(b *testing.B) {
	tree := rapltest.New(b, rapltest.IntelCPU, xeon...)
	s, err := open(Config{Root: tree.Root}, noPerf)
	require.NoError(b, err)
	defer s.Close()
	b.Run("read", func(b *testing.B) {
		list := []energy.Reading{{Device: 0}, {Device: 1}, {Device: 2}, {Device: 3}}
		b.ReportAllocs()
		for b.Loop() {
			s.Read(list)
		}
	})
	// over reports the share of a core that is used in a time after something was done.
	over := func(b *testing.B, length time.Duration, do func()) {
		var used, took time.Duration
		for b.Loop() {
			do()
			from, at := processTime(b), time.Now()
			time.Sleep(length)
			used, took = used+processTime(b)-from, took+time.Since(at)
		}
		b.ReportMetric(100*float64(used)/float64(took), "%-of-a-core")
	}
	b.Run("nothing", func(b *testing.B) { over(b, 20*time.Millisecond, func() {}) })
	rec := energy.NewRecorder(s)
	w := rec.Open()
	defer w.Cancel()
	edge := func() { w.Resume(); w.Pause() }
	b.Run("edges", func(b *testing.B) { over(b, 20*time.Millisecond, edge) })
	b.Run("between", func(b *testing.B) {
		edge()
		time.Sleep(time.Second)
		over(b, time.Second, func() {})
	})
}
