package powertest

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/joulebench/joulebench/simsource"
)

// There is one benchmark here for each way in which people write them. They are run
// in processes of their own, as go test runs them: see styled.

// styleSim draws 700 W as long as the process lives: these benchmarks are about what
// is inside of the window and what is not, and on the real clock of a machine that is
// busy with other things an operation is followed by a pause.
var styleSim = sync.OnceValue(func() *simsource.Source {
	sim := simsource.New(simsource.Config{Idle: 100, Peak: 700, Period: 10 * time.Millisecond, Jitter: -1})
	sim.Busy()
	return sim
})

// styles are the benchmarks by the names that processes run them under.
var styles = []testing.InternalBenchmark{
	{Name: "BenchmarkLoop", F: styleLoop},
	{Name: "BenchmarkN", F: styleN},
	{Name: "BenchmarkParallel", F: styleParallel},
	{Name: "BenchmarkParent", F: styleParent},
	{Name: "BenchmarkRawParent", F: styleRawParent},
	{Name: "BenchmarkSetUpAfterWrap", F: styleSetUpAfterWrap},
	{Name: "BenchmarkSetUpBeforeWrap", F: styleSetUpBeforeWrap},
	{Name: "BenchmarkReset", F: styleReset},
	{Name: "BenchmarkRawReset", F: styleRawReset},
	{Name: "BenchmarkTeardown", F: styleTeardown},
	{Name: "BenchmarkStopBeforeTeardown", F: styleStopBeforeTeardown},
	{Name: "BenchmarkSomewhere", F: styleSomewhere},
	{Name: "BenchmarkSomewhereN", F: styleSomewhereN},
	{Name: "BenchmarkHeldUp", F: styleHeldUp},
	{Name: "BenchmarkHeldUpBriefly", F: styleHeldUpBriefly},
	{Name: "BenchmarkCleanupAfterWrap", F: styleCleanupAfterWrap},
	{Name: "BenchmarkPauses", F: stylePauses},
	{Name: "BenchmarkRawPauses", F: styleRawPauses},
	{Name: "BenchmarkRawPauseFirst", F: styleRawPauseFirst},
	{Name: "BenchmarkPhases", F: stylePhases},
	{Name: "BenchmarkNet", F: styleNet},
	{Name: "BenchmarkFatal", F: styleFatal},
	{Name: "BenchmarkBreak", F: styleBreak},
	{Name: "BenchmarkSkip", F: styleSkip},
	{Name: "BenchmarkSkipLater", F: styleSkipLater},
	{Name: "BenchmarkWrapLate", F: styleWrapLate},
	{Name: "BenchmarkWrapInLoop", F: styleWrapInLoop},
	{Name: "BenchmarkEnv", F: styleEnv},
	{Name: "BenchmarkCounterReset", F: styleCounterReset},
	{Name: "BenchmarkMeeting", F: styleMeeting},
	{Name: "BenchmarkFallback", F: styleFallback},
	{Name: "BenchmarkDevices", F: styleDevices},
	{Name: "BenchmarkPlain", F: stylePlain},
	{Name: "BenchmarkOther", F: styleOther},
	{Name: "BenchmarkBadPhase", F: styleBadPhase},
	{Name: "BenchmarkEndDeferred", F: styleEndDeferred},
}

func init() {
	for _, m := range mistakes {
		styles = append(styles, testing.InternalBenchmark{Name: "BenchmarkMistake" + m.name, F: m.f})
	}
}

const opTime = 500 * time.Microsecond

// op is one operation.
func op() { time.Sleep(opTime) }

// loop is a loop of nothing but operations.
func loop(b *B) {
	for b.Loop() {
		op()
	}
}

// ops are n operations.
func ops(n int) {
	for range n {
		op()
	}
}

// setUp stands for what should not be measured.
func setUp() { time.Sleep(60 * time.Millisecond) }

func wrap(tb *testing.B) *B { return Wrap(tb, From(styleSim())) }

func styleLoop(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		b.AddTokens(100, 10)
	}
}

func styleN(tb *testing.B) {
	b := wrap(tb)
	for range b.N {
		op()
		b.AddTokens(100, 10)
	}
}

func styleParallel(tb *testing.B) {
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

func styleParent(tb *testing.B) {
	b := wrap(tb)
	for _, size := range []int{1, 2} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *B) {
			for b.Loop() {
				ops(size)
			}
		})
	}
}

// styleRawParent has children that the parent's B knows nothing of.
func styleRawParent(tb *testing.B) {
	wrap(tb)
	tb.Run("child", func(tb *testing.B) {
		loop(wrap(tb))
	})
	time.Sleep(5 * time.Millisecond)
}

func styleSetUpAfterWrap(tb *testing.B) {
	b := wrap(tb)
	setUp()
	loop(b)
}

func styleSetUpBeforeWrap(tb *testing.B) {
	setUp()
	b := wrap(tb)
	ops(b.N)
}

