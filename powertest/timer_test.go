package powertest

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// TestTimerStarted: testing keeps when its timer was started where it is looked for.
func TestTimerStarted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("testing keeps it otherwise there")
	}
	testing.Benchmark(func(b *testing.B) {
		at := startOf(b)
		require.NotNil(t, at, "the timed part is known by its length only")
		before := time.Now()
		b.ResetTimer()
		assert.WithinRange(t, *at, before, time.Now())
	})
}

// TestTimerCounted: what the timer had counted before it was started is known to the
// nanosecond, however long that takes.
func TestTimerCounted(t *testing.T) {
	testing.Benchmark(func(b *testing.B) {
		b.StopTimer()
		var watched timer
		watched.watch(b)
		if watched.started == nil {
			b.Skip("the timed part is known by its length only")
		}
		for range 3 {
			before := b.Elapsed()
			watched.start(b.StartTimer)
			assert.Equal(t, before, watched.counted)
			watched.reset(b.ResetTimer)
			assert.Zero(t, watched.counted)
			time.Sleep(time.Millisecond)
			b.StopTimer()
		}
	})
}

// timedStyles are benchmarks whose timed part is known exactly. run is called for what is
// timed, and each is given the time that it takes.
var timedStyles = map[string]func(b *B, run func()){
	"Loop": func(b *B, run func()) {
		setUp()
		for b.Loop() {
			run()
		}
		setUp()
	},
	"Loop, cleanups": func(b *B, run func()) {
		b.Cleanup(setUp)
		defer setUp()
		for b.Loop() {
			run()
		}
	},
	"Loop after a pause": func(b *B, run func()) {
		op()
		b.StopTimer()
		setUp()
		b.StartTimer()
		op()
		for b.Loop() {
			run()
		}
		op()
		b.StopTimer()
		setUp()
	},
	"Loop with pauses": func(b *B, run func()) {
		setUp()
		for b.Loop() {
			run()
			b.StopTimer()
			setUp()
			b.StartTimer()
			run()
		}
		setUp()
	},
	"Loop, started twice": func(b *B, run func()) {
		setUp()
		for b.Loop() {
			b.StartTimer()
			run()
		}
		setUp()
	},
	"b.N": func(b *B, run func()) {
		for range b.N {
			run()
		}
	},
	"b.N, reset by testing.B": func(b *B, run func()) {
		setUp()
		b.B.ResetTimer()
		for range b.N {
			run()
		}
	},
	"b.N, stopped by testing.B": func(b *B, run func()) {
		for range b.N {
			run()
		}
		b.B.StopTimer()
		setUp()
	},
}

// TestTimedStyles: of each way to write a benchmark the energy is that of what its timer has
// counted, and nothing else, whatever else it does.
func TestTimedStyles(t *testing.T) {
	for name, style := range timedStyles {
		t.Run(name, func(t *testing.T) {
			var b *B
			var ran []energy.Span
			r := exact(t, nil, func(wrapped *B, sim *simsource.Source) {
				b, ran = wrapped, nil
				style(b, func() {
					start := time.Now()
					work1ms(sim)
					if n := len(ran); n > 0 && ran[n-1].End.Equal(start) {
						ran[n-1].End = time.Now()
					} else {
						ran = append(ran, energy.Span{Start: start, End: time.Now()})
					}
				})
			})
			spans := b.line.window.Spans()
			require.Len(t, spans, len(ran))
			for i, s := range spans {
				assert.WithinDuration(t, ran[i].Start, s.Start, time.Nanosecond, "that Wrap needs")
				assert.WithinDuration(t, ran[i].End, s.End, time.Nanosecond)
			}
			assert.InDelta(t, 0, b.slack.length(), 1)
			assert.InEpsilon(t, 700, r.Extra["W"], 0.05)
		})
	}
}

// TestTimedAfterSetUp: what the timer had counted before Wrap is not taken for the loop's.
func TestTimedAfterSetUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Jitter: -1})
		defer sim.Close()
		var b *B
		r := testing.Benchmark(func(tb *testing.B) {
			setUp()
			b = Wrap(tb, From(sim))
			for b.Loop() {
				work1ms(sim)
			}
			setUp()
		})
		assert.InDelta(t, 0, b.slack.length(), 1)
		assert.InEpsilon(t, 0.7, r.Extra["J/op"], 0.02)
		time.Sleep(time.Minute)
	})
}

// TestTimedInRun: a sub-benchmark is wrapped before its own set-up, which is not measured.
func TestTimedInRun(t *testing.T) {
	var child *B
	exact(t, nil, func(parent *B, sim *simsource.Source) {
		parent.Run("child", func(b *B) {
			child = b
			heavy(sim, 300*time.Millisecond)
			for b.Loop() {
				light(sim)
			}
			heavy(sim, 150*time.Millisecond)
		})
	})
	spans := child.line.window.Spans()
	require.Len(t, spans, 1)
	assert.Equal(t, child.Elapsed(), spans[0].End.Sub(spans[0].Start))
}

// TestTimedPhases: phases end with the timer.
func TestTimedPhases(t *testing.T) {
	r := exact(t, nil, func(b *B, sim *simsource.Source) {
		end := b.Phase("all")
		heavy(sim, 150*time.Millisecond)
		for b.Loop() {
			light(sim)
		}
		heavy(sim, 150*time.Millisecond)
		end()
	})
	assert.InEpsilon(t, 0.4, r.Extra["all-J/op"], 0.02)
	assert.InEpsilon(t, r.Extra["J/op"], r.Extra["all-J/op"], 1e-9)
}

// TestTimedBeside: what draws power beside the loop is not the loop's: of the figures of the
// slow test, those that the estimator had wrong when it took it for load.
func TestTimedBeside(t *testing.T) {
	for _, before := range []time.Duration{15, 30, 170} {
		r := exact(t, []Option{Net()}, func(b *B, sim *simsource.Source) {
			heavy(sim, before*time.Millisecond)
			for b.Loop() {
				light(sim)
			}
			heavy(sim, 200*time.Millisecond-before*time.Millisecond)
		})
		joules, percent := r.Extra["J/op"], r.Extra["err-%"]
		assert.InDelta(t, 0.4, joules, joules*percent/100, "%v: err-%% is %v", before, percent)
		assert.InDelta(t, 0.3, r.Extra["net-J/op"], joules*percent/100+0.002)
		assert.Less(t, percent, 3.0)
	}
}
