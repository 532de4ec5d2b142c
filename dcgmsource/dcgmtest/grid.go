package dcgmtest

import "time"

// grid is when something happens regularly: at origin + phase + k·period for
// k ≥ 0, each time off by up to jitter.
type grid struct {
	origin        time.Time
	phase, period time.Duration
	jitter        time.Duration
	seed          uint64
}

// at returns the time number k since the origin.
func (g *grid) at(k int64) time.Duration {
	x := g.phase + time.Duration(k)*g.period
	if g.jitter > 0 {
		x += time.Duration(float64(g.jitter) * (2*uniform(g.seed, uint64(k)) - 1))
	}
	return max(x, 0)
}

// last returns the last time that is not after t, which is the origin before the
// first.
func (g *grid) last(t time.Time) time.Time {
	d := t.Sub(g.origin)
	// Jitter may bring one forward.
	for k := int64((d-g.phase)/g.period) + 1; k >= 0; k-- {
		if at := g.at(k); at <= d {
			return g.origin.Add(at)
		}
	}
	return g.origin
}
