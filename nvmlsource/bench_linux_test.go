//go:build cgo

package nvmlsource

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// BenchmarkRead measures what a reading costs with a library that does little. It
// runs in this process, which no test binds to a library.
func BenchmarkRead(b *testing.B) {
	b.Setenv("FAKE_NVML_GPUS", "8")
	path := process.bound
	if path == "" { // with -count, only the first time
		path = filepath.Join(nvmltest.Build(b), "libnvidia-ml.so.1")
	}
	for _, gpus := range []int{1, 8} {
		b.Run(fmt.Sprintf("gpus=%d", gpus), func(b *testing.B) {
			s := mustOpen(b, Config{Library: path})
			readings := make([]energy.Reading, gpus)
			for i := range readings {
				readings[i].Device = i
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Read(readings)
			}
			require.NoError(b, readings[gpus-1].Err)
		})
	}
}
