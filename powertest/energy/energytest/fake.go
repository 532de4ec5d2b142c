package energytest

import (
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Fake is a source of one device whose values are functions of time. Set its
// fields before the first call. Its methods are safe to call from any
// goroutine. The zero value is a counter that uses 1 W.
type Fake struct {
	// Joules is the cumulative energy in joules at a time since Start. If it
	// is nil and Watts is not, the device is a gauge.
	Joules func(elapsed time.Duration) float64
	// Watts is the power in watts at a time since Start; nil if the device
	// does not report it.
	Watts func(elapsed time.Duration) float64
	// Period is the refresh period: the device shows the values of the last
	// whole multiple of it after Start. Zero means 100 ms.
	Period time.Duration
	// Start is when the device begins; zero means the first call of a method.
	Start time.Time
	// UUID is the identity of the device; empty means "FAKE-0".
	UUID string

	mu     sync.Mutex
	device []energy.Device // nil before the first call
	reads  int
	closed bool
}

var (
	errFakeClosed = fmt.Errorf("read fake device: source: %w", fs.ErrClosed)
	errFakeDevice = fmt.Errorf("read fake device: the index is not 0: %w", energy.ErrNoDevice)
)

// Steady returns the cumulative energy in joules of a device that uses a
// constant power in watts: a value for [Fake].Joules.
func Steady(watts float64) func(elapsed time.Duration) float64 {
	return func(elapsed time.Duration) float64 { return watts * float64(elapsed) / 1e9 }
}

// start fills in the defaults. The caller holds mu.
func (f *Fake) start() {
	if f.device != nil {
		return
	}
	if f.Start.IsZero() {
		f.Start = time.Now()
	}
	if f.Period <= 0 {
		f.Period = 100 * time.Millisecond
	}
	if f.UUID == "" {
		f.UUID = "FAKE-0"
	}
	d := energy.Device{UUID: f.UUID, Name: "Fake", Method: energy.Counter, Metric: "a function of time"}
	switch {
	case f.Joules == nil && f.Watts == nil:
		f.Joules = Steady(1)
	case f.Joules == nil:
		d.Method = energy.Gauge
	}
	f.device = []energy.Device{d}
}

// Info describes the source as simulated.
func (f *Fake) Info() energy.Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	return energy.Info{Name: "fake", Simulated: true, Period: f.Period}
}

// Devices lists the one device.
func (f *Fake) Devices() []energy.Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	return f.device
}

// Read fills in dst as [energy.Source] says.
func (f *Fake) Read(dst []energy.Reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	f.reads++
	for i := range dst {
		r := &dst[i]
		*r = energy.Reading{Device: r.Device, Before: time.Now()}
		switch {
		case f.closed:
			r.Err = errFakeClosed
		case r.Device != 0:
			r.Err = errFakeDevice
		default:
			f.show(r)
		}
		r.After = time.Now()
	}
}

// show fills in the values of the last refresh.
func (f *Fake) show(r *energy.Reading) {
	tick := max(time.Since(f.Start), 0) / f.Period * f.Period
	if f.Joules != nil {
		r.Joules, r.HasJoules = f.Joules(tick), true
	}
	if f.Watts != nil {
		r.Watts, r.HasWatts = f.Watts(tick), true
	}
}

// Reads returns how often Read was called.
func (f *Fake) Reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

// Close makes later readings fail with [fs.ErrClosed].
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}
