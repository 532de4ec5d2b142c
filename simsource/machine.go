package simsource

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// machine is the simulation: the devices, the loads on them and the clock. The
// Sources that show it share it.
type machine struct {
	cfg  Config // as it was given
	base time.Time
	info energy.Info
	list []energy.Device

	latency time.Duration

	mu      sync.Mutex
	time    int64 // ns since base; never goes back
	devices []*device
	loads   loads
}

func newMachine(given Config) *machine {
	cfg := given.withDefaults()
	m := &machine{
		cfg:     given,
		base:    time.Now(),
		info:    energy.Info{Name: "simulated", Simulated: true, Period: cfg.Period},
		latency: cfg.Latency,
	}
	for i := range cfg.GPUs {
		m.devices = append(m.devices, newDevice(cfg, i))
		m.list = append(m.list, describe(cfg, i))
	}
	if cfg.Gauge == OnlyGauge {
		m.info.Period = cfg.GaugePeriod
	}
	return m
}

func describe(cfg Config, i int) energy.Device {
	d := energy.Device{
		UUID:       fmt.Sprintf("SIM-%08x-0000-0000-0000-%012d", uint32(cfg.Seed), i),
		Index:      i,
		Name:       cfg.Name,
		Method:     energy.Counter,
		Metric:     "simulated energy counter",
		Resolution: 0.001,
	}
	if !math.IsInf(cfg.PowerLimit, 1) {
		d.PowerLimit = cfg.PowerLimit
	}
	if cfg.Gauge != NoGauge {
		d.Sensor = energy.Sensor{
			Kernels: []energy.Kernel{{Manner: energy.Boxcar, Shortest: cfg.GaugePeriod, Longest: cfg.GaugePeriod}},
			Refresh: cfg.GaugePeriod,
		}
	}
	if cfg.Gauge == OnlyGauge {
		d.Method, d.Metric, d.Resolution = energy.Gauge, "simulated power gauge", 0
	}
	return d
}

// now returns the time in ns since the simulation began. The caller holds mu.
func (m *machine) now() int64 {
	m.time = max(m.time, int64(time.Since(m.base)))
	return m.time
}

// read fills in a reading of device i, but for the times around it.
func (m *machine) read(i int, r *energy.Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.devices[i]
	d.advance(m.now())
	gauge := m.cfg.Gauge
	if r.HasJoules = gauge != OnlyGauge; r.HasJoules {
		r.Joules = d.millis / 1e3
	}
	if r.HasWatts = gauge != NoGauge; r.HasWatts {
		r.Watts = d.shows
	}
}

// inspect fills in the state of device i.
func (m *machine) inspect(i int, s *energy.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, t := m.devices[i], m.now()
	s.Celsius, s.HasCelsius = d.celsius(&d.now, t), true
	s.Throttled = map[string]time.Duration{"power_cap": time.Duration(d.cappedAt(t))}
}

// truth returns the energy that device i used in [start, end), in joules, and
// NaN if the simulation does not know.
func (m *machine) truth(i int, start, end time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, from, to := m.now(), int64(start.Sub(m.base)), int64(end.Sub(m.base))
	if to > t {
		return math.NaN()
	}
	d := m.devices[i]
	return (d.past.joulesNano(&d.model, to) - d.past.joulesNano(&d.model, from)) / 1e9
}

// setPeriod gives device i's counter another refresh period, from now on.
func (m *machine) setPeriod(i int, period time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, t := m.devices[i], m.now()
	d.advance(t)
	jitter := min(d.counter.jitter, int64(period)*45/100)
	d.counter.phase, d.counter.period, d.counter.jitter = t+int64(period), int64(period), jitter
	d.ticked = -1
}

// loads are the loads that are under way. A slot is used again once its load
// has ended, so there are as many as there ever were at one time; its
// generation distinguishes a second call of done from the first.
type loads struct {
	slots []load
	free  []int
}

type load struct {
	generation uint64
	units      int64  // of fullLoad
	devices    uint64 // bit set
}

// begin puts a load on the devices, and returns what ends it.
func (m *machine) begin(units int64, devices uint64) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.loads
	slot := len(l.slots)
	if n := len(l.free); n > 0 {
		slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		l.slots = append(l.slots, load{})
	}
	s := &l.slots[slot]
	s.generation++
	s.units, s.devices = units, devices
	m.apply(units, devices)
	generation := s.generation
	return func() { m.end(slot, generation) }
}

func (m *machine) end(slot int, generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.loads.slots[slot]
	if s.generation != generation {
		return
	}
	s.generation++
	m.loads.free = append(m.loads.free, slot)
	m.apply(-s.units, s.devices)
}

// apply changes the load of the devices now. The caller holds mu.
func (m *machine) apply(units int64, devices uint64) {
	t := m.now()
	for i, d := range m.devices {
		if devices&(1<<i) != 0 {
			d.addLoad(t, units)
		}
	}
}
