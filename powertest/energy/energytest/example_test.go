package energytest_test

import (
	"fmt"
	"io/fs"
	"math"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// register is a counter of microjoules in hardware. It has 32 bits, so it starts again
// from 0 at 4295 J. This one counts at 2 W.
type register struct {
	start time.Time
	extra atomic.Uint64 // µJ
}

func (r *register) load() uint32 {
	const watts = 2
	return uint32(r.extra.Load() + watts*uint64(time.Since(r.start).Microseconds()))
}

// Source is an energy.Source on one register.
type Source struct {
	register *register
	devices  []energy.Device
	closed   atomic.Bool

	// What Read needs to continue the counter where it wraps. Only one goroutine
	// reads at a time.
	last  uint32
	wraps uint64
}

// New returns a source on a register.
func New(r *register) *Source {
	return &Source{
		register: r,
		last:     r.load(),
		devices: []energy.Device{{
			UUID: "METER-0001", Name: "Meter", Metric: "register 0x10",
			Method: energy.Counter, Resolution: 1e-6,
		}},
	}
}

// Info says that the register changes every millisecond, or more often.
func (s *Source) Info() energy.Info {
	return energy.Info{Name: "meter", Simulated: true, Period: time.Millisecond}
}

// Devices lists the one device.
func (s *Source) Devices() []energy.Device { return s.devices }

// Errors are made ahead: Read does not allocate.
var (
	errClosed = fmt.Errorf("meter: %w", fs.ErrClosed)
	errIndex  = fmt.Errorf("meter: %w", energy.ErrNoDevice)
)

// Read fills in dst.
func (s *Source) Read(dst []energy.Reading) {
	for i := range dst {
		r := energy.Reading{Device: dst[i].Device, Before: time.Now()}
		switch {
		case s.closed.Load():
			r.Err = errClosed
		case r.Device != 0:
			r.Err = errIndex
		default:
			r.Joules, r.HasJoules = s.joules(), true
		}
		r.After = time.Now()
		dst[i] = r
	}
}

func (s *Source) joules() float64 {
	now := s.register.load()
	if now < s.last {
		s.wraps++
	}
	s.last = now
	return float64(s.wraps<<32+uint64(now)) / 1e6
}

// Close makes later readings fail.
func (s *Source) Close() error {
	s.closed.Store(true)
	return nil
}

// Open opens the devices that are asked for.
func Open(r *register, devices []string) (energy.Source, error) {
	s := New(r)
	at, err := energy.Select(s.devices, devices...)
	if err != nil {
		return nil, err
	}
	all := s.devices
	s.devices = nil
	for _, i := range at {
		s.devices = append(s.devices, all[i])
	}
	return s, nil
}

// A source of one's own, and its test. In a test function, use energytest.Run in place
// of TestSource.
func Example() {
	r := &register{start: time.Now()}
	err := energytest.TestSource(
		func() (energy.Source, error) { return Open(r, nil) },
		energytest.ExpectWatts(1.9, 2.1),
		energytest.Wraps((math.MaxUint32+1)/1e6, func(joules float64) { r.extra.Add(uint64(joules * 1e6)) }),
		energytest.Opens(func(devices []string) (energy.Source, error) { return Open(r, devices) }),
	)
	fmt.Println("what goes against the contract:", err)
	// Output:
	// what goes against the contract: <nil>
}
