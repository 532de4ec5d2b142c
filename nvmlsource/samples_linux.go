//go:build cgo

package nvmlsource

import (
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

// readSamples reads the driver's buffer of power samples. It holds a few
// seconds of them, closer together than calls should be. The reading is the mean
// of those that are new, within one nominal period: what is older belongs to an
// earlier reading, or to a time when nobody was interested. The reading's Before
// moves back by the time that the samples span.
func (m *meter) readSamples(r *energy.Reading) {
	kind, samples, ret := m.driver.samples(m.handle, m.last)
	if ret == nvml.ERROR_NOT_FOUND && m.last != 0 {
		r.Err = errNoSamples
		return
	}
	if ret != nvml.SUCCESS {
		r.Err = code(ret)
		return
	}
	newest := m.last
	for _, s := range samples {
		newest = max(newest, s.TimeStamp)
	}
	since := max(m.last, newest-min(newest, uint64(nominalPeriod/time.Microsecond)))
	var sum float64
	n, oldest := 0, newest
	for _, s := range samples {
		if s.TimeStamp <= since {
			continue
		}
		mw, _ := whole(kind, s.SampleValue)
		watts, err := m.plausible(mw)
		if err != nil {
			r.Err = err
			return
		}
		sum += watts
		n++
		oldest = min(oldest, s.TimeStamp)
	}
	if n == 0 {
		r.Err = errNoSamples
		return
	}
	m.last = newest
	r.Watts, r.HasWatts = sum/float64(n), true
	r.Before = r.Before.Add(-time.Duration(newest-oldest) * time.Microsecond)
}
