package energytest_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// faulty is a source whose methods can be replaced.
type faulty struct {
	*simsource.Source
	info    func(energy.Info) energy.Info
	devices func([]energy.Device) []energy.Device
	read    func([]energy.Reading)
	inspect func([]energy.State)
	close   func() error
}

func (b *faulty) Info() energy.Info {
	if b.info == nil {
		return b.Source.Info()
	}
	return b.info(b.Source.Info())
}

func (b *faulty) Devices() []energy.Device {
	if b.devices == nil {
		return b.Source.Devices()
	}
	return b.devices(slices.Clone(b.Source.Devices()))
}

func (b *faulty) Read(dst []energy.Reading) {
	b.Source.Read(dst)
	if b.read != nil {
		b.read(dst)
	}
}

func (b *faulty) Inspect(dst []energy.State) {
	if b.inspect == nil {
		b.Source.Inspect(dst)
		return
	}
	b.inspect(dst)
}

func (b *faulty) Close() error {
	if b.close == nil {
		return b.Source.Close()
	}
	return b.close()
}

func TestFaultySourcesFailTheirCases(t *testing.T) {
	// each changes every reading that has no error.
	each := func(f func(*energy.Reading)) func(*faulty) {
		return func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				for i := range dst {
					if dst[i].Err == nil {
						f(&dst[i])
					}
				}
			}
		}
	}
	state := func(f func(*energy.State)) func(*faulty) {
		return func(b *faulty) {
			b.inspect = func(dst []energy.State) {
				b.Source.Inspect(dst)
				for i := range dst {
					f(&dst[i])
				}
			}
		}
	}
	device := func(f func([]energy.Device) []energy.Device) func(*faulty) {
		return func(b *faulty) { b.devices = f }
	}
	var calls atomic.Int64
	var sink []byte
	var early time.Time
	for _, tt := range []struct {
		name, want string
		fault      func(*faulty)
	}{
		{"nothing", "", func(*faulty) {}},
		{"no name", "info", func(b *faulty) { b.info = func(i energy.Info) energy.Info { i.Name = ""; return i } }},
		{"negative period", "info", func(b *faulty) { b.info = func(i energy.Info) energy.Info { i.Period = -1; return i } }},
		{"simulated now and then", "info", func(b *faulty) {
			b.info = func(i energy.Info) energy.Info { i.Simulated = calls.Add(1)%2 == 0; return i }
		}},
		{"same UUID", "devices", device(func(d []energy.Device) []energy.Device { d[1].UUID = d[0].UUID; return d })},
		{"no UUID", "devices", device(func(d []energy.Device) []energy.Device { d[1].UUID = ""; return d })},
		{"infinite limit", "devices", device(func(d []energy.Device) []energy.Device { d[0].PowerLimit = math.Inf(1); return d })},
		{"no reason", "devices", device(func(d []energy.Device) []energy.Device { d[0].Marks = make([]energy.Finding, 1); return d })},
		{"renamed", "devices", device(func(d []energy.Device) []energy.Device { d[0].Name = fmt.Sprint(calls.Add(1)); return d })},
		{"unknown kind", "devices", device(func(d []energy.Device) []energy.Device { d[0].Kind = "fpga"; return d })},
		{"no method", "devices", device(func(d []energy.Device) []energy.Device { d[0].Method = 7; return d })},
		{"no devices", "devices values", device(func([]energy.Device) []energy.Device { return nil })},
		{"gauge with joules", "presence", device(func(d []energy.Device) []energy.Device { d[0].Method = energy.Gauge; return d })},
		{"wrong device", "read-any", func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				for i := range dst {
					dst[i].Device = 0
				}
			}
		}},
		{"last not filled", "read-any", func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				if n := len(dst); n > 2 {
					dst[n-1].Joules = -1
				}
			}
		}},
		{"beyond dst", "read-any", func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				if n := len(dst); cap(dst) > n {
					dst[:n+1][n].Joules++
				}
			}
		}},
		{"panic on nothing", "read-none", func(b *faulty) { b.read = func(dst []energy.Reading) { _ = dst[0] } }},
		{"no times", "times", each(func(r *energy.Reading) { r.After = time.Time{} })},
		{"backwards", "times", each(func(r *energy.Reading) { r.Before = r.After.Add(1) })},
		{"future", "times", each(func(r *energy.Reading) { r.After = r.After.Add(1) })},
		{"earlier each time", "times", each(func(r *energy.Reading) {
			if early.IsZero() {
				early = r.Before
			}
			early = early.Add(-1)
			r.Before, r.After = early, early
		})},
		{"zero for absent", "presence values", each(func(r *energy.Reading) { *r = energy.Reading{Device: r.Device, Before: r.Before, After: r.After} })},
		{"value and error", "presence", each(func(r *energy.Reading) { r.Err = energy.ErrStalled })},
		{"negative watts", "values", each(func(r *energy.Reading) { r.Watts, r.HasWatts = -2, true })},
		{"garbage", "allocs", each(func(*energy.Reading) { sink = make([]byte, 64) })},
		{"panics at read 20", "monotone resolution allocs goroutines", func(b *faulty) {
			n := 0
			b.read = func([]energy.Reading) {
				if n++; n == 20 {
					panic("twenty in one go")
				}
			}
		}},
		{"absolute zero", "inspect", state(func(s *energy.State) { s.Celsius = -300 })},
		{"no temperature", "inspect", state(func(s *energy.State) { s.Celsius = math.NaN() })},
		{"no time", "inspect", state(func(s *energy.State) { s.At = time.Time{} })},
		{"other device", "inspect", state(func(s *energy.State) { s.Device = 0 })},
		{"no PID", "inspect", state(func(s *energy.State) { s.Processes = make([]energy.Process, 1) })},
		{"negative throttle", "inspect", state(func(s *energy.State) { s.Throttled = map[string]time.Duration{"power_cap": -1} })},
		{"bare state error", "inspect", state(func(s *energy.State) { s.Err = errors.New("?") })},
		{"does not inspect", "inspect", func(b *faulty) { b.inspect = func([]energy.State) {} }},
		{"closes once", "close read-closed", func(b *faulty) {
			n := 0
			b.close = func() error {
				if n++; n > 1 {
					return errors.New("already closed")
				}
				return b.Source.Close()
			}
		}},
		{"reads on", "read-closed", func(b *faulty) { b.close = func() error { return nil } }},
		{"zero when closed", "read-closed", func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				for i := range dst {
					if dst[i].Err != nil {
						dst[i].Err, dst[i].HasJoules = nil, true
					}
				}
			}
		}},
		{"panic when closed", "read-closed", func(b *faulty) {
			b.read = func(dst []energy.Reading) {
				if len(dst) > 0 && dst[0].Err != nil {
					panic("closed")
				}
			}
		}},
	} {
		names, err := failed(t, func() energy.Source {
			early = time.Time{}
			b := &faulty{Source: warm().(*simsource.Source)}
			tt.fault(b)
			return b
		})
		assert.Equal(t, tt.want, strings.Join(names, " "), "%s: %v", tt.name, err)
	}
	_ = sink
}
