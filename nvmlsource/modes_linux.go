//go:build cgo

package nvmlsource

import "github.com/NVIDIA/go-nvml/pkg/nvml"

// Modes returns the settings of the device, by its index in [Source.Devices]. It
// asks the driver, as [Source.Inspect] does, and is as little for use while
// something is measured.
func (s *Source) Modes(device int) Modes {
	var m Modes
	if s.closed.Load() || uint(device) >= uint(len(s.meters)) {
		return m
	}
	h := s.meters[device].handle
	if on, ret := s.driver.persistence(h); ret == nvml.SUCCESS {
		m.Persistence = &on
	}
	if on, ret := s.driver.migMode(h); ret == nvml.SUCCESS {
		m.MIG = &on
	}
	return m
}
