// Package plain is wrapped with nothing but the default source, as most users'
// packages are.
package plain

import (
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest"
)

func BenchmarkPlain(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(time.Millisecond)
		b.AddTokens(100, 10)
	}
}

func BenchmarkOther(tb *testing.B) {
	b := powertest.Wrap(tb)
	for range b.N {
		time.Sleep(time.Millisecond)
	}
}
