package simsource

import (
	"math"
	"sort"
)

// segment is a stretch of time with a constant load. In it the power follows
// the load in first order: from start to target, with the time constant tau.
//
// Energy is in W·ns: the product of whole watts and nanoseconds is a whole
// number, which a float64 holds exactly up to 9 MJ.
type segment struct {
	at     int64   // ns since the simulation began
	energy float64 // W·ns used before it
	start  float64 // W, without noise
	target float64 // W
	warm   float64 // °C at its beginning
}

// The thermal model is of first order too: towards ambient plus a rise in
// proportion to the power, which is 72 °C at 700 W.
const (
	ambient   = 30.0 // °C
	perWatt   = 0.06 // °C/W
	thermalNS = 20e9 // ns, the time constant
)

// model is what is constant about a device.
type model struct {
	ramp, tail float64 // ns
	noise      noise
}

func (m *model) tau(s *segment) float64 {
	if s.start < s.target {
		return m.ramp
	}
	return m.tail
}

// excess returns how far the power is from the target at the beginning of the
// segment, and with which time constant that decays.
func (m *model) excess(s *segment) (watts, tau float64) {
	if tau = m.tau(s); tau == 0 {
		return 0, 0
	}
	return s.start - s.target, tau
}

// mean returns the power at t without noise, in watts.
func (m *model) mean(s *segment, t int64) float64 {
	x, tau := m.excess(s)
	if x == 0 {
		return s.target
	}
	return s.target + x*math.Exp(-float64(t-s.at)/tau)
}

// watts returns the power at t.
func (m *model) watts(s *segment, t int64) float64 {
	p := m.mean(s, t)
	if m.noise.amplitude != 0 {
		p *= 1 + m.noise.at(float64(t))
	}
	return p
}

// joulesNano returns the energy used until t, in W·ns, for t in the segment.
func (m *model) joulesNano(s *segment, t int64) float64 {
	d := float64(t - s.at)
	e := s.target * d
	x, tau := m.excess(s)
	if x != 0 {
		e -= x * tau * math.Expm1(-d/tau)
	}
	if m.noise.amplitude != 0 {
		e += m.noise.integral(float64(s.at), d, s.target, x, tau)
	}
	return s.energy + e
}

// celsius returns the temperature at t, to which noise does not matter.
func (m *model) celsius(s *segment, t int64) float64 {
	d := float64(t - s.at)
	steady := ambient + perWatt*s.target
	x, tau := m.excess(s)
	if x == 0 {
		return steady + (s.warm-steady)*math.Exp(-d/thermalNS)
	}
	if tau == thermalNS {
		tau *= 1 + 1e-6 // the two exponentials must differ
	}
	// The power's own exponential drives the thermal one.
	driven := perWatt * x / (1 - thermalNS/tau)
	return steady + driven*math.Exp(-d/tau) + (s.warm-steady-driven)*math.Exp(-d/thermalNS)
}

// next returns the segment that begins at t with another target.
func (m *model) next(s *segment, t int64, target float64) segment {
	return segment{
		at:     t,
		energy: m.joulesNano(s, t),
		start:  m.mean(s, t),
		target: target,
		warm:   m.celsius(s, t),
	}
}

// noise multiplies the power by 1 + the sum of a few sinusoids. A sum of
// sinusoids is random enough for a counter that integrates over 100 ms, and
// unlike random numbers its integral is a closed form.
type noise struct {
	amplitude float64 // of each wave, relative
	waves     [4]wave
}

type wave struct{ omega, phi float64 } // rad/ns, rad

func newNoise(deviation float64, seed uint64) noise {
	n := noise{amplitude: deviation * math.Sqrt(2/float64(len(noise{}.waves)))}
	// Each band is spread by the seed so that no frequency is a simple
	// multiple of another, nor of the tick rate.
	for i, hz := range [len(noise{}.waves)]float64{0.6, 4, 21, 130} {
		hz *= 1 + 0.5*uniform(seed+2, uint64(i))
		n.waves[i] = wave{2 * math.Pi * hz / 1e9, 2 * math.Pi * uniform(seed+3, uint64(i))}
	}
	return n
}

// at returns the noise at t ns: what 1 is added to.
func (n *noise) at(t float64) float64 {
	sum := 0.0
	for _, w := range n.waves {
		sum += math.Sin(w.omega*t + w.phi)
	}
	return n.amplitude * sum
}

// integral returns the integral over [t0, t0+d) of the noise times the power
// level + excess·exp(-(t-t0)/tau), in W·ns.
func (n *noise) integral(t0, d, level, excess, tau float64) float64 {
	decay, rate := 0.0, 0.0
	if excess != 0 {
		decay, rate = math.Exp(-d/tau), 1/tau
	}
	sum := 0.0
	for _, w := range n.waves {
		s0, c0 := math.Sincos(w.omega*t0 + w.phi)
		s1, c1 := math.Sincos(w.omega*(t0+d) + w.phi)
		sum += level / w.omega * (c0 - c1)
		if excess != 0 {
			// ∫ exp(-rate·x)·sin(omega·x + psi) dx, between 0 and d.
			from := rate*s0 + w.omega*c0
			to := decay * (rate*s1 + w.omega*c1)
			sum += excess * (from - to) / (rate*rate + w.omega*w.omega)
		}
	}
	return n.amplitude * sum
}

// history holds the last segments of a device, up to a limit: the truth about
// the past, in bounded memory.
type history struct {
	limit int
	ring  []segment
	first int // index of the oldest, once the ring is full
}

func (h *history) add(s segment) {
	if len(h.ring) < h.limit {
		h.ring = append(h.ring, s)
		return
	}
	h.ring[h.first] = s
	h.first = (h.first + 1) % h.limit
}

// replace overwrites the newest segment.
func (h *history) replace(s segment) { *h.get(len(h.ring) - 1) = s }

// get returns segment i, counted from the oldest.
func (h *history) get(i int) *segment { return &h.ring[(h.first+i)%len(h.ring)] }

// joulesNano returns the energy used until t, in W·ns, and NaN if t is before
// the oldest segment.
func (h *history) joulesNano(m *model, t int64) float64 {
	after := sort.Search(len(h.ring), func(i int) bool { return h.get(i).at > t })
	if after == 0 {
		return math.NaN()
	}
	return m.joulesNano(h.get(after-1), t)
}
