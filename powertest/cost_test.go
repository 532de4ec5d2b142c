package powertest

import (
	"crypto/sha256"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// BenchmarkCost measures what the instrument costs: the same body of some 10 µs,
// bare and wrapped. The wrapped one reports, against the bare one before it:
//
//	added-ns        time added to each iteration
//	added-allocs    allocations added to the whole loop, of any goroutine
//	lead-calls      reads of the source before the loop
//	settle-calls    reads after it
//	calls/s         reads per second in between, the edges' among them
//	extra-s         wall time that the benchmark takes beyond its loop
func BenchmarkCost(b *testing.B) {
	sources := map[string]func(b *testing.B) energy.Source{
		"sim": func(*testing.B) energy.Source { return simsource.New(simsource.Config{}) },
		"nvml": func(b *testing.B) energy.Source {
			src, err := energy.Open("nvml", nvmltest.Build(b)+"/libnvidia-ml.so.1", nil)
			if err != nil {
				b.Skip(err)
			}
			return src
		},
	}
	for _, name := range []string{"sim", "nvml"} {
		b.Run(name, func(b *testing.B) {
			b.Setenv("TMPDIR", b.TempDir())
			b.Setenv("POWERTEST_SOURCE", "")
			src := sources[name](b)
			var bare, wrapped cost
			b.Run("bare", func(b *testing.B) { bare.measure(b, nil) })
			b.Run("wrapped", func(b *testing.B) {
				b.Cleanup(func() { wrapped.report(b, bare) }) // after Wrap's
				wrapped.measure(b, src)
			})
		})
	}
}

// cost is what one run of the body took.
type cost struct {
	perOp                 float64 // ns
	allocs                uint64
	recorder              *energy.Recorder
	lead, loop, callsDone int64 // reads so far
	begin                 time.Time
	took                  time.Duration
}

var sink [32]byte

func (c *cost) measure(tb *testing.B, src energy.Source) {
	data := make([]byte, 16<<10)
	work := func() { sink = sha256.Sum256(data) }
	c.begin = time.Now()
	if src != nil {
		ins, err := process.instruments.of(src, energy.Selection{}, "")
		if err != nil {
			tb.Fatal(err)
		}
		c.recorder = ins.recorder
		c.lead = -c.recorder.Calls()
		b := Wrap(tb, From(src))
		c.lead += c.recorder.Calls()
		c.loop = -c.recorder.Calls()
		tb = b.B
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for tb.Loop() {
		work()
	}
	runtime.ReadMemStats(&after)
	c.took = tb.Elapsed()
	c.perOp = float64(c.took) / float64(tb.N)
	c.allocs = after.Mallocs - before.Mallocs
	if src != nil {
		c.loop += c.recorder.Calls()
		c.callsDone = c.recorder.Calls()
	}
}

func (c *cost) report(b *testing.B, bare cost) {
	if c.recorder == nil {
		return
	}
	b.ReportMetric(c.perOp-bare.perOp, "added-ns")
	b.ReportMetric(float64(c.allocs)-float64(bare.allocs), "added-allocs")
	b.ReportMetric(float64(c.lead), "lead-calls")
	b.ReportMetric(float64(c.recorder.Calls()-c.callsDone), "settle-calls")
	b.ReportMetric(float64(c.loop)/c.took.Seconds(), "calls/s")
	b.ReportMetric((time.Since(c.begin) - c.took).Seconds(), "extra-s")
}

// BenchmarkAddTokens measures what the only call costs that is made per operation.
func BenchmarkAddTokens(tb *testing.B) {
	b := &B{B: tb}
	for b.Loop() {
		b.AddTokens(100, 10)
	}
}

// BenchmarkPause measures what a stop of the timer costs, beyond testing's own tens
// of µs.
func BenchmarkPause(b *testing.B) {
	r := energy.NewRecorder(simsource.New(simsource.Config{}))
	w := &timeline{window: r.Open()}
	defer w.window.Cancel()
	for b.Loop() {
		w.resume()
		w.pause()
	}
}

// TestCost: work may be counted in every operation without being seen.
func TestCost(t *testing.T) {
	b := &B{B: &testing.B{}}
	if n := testing.AllocsPerRun(1000, func() { b.AddTokens(1, 2); b.AddRequests(1); b.SetConcurrency(3) }); n != 0 {
		t.Errorf("%v allocations to count work, want 0", n)
	}
	sim := simsource.New(simsource.Config{})
	w := &timeline{window: energy.NewRecorder(sim).Open()}
	if n := testing.AllocsPerRun(1000, func() { w.resume(); w.pause() }); n != 0 {
		t.Errorf("%v allocations to stop and start, want 0", n)
	}
	w.cancel()
	var r testing.BenchmarkResult
	synctest.Test(t, func(*testing.T) {
		sim := simsource.New(simsource.Config{})
		r = testing.Benchmark(func(tb *testing.B) {
			b := Wrap(tb, From(sim))
			tb.ReportAllocs()
			for range b.N {
				time.Sleep(time.Millisecond)
				b.AddTokens(1, 2)
			}
		})
	})
	t.Logf("%d allocations in the timed part", r.MemAllocs)
	if r.MemAllocs > 30 { // in a second of polling; nearly all are testing's
		t.Errorf("%d allocations in the timed part", r.MemAllocs)
	}
}
