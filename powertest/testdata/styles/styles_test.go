// Package styles has one benchmark for each way in which people write them. The
// tests of package powertest build it and run it as go test does.
package styles

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"
)

// sim draws 700 W as long as the process lives: these benchmarks are about what is
// inside of the window and what is not, and on a machine that is busy with other
// things an operation is followed by a pause that nobody asked for.
var sim = simsource.New(simsource.Config{Idle: 100, Peak: 700, Period: 10 * time.Millisecond, Jitter: -1})

func init() { sim.Busy() }

const opTime = 500 * time.Microsecond

// op is one operation.
func op() { time.Sleep(opTime) }

// setUp stands for what should not be measured.
func setUp() { time.Sleep(60 * time.Millisecond) }

func wrap(tb *testing.B) *powertest.B { return powertest.Wrap(tb, powertest.From(sim)) }

func BenchmarkLoop(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		b.AddTokens(100, 10)
	}
}

func BenchmarkN(tb *testing.B) {
	b := wrap(tb)
	for range b.N {
		op()
		b.AddTokens(100, 10)
	}
}

func BenchmarkParallel(tb *testing.B) {
	b := wrap(tb)
	b.SetConcurrency(runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			op()
			b.AddTokens(100, 10)
			b.AddRequests(1)
		}
	})
}

func BenchmarkParent(tb *testing.B) {
	b := wrap(tb)
	for _, size := range []int{1, 2} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *powertest.B) {
			for b.Loop() {
				for range size {
					op()
				}
			}
		})
	}
}

// BenchmarkRawParent has children that the parent's B knows nothing of.
func BenchmarkRawParent(tb *testing.B) {
	wrap(tb)
	tb.Run("child", func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			op()
		}
	})
	time.Sleep(5 * time.Millisecond)
}

func BenchmarkSetUpAfterWrap(tb *testing.B) {
	b := wrap(tb)
	setUp()
	for b.Loop() {
		op()
	}
}

func BenchmarkSetUpBeforeWrap(tb *testing.B) {
	setUp()
	b := wrap(tb)
	for range b.N {
		op()
	}
}

func BenchmarkReset(tb *testing.B) {
	setUp()
	b := wrap(tb)
	setUp()
	b.AddTokens(1e6, 1e6) // warm-up, to be forgotten
	b.ResetTimer()
	for range b.N {
		op()
		b.AddTokens(100, 10)
	}
}

func BenchmarkRawReset(tb *testing.B) {
	b := wrap(tb)
	setUp()
	tb.ResetTimer()
	for range b.N {
		op()
	}
}

func BenchmarkTeardown(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
	}
	setUp()
}

func BenchmarkStopBeforeTeardown(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
	}
	b.StopTimer()
	setUp()
}

func BenchmarkCleanupAfterWrap(tb *testing.B) {
	b := wrap(tb)
	b.Cleanup(setUp)
	for b.Loop() {
		op()
	}
}

// BenchmarkPauses has pauses that last for some ticks: they can be told from the
// load, whatever else the machine does.
func BenchmarkPauses(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		for range 40 {
			op()
		}
		b.StopTimer()
		setUp()
		b.StartTimer()
	}
}

func BenchmarkRawPauses(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		end := b.Phase("all")
		op()
		tb.StopTimer()
		time.Sleep(opTime)
		tb.StartTimer()
		end()
	}
}

func BenchmarkPhases(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		end := b.Phase("prefill")
		op()
		end()
		end = b.Phase("decode")
		op()
		op()
		end()
	}
}

func BenchmarkNet(tb *testing.B) {
	b := powertest.Wrap(tb, powertest.From(sim), powertest.Net())
	for b.Loop() {
		op()
	}
}

func BenchmarkFatal(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		b.Fatal("the server went away")
	}
}

func BenchmarkBreak(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		break
	}
}

func BenchmarkSkip(tb *testing.B) {
	b := wrap(tb)
	b.Skip("not here")
}

func BenchmarkSkipLater(tb *testing.B) {
	b := wrap(tb)
	if b.N > 1 {
		b.Skip("not now")
	}
	op()
}

// BenchmarkWrapLate is wrapped only in rounds whose name is printed already.
func BenchmarkWrapLate(tb *testing.B) {
	if tb.N > 1 {
		wrap(tb)
	}
	for range tb.N {
		op()
	}
}

func BenchmarkWrapInLoop(tb *testing.B) {
	for tb.Loop() {
		b := wrap(tb)
		op()
		b.AddTokens(0, 1)
	}
}

// BenchmarkEnv is measured with what the environment says.
func BenchmarkEnv(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(opTime)
		b.AddTokens(100, 10)
	}
}

// BenchmarkCounterReset has the counter of the fake NVML library start again.
func BenchmarkCounterReset(tb *testing.B) {
	b := powertest.Wrap(tb)
	for i := 0; b.Loop(); i++ {
		op()
		if i == 200 {
			if err := os.WriteFile(os.Getenv("FAKE_NVML_CONTROL"), []byte("reset=1"), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkFallback(tb *testing.B) {
	b := powertest.Wrap(tb, powertest.Fallback(sim))
	for b.Loop() {
		op()
	}
}

func BenchmarkDevices(tb *testing.B) {
	b := powertest.Wrap(tb, powertest.From(sim), powertest.Devices(os.Getenv("STYLES_DEVICE")))
	for b.Loop() {
		op()
	}
}

func BenchmarkUnwrapped(b *testing.B) {
	for b.Loop() {
		op()
	}
}

// TestBenchmarkInTest shows that nothing is printed where there is no benchmark
// output to put it in.
func TestBenchmarkInTest(t *testing.T) {
	r := testing.Benchmark(func(tb *testing.B) {
		b := wrap(tb)
		for b.Loop() {
			op()
		}
	})
	if r.Extra["J/op"] <= 0 {
		t.Errorf("J/op = %v, want more than 0", r.Extra["J/op"])
	}
}
