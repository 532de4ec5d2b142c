package simsource

import (
	"math/bits"
	"time"
)

// ticks says when a refreshed value changes. It is a function of the tick's
// number, not a state: any tick of the past or future can be asked for.
type ticks struct {
	phase, period, jitter int64 // ns
	missed                uint64
	seed                  uint64
}

func newTicks(phase int64, period, jitter time.Duration, missed float64, seed uint64) ticks {
	return ticks{
		phase:  phase,
		period: int64(period),
		jitter: int64(jitter),
		missed: uint64(missed * (1 << 32)),
		seed:   seed,
	}
}

// at returns the time of tick k, in ns since the simulation began. The first
// tick is on time.
func (t *ticks) at(k int64) int64 {
	x := t.phase + k*t.period
	if t.jitter == 0 || k == 0 {
		return x
	}
	// The high word of hash × width is uniform in [0, width).
	hi, _ := bits.Mul64(hash(t.seed, uint64(k)), uint64(2*t.jitter+1))
	return x + int64(hi) - t.jitter
}

// shown reports whether tick k is not missed. The first tick never is.
func (t *ticks) shown(k int64) bool {
	return t.missed == 0 || k == 0 || hash(t.seed+1, uint64(k))>>32 >= t.missed
}

// last returns the number of the last tick that is shown at or before now, and
// -1 before the first.
func (t *ticks) last(now int64) int64 {
	if now < t.phase {
		return -1
	}
	k := (now-t.phase)/t.period + 1 // jitter may bring one tick forward
	for k > 0 && (t.at(k) > now || !t.shown(k)) {
		k--
	}
	return k
}

// hash is splitmix64 over a seed and a number: the deterministic randomness of
// the package.
func hash(seed, n uint64) uint64 {
	x := (seed ^ 0x6a09e667f3bcc909) + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform is hash as a number in [0, 1).
func uniform(seed, n uint64) float64 { return float64(hash(seed, n)>>11) / (1 << 53) }
