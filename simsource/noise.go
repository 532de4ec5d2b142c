package simsource

import "math"

// noise multiplies the power by 1 + the sum of a few sinusoids. A sum of
// sinusoids looks random enough to a counter that integrates over 100 ms, and
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
