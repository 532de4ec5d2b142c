//go:build !linux

package raplsource

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source] on the processor packages of this machine. In this build
// there is none: [Open] always fails.
type Source struct{}

var _ interface {
	energy.Source
	energy.PartialSource
} = (*Source)(nil)

// Open fails with an error that wraps [errors.ErrUnsupported].
func Open(Config) (*Source, error) {
	return nil, fmt.Errorf("rapl: %w: the energy of CPUs is read on linux only, not on %s\nrun the benchmark on linux", errors.ErrUnsupported, runtime.GOOS)
}

// Info describes the source.
func (*Source) Info() energy.Info { return energy.Info{Name: sourceName, Period: period} }

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

// Close does nothing.
func (*Source) Close() error { return nil }
