package gate

import (
	"math"
	"math/rand/v2"
)

// A drift is by how much a build that has not changed costs more in a run, as a share.
type drift func(run int) float64

// noises are one sample's, with a standard deviation or, where that is none, a scale of 1.
var noises = map[string]func(random *rand.Rand) float64{
	"normal": (*rand.Rand).NormFloat64,
	// With two degrees of freedom: one of 20 is more than 4.3 scales off.
	"heavy-tailed": func(random *rand.Rand) float64 {
		return random.NormFloat64() / math.Sqrt(random.ExpFloat64())
	},
	"skewed": func(random *rand.Rand) float64 { return random.ExpFloat64() - 1 },
	// So coarse that most values are equal to others.
	"ties": func(random *rand.Rand) float64 { return math.Round(random.NormFloat64()) },
	"none": func(*rand.Rand) float64 { return 0 },
}

// drifts are by how much runs become dearer, at 0.5 % noise: all of it 0.2 % per run on
// average, and up to ten times the noise at once.
var drifts = map[string]func(random *rand.Rand) drift{
	"none":   func(*rand.Rand) drift { return func(int) float64 { return 0 } },
	"linear": func(*rand.Rand) drift { return func(run int) float64 { return 0.002 * float64(run) } },
	"steep":  func(*rand.Rand) drift { return func(run int) float64 { return 0.01 * float64(run) } },
	"warm-up": func(random *rand.Rand) drift { // it saturates after some runs
		size, runs := 0.1*random.Float64(), 0.5+8*random.Float64()
		return func(run int) float64 { return size * (1 - math.Exp(-float64(run)/runs)) }
	},
	"cooling": func(random *rand.Rand) drift {
		size, runs := 0.1*random.Float64(), 0.5+8*random.Float64()
		return func(run int) float64 { return size * math.Exp(-float64(run)/runs) }
	},
	"step": func(random *rand.Rand) drift {
		at, size := random.IntN(20), 0.05*random.NormFloat64()
		return func(run int) float64 {
			if run < at {
				return 0
			}
			return size
		}
	},
	"steps": func(random *rand.Rand) drift { // of a random walk
		var at []float64
		return func(run int) float64 {
			for len(at) <= run {
				last := 0.0
				if n := len(at); n > 0 {
					last = at[n-1]
				}
				if random.IntN(5) == 0 {
					last += 0.02 * random.NormFloat64()
				}
				at = append(at, last)
			}
			return at[run]
		}
	},
}

// simulated are samples of two builds that were taken in turn, of which the new one costs
// more by a shift.
func simulatedTaken(random *rand.Rand, count int, shape, noise string, deviation, shift float64) taken {
	dearer := drifts[shape](random)
	return taken{count: count, value: func(run, side int) float64 {
		return 100 * math.Exp(deviation*noises[noise](random)) * (1 + dearer(run)) * (1 + shift*float64(side))
	}}
}

// apart makes samples that are not pairs of the same.
func (s taken) apart() taken {
	s.session = func(run int) string { return string("ab"[turn(run)]) }
	return s
}
