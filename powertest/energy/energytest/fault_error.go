package energytest

import (
	"fmt"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Lose makes the device disappear: from its reading k on, its readings carry
// [energy.ErrDeviceLost].
func Lose(src energy.Source, device, k int) energy.Source {
	err := fmt.Errorf("injected at reading %d of device %d: %w", k, device, energy.ErrDeviceLost)
	return edit(src, func(n int, r *energy.Reading) {
		if r.Device == device && n >= k {
			fail(r, err)
		}
	})
}

// Error makes n readings of the device, from its reading k on, carry err, which
// is handed on as it is.
func Error(src energy.Source, device, k, n int, err error) energy.Source {
	return edit(src, func(i int, r *energy.Reading) {
		if r.Device == device && i >= k && i < k+n {
			fail(r, err)
		}
	})
}
