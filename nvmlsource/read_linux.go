//go:build cgo

package nvmlsource

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

// meter reads one GPU, in one way, into memory of its own. Field values take no
// allocation; of the other calls, go-nvml allocates the result.
type meter struct {
	driver *driver
	handle nvml.Device
	read   func(*meter, *energy.Reading)
	limit  float64 // watts; 0 if unknown
	values []nvml.FieldValue
	last   uint64 // time of the newest power sample seen, in µs
}

var (
	errValue     = errors.New("the driver returned no usable value")
	errPower     = errors.New("the power is 0, or more than twice the GPU's limit")
	errNoSamples = errors.New("there is no new power sample")
)

func newMeter(d *driver, h nvml.Device, w way, limit float64) *meter {
	m := &meter{driver: d, handle: h, read: w.read, limit: limit, values: make([]nvml.FieldValue, len(w.fields))}
	for i, id := range w.fields {
		m.values[i].FieldId = id // scope 0, the GPU: not the module with its CPU
	}
	return m
}

// readFields reads all field values in one call of the driver.
func (m *meter) readFields(r *energy.Reading) {
	for i := range m.values {
		// A value that the call leaves alone must not pass for a new one.
		m.values[i].NvmlReturn = uint32(nvml.ERROR_NO_DATA)
	}
	if ret := m.driver.fields(m.handle, m.values); ret != nvml.SUCCESS {
		r.Err = code(ret)
		return
	}
	for i := range m.values {
		v := &m.values[i]
		if v.FieldId == nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION {
			r.Joules, r.Err = joules(v)
			r.HasJoules = r.Err == nil
			continue
		}
		watts, err := m.watts(v)
		if err == nil {
			r.Watts, r.HasWatts = watts, true
		} else if len(m.values) == 1 || errors.Is(err, energy.ErrDeviceLost) {
			r.Err = err // beside a counter, power is the cross-check only
		}
	}
}

// joules returns the energy in a field value. It refuses the 32-bit types: as
// millijoules they overflow within hours, and the loss would not show.
func joules(v *nvml.FieldValue) (float64, error) {
	if ret := nvml.Return(v.NvmlReturn); ret != nvml.SUCCESS {
		return 0, code(ret)
	}
	mj, wide := whole(nvml.ValueType(v.ValueType), v.Value)
	if !wide || mj == math.MaxUint64 { // NVML_VALUE_NOT_AVAILABLE
		return 0, errValue
	}
	return float64(mj) / 1000, nil
}

func (m *meter) watts(v *nvml.FieldValue) (float64, error) {
	if ret := nvml.Return(v.NvmlReturn); ret != nvml.SUCCESS {
		return 0, code(ret)
	}
	mw, _ := whole(nvml.ValueType(v.ValueType), v.Value)
	return m.plausible(mw)
}

// plausible returns milliwatts as watts, unless they cannot be true: some
// mobile GPUs report far more than they can draw.
func (m *meter) plausible(mw uint64) (float64, error) {
	watts := float64(mw) / 1000
	if mw == 0 || mw >= math.MaxUint32 || m.limit > 0 && watts > 2*m.limit {
		return 0, errPower
	}
	return watts, nil
}

// whole decodes an integer, and 0 for any other type. wide says that it is one
// of 64 bits.
func whole(t nvml.ValueType, b [8]byte) (n uint64, wide bool) {
	switch t {
	case nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return binary.NativeEndian.Uint64(b[:]), true
	case nvml.VALUE_TYPE_UNSIGNED_LONG:
		if strconv.IntSize == 64 { // C's long is as wide as Go's int on linux
			return binary.NativeEndian.Uint64(b[:]), true
		}
		return uint64(binary.NativeEndian.Uint32(b[:])), false
	case nvml.VALUE_TYPE_UNSIGNED_INT, nvml.VALUE_TYPE_SIGNED_INT:
		return uint64(binary.NativeEndian.Uint32(b[:])), false
	}
	return 0, false
}

func (m *meter) readTotalEnergy(r *energy.Reading) {
	mj, ret := m.driver.totalEnergy(m.handle)
	switch {
	case ret != nvml.SUCCESS:
		r.Err = code(ret)
	case mj == math.MaxUint64:
		r.Err = errValue
	default:
		r.Joules, r.HasJoules = float64(mj)/1000, true
	}
}

func (m *meter) readPowerUsage(r *energy.Reading) {
	mw, ret := m.driver.power(m.handle)
	if ret != nvml.SUCCESS {
		r.Err = code(ret)
		return
	}
	if r.Watts, r.Err = m.plausible(uint64(mw)); r.Err == nil {
		r.HasWatts = true
	}
}

// readSamples reads the driver's buffer of power samples. It holds a few
// seconds of them, closer together than calls should be. The reading is the mean
// of the new ones, within one nominal period: what is older belongs to an earlier
// reading, or to a time between readings. The reading's Before
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