func styleReset(tb *testing.B) {
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

func styleRawReset(tb *testing.B) {
	b := wrap(tb)
	setUp()
	tb.ResetTimer()
	ops(b.N)
}

func styleTeardown(tb *testing.B) {
	loop(wrap(tb))
	setUp()
}

// styleSomewhere has a timed part somewhere in the window.
func styleSomewhere(tb *testing.B) {
	loop(lengthOnly(wrap(tb)))
	setUp()
}

func styleSomewhereN(tb *testing.B) {
	b := lengthOnly(wrap(tb))
	setUp()
	tb.ResetTimer()
	ops(b.N)
}

// heldUps counts the calls of styleHeldUp.
var heldUps int

// styleHeldUp waits for its turn on a busy machine at the end of its second count.
func styleHeldUp(tb *testing.B) {
	b := lengthOnly(wrap(tb))
	for b.Loop() {
		op()
	}
	if heldUps++; heldUps == 2 {
		time.Sleep(60 * time.Millisecond)
	}
}

// styleHeldUpBriefly does so in each.
func styleHeldUpBriefly(tb *testing.B) {
	b := lengthOnly(wrap(tb))
	for b.Loop() {
		op()
	}
	time.Sleep(15 * time.Millisecond)
}

func styleStopBeforeTeardown(tb *testing.B) {
	b := wrap(tb)
	loop(b)
	b.StopTimer()
	setUp()
}

func styleCleanupAfterWrap(tb *testing.B) {
	b := wrap(tb)
	b.Cleanup(setUp)
	loop(b)
}

// stylePauses has pauses that last for some ticks: they can be told from the
// load, whatever else the machine does.
func stylePauses(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		ops(40)
		b.StopTimer()
		setUp()
		b.StartTimer()
	}
}

func styleRawPauses(tb *testing.B) {
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

// styleRawPauseFirst looks like set-up, a loop and teardown.
func styleRawPauseFirst(tb *testing.B) {
	b := wrap(tb)
	for i := 0; b.Loop(); i++ {
		if i == 40 {
			tb.StopTimer()
			setUp()
			tb.StartTimer()
		}
		op()
	}
	setUp()
}

func stylePhases(tb *testing.B) {
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

func styleNet(tb *testing.B) {
	loop(Wrap(tb, From(styleSim()), Net()))
}

func styleFatal(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		b.Fatal("the server went away")
	}
}

func styleBreak(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		op()
		break
	}
}

func styleSkip(tb *testing.B) {
	b := wrap(tb)
	b.Skip("not here")
}

func styleSkipLater(tb *testing.B) {
	b := wrap(tb)
	if b.N > 1 {
		b.Skip("not now")
	}
	op()
}

// styleWrapLate is wrapped only in rounds whose name is printed already.
func styleWrapLate(tb *testing.B) {
	if tb.N > 1 {
		wrap(tb)
	}
	ops(tb.N)
}

func styleWrapInLoop(tb *testing.B) {
	for tb.Loop() {
		b := wrap(tb)
		op()
		b.AddTokens(0, 1)
	}
}

// styleEnv is measured with what the environment says.
func styleEnv(tb *testing.B) {
	b := Wrap(tb)
	for b.Loop() {
		time.Sleep(opTime)
		b.AddTokens(100, 10)
	}
}

// styleCounterReset has the counter of the fake NVML library start again.
func styleCounterReset(tb *testing.B) {
	b := Wrap(tb)
	for i := 0; b.Loop(); i++ {
		op()
		if i == 200 {
			if err := os.WriteFile(os.Getenv("FAKE_NVML_CONTROL"), []byte("reset=1"), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// styleMeeting takes part in STYLES_MEETING, if there is one: its first operation lasts
// until another process takes part too.
func styleMeeting(tb *testing.B) {
	b := Wrap(tb)
	dir := os.Getenv("STYLES_MEETING")
	if dir != "" {
		if err := os.WriteFile(fmt.Sprintf("%s/%d", dir, os.Getpid()), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for dir != "" {
			if there, err := os.ReadDir(dir); err != nil || len(there) > 1 {
				dir = ""
			}
			time.Sleep(time.Millisecond)
		}
		op()
	}
}

func styleFallback(tb *testing.B) {
	loop(Wrap(tb, Fallback(styleSim())))
}

func styleDevices(tb *testing.B) {
	loop(Wrap(tb, From(styleSim()), Devices(os.Getenv("STYLES_DEVICE"))))
}

// styleInTest is a benchmark inside of a test: nothing is printed where there is no
// output of benchmarks.
func styleInTest(t *testing.T) {
	r := testing.Benchmark(func(tb *testing.B) {
		loop(wrap(tb))
	})
	if r.Extra["J/op"] <= 0 {
		t.Errorf("J/op = %v, want more than 0", r.Extra["J/op"])
	}
}

// styleUnnamed runs a benchmark without a name twice, whose joules are withheld.
func styleUnnamed(*testing.T) {
	for range 2 {
		testing.Benchmark(styleSomewhere)
	}
}

// styleEndDeferred ends its phases twice, as one may.
func styleEndDeferred(tb *testing.B) {
	b := wrap(tb)
	for b.Loop() {
		func() {
			end := b.Phase("step")
			defer end()
			op()
			end()
		}()
	}
}

// styleBadPhase has a phase that can't be one, and its joules are withheld.
func styleBadPhase(tb *testing.B) {
	b := wrap(tb)
	end := b.Phase("two words")
	loop(lengthOnly(b))
	end()
	setUp()
}

// stylePlain has nothing but the default source, as most users' benchmarks do.
func stylePlain(tb *testing.B) {
	b := Wrap(tb)
	for b.Loop() {
		time.Sleep(time.Millisecond)
		b.AddTokens(100, 10)
	}
}

func styleOther(tb *testing.B) {
	b := Wrap(tb)
	for range b.N {
		time.Sleep(time.Millisecond)
	}
}
