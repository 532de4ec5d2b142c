// Package styles has benchmarks that the tests of package powertest run with go test
// itself.
package styles

import (
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"
)

// sim draws 700 W as long as the process lives: what is tested is the output.
var sim = simsource.New(simsource.Config{Idle: 100, Peak: 700, Period: 10 * time.Millisecond, Jitter: -1})

func init() { sim.Busy() }

func op() { time.Sleep(500 * time.Microsecond) }

func BenchmarkLoop(tb *testing.B) {
	b := powertest.Wrap(tb, powertest.From(sim))
	for b.Loop() {
		op()
		b.AddTokens(100, 10)
	}
}

func BenchmarkN(tb *testing.B) {
	b := powertest.Wrap(tb, powertest.From(sim))
	for range b.N {
		op()
		b.AddTokens(100, 10)
	}
}

// BenchmarkEnv is measured with what the environment says.
func BenchmarkEnv(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		op()
		b.AddTokens(100, 10)
	}
}
