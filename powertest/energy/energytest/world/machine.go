package world

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Machine is an [energy.Source] of devices whose counters are read one after another, as
// behind a driver's lock. A call takes 0.05 to 1 ms, and rarely some times longer.
type Machine struct {
	epoch   time.Time
	boards  []*Board
	devices []energy.Device
	period  time.Duration
	latency float64 // of a usual call, in seconds
	slow    float64 // share of calls that take some times longer

	mu      sync.Mutex // of what follows, and of the boards once it is read
	tickers []*ticker
	rand    *rand.Rand
}

// newMachine begins at time.Now with boards that have a counter each.
func newMachine(r *rand.Rand, boards []*Board, c Counter) *Machine {
	m := &Machine{
		epoch: time.Now(), boards: boards, rand: r, period: seconds(c.Period),
		latency: 5e-5 * math.Pow(20, r.Float64()), slow: cmp.Or(c.Slow, 0.01),
	}
	if c.Call > 0 {
		m.latency = c.Call
	}
	var calibration *energy.Calibration
	if c.Known {
		calibration = &energy.Calibration{Share: c.Share}
	}
	for i, b := range boards {
		m.tickers = append(m.tickers, newTicker(c, b, rand.New(rand.NewPCG(r.Uint64(), uint64(i)))))
		m.devices = append(m.devices, energy.Device{
			UUID: fmt.Sprintf("GPU-%08x", i), Index: i, Name: "World GPU", Method: energy.Counter,
			Metric: "a simulated counter", Resolution: m.tickers[i].Step, PowerLimit: 700, Calibration: calibration,
			Delay: seconds(c.Usual[0]), DelaySD: seconds(c.Usual[1]),
		})
	}
	return m
}

// Info implements [energy.Source].
func (m *Machine) Info() energy.Info {
	return energy.Info{Name: "world", Simulated: true, Period: m.period}
}

// Devices implements [energy.Source].
func (m *Machine) Devices() []energy.Device { return m.devices }

// Close implements [energy.Source].
func (m *Machine) Close() error { return nil }

// Read implements [energy.Source]: the value is that of some moment of each call.
func (m *Machine) Read(dst []energy.Reading) {
	for i := range dst {
		before, value := m.call()
		r := energy.Reading{Device: dst[i].Device, Before: time.Now()}
		time.Sleep(before)
		shown := m.shown(r.Device)
		r.Joules, r.HasJoules = shown.joules, true
		r.Watts, r.HasWatts = shown.watts, m.tickers[r.Device].Gauge > 0
		time.Sleep(value)
		r.After = time.Now()
		dst[i] = r
	}
}

// call draws how long a call takes until it has the value, and from then on.
func (m *Machine) call() (until, after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.latency * between(m.rand, 0.7, 1.4)
	if m.rand.Float64() < m.slow {
		d *= between(m.rand, 2, 5)
	}
	share := m.rand.Float64()
	return seconds(share * d), seconds((1 - share) * d)
}

// shown is what a device shows now.
func (m *Machine) shown(device int) tick {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tickers[device].at(m.now())
}

// now is the time since the machine began, in seconds.
func (m *Machine) now() float64 { return time.Since(m.epoch).Seconds() }

// time is the opposite of now.
func (m *Machine) time(t float64) time.Time { return m.epoch.Add(seconds(t)) }

// joules is the truth: what all boards drew.
func (m *Machine) joules(spans []span) (sum float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.boards {
		for _, s := range spans {
			sum += b.Joules(s.from, s.to)
		}
	}
	return sum
}

// span is a stretch of time.
type span struct{ from, to float64 }

func length(spans []span) (d float64) {
	for _, s := range spans {
		d += s.to - s.from
	}
	return d
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }
