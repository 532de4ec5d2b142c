package simsource

import "math"

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
