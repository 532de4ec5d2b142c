// Package fleet is a benchmark of servers that are elsewhere. The tests of
// package dcgmsource run it as go test does.
package fleet

import (
	"testing"
	"time"

	_ "github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/powertest"
)

func BenchmarkServe(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(20 * time.Millisecond) // the time that an answer takes
		b.AddTokens(100, 10)
	}
}
