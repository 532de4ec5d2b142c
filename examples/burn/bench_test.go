//go:build linux && cgo

package burn

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
)

// pieces is how many pieces of work an operation has. A build with more of them is a
// regression of a size that is known:
//
//	go test -c -ldflags '-X github.com/joulebench/joulebench/examples/burn.pieces=102' ./examples/burn
var pieces = "100"

// BenchmarkPieces is what builds are compared by.
func BenchmarkPieces(b *testing.B) {
	if *burnFlag == "" {
		b.Skip("needs a CUDA GPU, and -burn")
	}
	n, err := strconv.Atoi(pieces)
	require.NoError(b, err)
	l := start(b)
	p := powertest.Wrap(b)
	for p.Loop() {
		l.run(b, *kindFlag, n)
	}
}
