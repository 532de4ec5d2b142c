package simsource

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source] on simulated GPUs. All of its methods are safe
// to call from any goroutine.
type Source struct {
	sim     *machine
	pick    []int // the machine's devices that this source shows
	devices []energy.Device
	closed  atomic.Bool
}

var (
	_ energy.Source    = (*Source)(nil)
	_ energy.Inspector = (*Source)(nil)

	// Made ahead, because Read does not allocate.
	errClosed   = fmt.Errorf("read simulated GPU: source: %w", fs.ErrClosed)
	errNoDevice = fmt.Errorf("read simulated GPU: the index is outside of Devices: %w", energy.ErrNoDevice)
)

// New starts a simulation and returns a source that shows all of its devices.
// The simulation begins now, at 0 J.
func New(cfg Config) *Source {
	m := newMachine(cfg)
	s := &Source{sim: m, devices: m.list}
	for i := range m.list {
		s.pick = append(s.pick, i)
	}
	return s
}

// Select returns a source that shows only some devices of the same simulation.
// Each is given by its index or by the beginning of its UUID; no selector
// means all devices. The error wraps [energy.ErrNoDevice] if a selector
// matches none, or more than one.
func (s *Source) Select(selectors ...string) (*Source, error) {
	if len(selectors) == 0 {
		return &Source{sim: s.sim, pick: s.pick, devices: s.devices}, nil
	}
	out := &Source{sim: s.sim}
	for _, sel := range selectors {
		i, err := s.find(strings.TrimSpace(sel))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out.pick, s.pick[i]) {
			out.pick = append(out.pick, s.pick[i])
			out.devices = append(out.devices, s.devices[i])
		}
	}
	return out, nil
}

func (s *Source) find(sel string) (int, error) {
	found, n := -1, 0
	for i, d := range s.devices {
		if sel == strconv.Itoa(d.Index) || sel == d.UUID {
			return i, nil
		}
		if sel != "" && strings.HasPrefix(d.UUID, sel) {
			found, n = i, n+1
		}
	}
	if n == 1 {
		return found, nil
	}
	var have strings.Builder
	for i, d := range s.devices {
		if i > 0 {
			have.WriteString(", ")
		}
		fmt.Fprintf(&have, "%d (%s)", d.Index, d.UUID)
	}
	return 0, fmt.Errorf("select simulated GPU %q: %w: %d match, give the index or UUID of one of %s",
		sel, energy.ErrNoDevice, n, have.String())
}

// Info describes the source as simulated.
func (s *Source) Info() energy.Info { return s.sim.info }

// Devices lists the simulated devices.
func (s *Source) Devices() []energy.Device { return s.devices }

// Read fills in dst as [energy.Source] says.
func (s *Source) Read(dst []energy.Reading) {
	for i := range dst {
		r := &dst[i]
		*r = energy.Reading{Device: r.Device, Before: time.Now()}
		switch {
		case s.closed.Load():
			r.Err = errClosed
		case r.Device < 0 || r.Device >= len(s.pick):
			r.Err = errNoDevice
		default:
			s.read(r)
		}
		r.After = time.Now()
	}
}

func (s *Source) read(r *energy.Reading) {
	half := s.sim.latency / 2
	if half > 0 {
		time.Sleep(half)
	}
	s.sim.read(s.pick[r.Device], r)
	if half > 0 {
		time.Sleep(s.sim.latency - half)
	}
}

// Inspect fills in dst as [energy.Inspector] says: with the temperature, and
// under the cause "power_cap" the time for which the load asked for more than
// the power limit.
func (s *Source) Inspect(dst []energy.State) {
	for i := range dst {
		st := &dst[i]
		*st = energy.State{Device: st.Device, At: time.Now()}
		switch {
		case s.closed.Load():
			st.Err = errClosed
		case st.Device < 0 || st.Device >= len(s.pick):
			st.Err = errNoDevice
		default:
			s.sim.inspect(s.pick[st.Device], st)
		}
	}
}

// Close makes readings of the source fail with [fs.ErrClosed]. The simulation
// goes on for other sources that show it.
func (s *Source) Close() error {
	s.closed.Store(true)
	return nil
}

// SetPeriod changes the refresh period of the counters, as a driver may do:
// the next tick comes one new period from now. The nominal periods that
// [Source.Info] and [Source.Devices] tell stay what they were.
func (s *Source) SetPeriod(period time.Duration) {
	for _, i := range s.pick {
		s.sim.setPeriod(i, refresh(period, defaultPeriod))
	}
}

// TrueJoules returns the energy in joules that devices of the source used in
// [start, end): the exact integral of the simulated power. Devices are given
// by their index in [Source.Devices]; none means the sum of all. It panics if
// there is no such device.
//
// The simulation remembers the last Config.History changes of each device's
// power. The result is NaN, because absent is not zero, if start is before the
// oldest of them or before the simulation began, or if end has not come yet.
func (s *Source) TrueJoules(start, end time.Time, devices ...int) float64 {
	set, sum := s.bits(devices), 0.0
	if end.Before(start) {
		return math.NaN()
	}
	for _, i := range s.pick {
		if set&(1<<i) != 0 {
			sum += s.sim.truth(i, start, end)
		}
	}
	return sum
}
