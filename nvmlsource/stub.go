//go:build !linux || !cgo

package nvmlsource

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source] on the GPUs of this machine. In this build there
// is none: [Open] always fails.
type Source struct{}

var _ interface {
	energy.Source
	energy.Inspector
	energy.PartialSource
} = (*Source)(nil)

// Open fails with an error that wraps [errors.ErrUnsupported]: NVML is read on
// linux, in binaries built with cgo.
func Open(Config) (*Source, error) {
	why, advice := "this binary was built without cgo", "set CGO_ENABLED=1, and install a C compiler such as gcc"
	if runtime.GOOS != "linux" {
		why, advice = "NVML is read on linux only, not on "+runtime.GOOS, "run the benchmark on linux"
	}
	return nil, fmt.Errorf("nvml: %w: %s\n%s", errors.ErrUnsupported, why, advice)
}

// Info describes the source.
func (*Source) Info() energy.Info { return energy.Info{Name: sourceName, Period: nominalPeriod} }

// Devices returns nil.
func (*Source) Devices() []energy.Device { return nil }

// LeftOut returns nil.
func (*Source) LeftOut() []energy.LeftOut { return nil }

// Read sets an error in every reading.
func (*Source) Read(dst []energy.Reading) {
	for i := range dst {
		dst[i] = energy.Reading{Device: dst[i].Device, Err: errors.ErrUnsupported}
	}
}

// Inspect sets an error in every state.
func (*Source) Inspect(dst []energy.State) {
	for i := range dst {
		dst[i] = energy.State{Device: dst[i].Device, Err: errors.ErrUnsupported}
	}
}

// Modes returns nothing.
func (*Source) Modes(int) (persistence, mig *bool) { return nil, nil }

// Close does nothing.
func (*Source) Close() error { return nil }
