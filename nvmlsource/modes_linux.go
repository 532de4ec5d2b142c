//go:build cgo

package nvmlsource

import "github.com/NVIDIA/go-nvml/pkg/nvml"

// Modes returns settings of the device, by its index in [Source.Devices], that matter
// to who measures it; nil is unknown. Persistence says that the driver stays loaded
// while no program uses the GPU: if not, its counter may start again, and opening it
// takes seconds. MIG says that the GPU is divided into instances, which have no
// counters of their own. Modes asks the driver, as [Source.Inspect] does, and is as
// little for use while something is measured.
func (s *Source) Modes(device int) (persistence, mig *bool) {
	if s.closed.Load() || uint(device) >= uint(len(s.meters)) {
		return nil, nil
	}
	h := s.meters[device].handle
	if on, ret := s.driver.persistence(h); ret == nvml.SUCCESS {
		persistence = &on
	}
	if on, ret := s.driver.migMode(h); ret == nvml.SUCCESS {
		mig = &on
	}
	return persistence, mig
}
