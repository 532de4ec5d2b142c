package simsource

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
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

// Select returns a source that shows only some devices of the same simulation, which
// are selected as [energy.Select] does.
func (s *Source) Select(selectors ...string) (*Source, error) {
	at, err := energy.Select(s.devices, selectors...)
	if err != nil {
		return nil, fmt.Errorf("simulated source: %w", err)
	}
	out := &Source{sim: s.sim}
	for _, i := range at {
		out.pick = append(out.pick, s.pick[i])
		out.devices = append(out.devices, s.devices[i])
	}
	return out, nil
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
			time.Sleep(s.sim.latency / 2)
			s.sim.read(s.pick[r.Device], r)
			time.Sleep(s.sim.latency - s.sim.latency/2)
		}
		r.After = time.Now()
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

// Busy puts full load on devices of the source, given by their index in
// [Source.Devices]; on all of them if none is given. The load lasts until done
// is called; calling it again does nothing. Loads add up until a device is
// fully loaded. Busy is safe to call from any goroutine. It panics if there is
// no such device.
func (s *Source) Busy(devices ...int) (done func()) {
	return s.sim.begin(fullLoad, s.bits(devices))
}

// BusyLoad is [Source.Busy] with a load between 0 (idle) and 1 (full). It
// panics if fraction is not in that range.
func (s *Source) BusyLoad(fraction float64, devices ...int) (done func()) {
	if !(fraction >= 0 && fraction <= 1) {
		panic(fmt.Sprintf("simsource: load %v is not between 0 and 1", fraction))
	}
	return s.sim.begin(int64(fraction*fullLoad+0.5), s.bits(devices))
}

// bits returns the machine's devices for indexes of the source's.
func (s *Source) bits(devices []int) uint64 {
	set := uint64(0)
	if len(devices) == 0 {
		for _, d := range s.pick {
			set |= 1 << d
		}
	}
	for _, i := range devices {
		if i < 0 || i >= len(s.pick) {
			panic(fmt.Sprintf("simsource: there is no device %d: the source has %d", i, len(s.pick)))
		}
		set |= 1 << s.pick[i]
	}
	return set
}

// SetPeriod changes the refresh period of the counters, as a driver may do:
// the next tick comes one new period from now. The nominal periods that
// [Source.Info] and [Source.Devices] report stay what they were.
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
// The simulation keeps the last Config.History changes of each device's
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

func init() { energy.Register("sim", open) }

// process is the simulation of the process.
var process struct {
	sync.Mutex
	source *Source
}

// Default returns the source of the process's own simulation: the one that
// POWERTEST_SOURCE=sim opens. Its first use starts it, with the configuration
// in POWERTEST_SOURCE if there is a valid one.
//
// Opening the source "sim" with another configuration replaces the simulation,
// and load that is on the old one stays there: open first, then work. Tests
// that run in several testing/synctest bubbles, each with its own clock, had
// better call [New] in each.
func Default() *Source {
	process.Lock()
	defer process.Unlock()
	if process.source == nil {
		process.source = New(fromEnvironment())
	}
	return process.source
}

// Busy is [Source.Busy] of [Default].
func Busy(devices ...int) (done func()) { return Default().Busy(devices...) }

// BusyLoad is [Source.BusyLoad] of [Default].
func BusyLoad(fraction float64, devices ...int) (done func()) {
	return Default().BusyLoad(fraction, devices...)
}

// fromEnvironment returns the configuration in POWERTEST_SOURCE, and the zero
// one if there is none or a malformed one, which opening the source reports.
func fromEnvironment() Config {
	arg, ok := strings.CutPrefix(os.Getenv("POWERTEST_SOURCE"), "sim=")
	if !ok {
		return Config{}
	}
	cfg, _ := parse(arg)
	return cfg
}

// open is the [energy.OpenFunc] of this package.
func open(arg string, devices []string) (energy.Source, error) {
	cfg, err := parse(arg)
	if err != nil {
		return nil, err
	}
	process.Lock()
	defer process.Unlock()
	if s := process.source; s == nil || s.sim.cfg != cfg || !s.sim.onClock() {
		process.source = New(cfg)
	}
	// A source of its own, so that closing it leaves Default open.
	s, err := process.source.Select(devices...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// onClock reports whether the simulation's time can be that of this goroutine:
// a test's fake clock is decades away from the real one, and the next test's
// fake clock starts again where the last one did.
func (m *machine) onClock() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	const aYear = 365 * 24 * time.Hour
	d := time.Since(m.base) - time.Duration(m.time)
	return 0 <= d && d < aYear
}
