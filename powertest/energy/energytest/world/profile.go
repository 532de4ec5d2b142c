package world

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// Power is what a device draws, in watts, as a function of time in seconds.
type Power interface {
	// Watts returns the power at a time.
	Watts(t float64) float64
	// Joules returns the exact integral of Watts.
	Joules(from, to float64) float64
}

// piece is a stretch of power of one form, in dt since its start:
//
//	level + slope·dt + rest·exp(−dt/tau) + swing·sin(2π·dt/period)
//
// Beyond its length the power stays what its level is there.
type piece struct {
	start, length float64
	joules        float64 // before start
	level, slope  float64
	rest, tau     float64
	swing, period float64
}

func (p piece) watts(dt float64) float64 {
	w := p.level + p.slope*min(dt, p.length)
	if dt > p.length {
		return w
	}
	if p.rest != 0 {
		w += p.rest * math.Exp(-dt/p.tau)
	}
	if p.swing != 0 {
		w += p.swing * math.Sin(2*math.Pi*dt/p.period)
	}
	return w
}

// energy is the integral of watts from 0 to dt.
func (p piece) energy(dt float64) float64 {
	in := min(dt, p.length)
	e := p.level*in + p.slope*in*in/2
	if p.rest != 0 {
		e += p.rest * p.tau * (1 - math.Exp(-in/p.tau))
	}
	if p.swing != 0 {
		e += p.swing * p.period / (2 * math.Pi) * (1 - math.Cos(2*math.Pi*in/p.period))
	}
	return e + (dt-in)*(p.level+p.slope*p.length)
}

// Profile is a [Power] of pieces that are laid one after another. After the last the
// power stays as it is; what is laid out of the future can be replaced with Begin.
type Profile struct {
	pieces []piece
	next   float64 // where the next piece begins
}

// NewProfile returns a profile of a constant power, from long ago on.
func NewProfile(watts float64) *Profile {
	return &Profile{pieces: []piece{{level: watts}}}
}

// find returns the piece that holds at t.
func (p *Profile) find(t float64) piece {
	if last := p.pieces[len(p.pieces)-1]; t >= last.start {
		return last
	}
	i := sort.Search(len(p.pieces), func(i int) bool { return p.pieces[i].start > t })
	return p.pieces[max(i-1, 0)]
}

// Watts implements [Power].
func (p *Profile) Watts(t float64) float64 {
	at := p.find(t)
	return at.watts(t - at.start)
}

// Joules implements [Power].
func (p *Profile) Joules(from, to float64) float64 { return p.upTo(to) - p.upTo(from) }

// upTo is the energy since time 0.
func (p *Profile) upTo(t float64) float64 {
	at := p.find(t)
	return at.joules + at.energy(t-at.start)
}

// Begin makes the next piece begin at t, and forgets what was laid out from then on.
func (p *Profile) Begin(t float64) {
	if t < 0 {
		panic(fmt.Sprintf("world: a profile cannot begin at %v s", t))
	}
	for len(p.pieces) > 1 && p.pieces[len(p.pieces)-1].start >= t {
		p.pieces = p.pieces[:len(p.pieces)-1]
	}
	p.next = t
}

// End is where the next piece would begin.
func (p *Profile) End() float64 { return p.next }

func (p *Profile) lay(d float64, x piece) {
	if d <= 0 {
		return
	}
	x.start, x.length, x.joules = p.next, d, p.upTo(p.next)
	p.pieces = append(p.pieces, x)
	p.next += d
}

// now is the power just before the next piece.
func (p *Profile) now() float64 { return p.Watts(p.next) }

// Hold keeps a power for d.
func (p *Profile) Hold(d, watts float64) { p.lay(d, piece{level: watts}) }

// Slide goes in a straight line from the power there is to another, in d.
func (p *Profile) Slide(d, watts float64) {
	if d <= 0 {
		return
	}
	from := p.now()
	p.lay(d, piece{level: from, slope: (watts - from) / d})
}

// Relax goes exponentially from the power there is towards another, for d.
func (p *Profile) Relax(d, watts, tau float64) {
	p.lay(d, piece{level: watts, rest: p.now() - watts, tau: tau})
}

// Ripple keeps a mean power for d, with a sine of the amplitude and period over it.
func (p *Profile) Ripple(d, watts, swing, period float64) {
	p.lay(d, piece{level: watts, swing: swing, period: period})
}

// Board is a device's power as loads lay it out, with the traits of one specimen.
type Board struct {
	*Profile
	Rand       *rand.Rand
	Idle, Busy float64 // watts
	Rise, Fall float64 // seconds that a change of power takes
	Noise      float64 // relative standard deviation of a busy board's power
	wander     float64 // the noise now, which is correlated over some 20 ms
}

// NewBoard draws a board.
func NewBoard(r *rand.Rand) *Board {
	idle := between(r, 60, 130)
	return &Board{
		Profile: NewProfile(idle), Rand: r,
		Idle: idle, Busy: between(r, 320, 680),
		Rise: between(r, 0.0005, 0.005), Fall: between(r, 0.0005, 0.004),
		Noise: between(r, 0.002, 0.015),
	}
}

// Work holds a noisy power for d.
func (b *Board) Work(d, watts float64) {
	for end := b.End() + d; b.End() < end; {
		b.wander = 0.7*b.wander + 0.7*b.Noise*b.Rand.NormFloat64()
		step := 0.002 + 0.008*b.Rand.ExpFloat64()
		if rest := end - b.End(); step > rest-0.001 {
			b.Hold(rest, watts*(1+b.wander))
			return
		}
		b.Hold(step, watts*(1+b.wander))
	}
}

// Stretch is work from a time on for a length, from and back to idle.
func (b *Board) Stretch(from, length, watts float64) {
	b.Begin(from)
	b.Slide(b.Rise, watts)
	b.Work(length-b.Rise, watts)
	b.Rest()
}

// Rest goes to idle, at once.
func (b *Board) Rest() {
	b.Slide(b.Fall, b.Idle)
	b.Hold(0.001, b.Idle)
}

// between draws from a range, evenly.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }
