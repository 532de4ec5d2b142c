package estimate

import "math"

// pulse is a load that goes on at two levels in turn, about once a refresh period.
type pulse struct {
	rate   float64 // in periods a second
	phase  float64 // of it at time 0, in periods
	duty   float64 // the share of the time at the higher level
	swing  float64 // W, between the levels
	wander float64 // by how many periods it is off after the square root of a number of them
	weight float64
}

const (
	// manyPulses and fewPulses are how many pulses are looked at.
	manyPulses, fewPulses = 512, 128
	// steadyLoad is the weight of a load that hides nothing, before any tick was seen, if that
	// of all pulses is 1.
	steadyLoad = 2
	// idleShare is what a device draws at the least, as a share of what it can.
	idleShare = 0.1
	// How far a pulse may be off the ticks at most. Half of them are off by less than 4.6 %,
	// and as many by less than 1 % as by 1 to 3 %: some loads are made to repeat as often as
	// counters tick. Those that are off by less than closest are looked at as closely.
	mostOff, leastOff, closest = 0.3, 0.01, 0.001
	// extreme is the power of what is even, from 0 to 1, that the levels are away from the mean
	// power, relative to how far they can be: loads that stop use little then, and work fast.
	extreme = 0.2
	// mostWander is by how many periods a load may wander off its own beat in each, at most.
	mostWander = 0.003
	// plastic is the ratio of the quasi-random sequence in five dimensions: the real root of
	// x⁶ = x + 1 (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
	plastic = 1.1347241384015194
)

// pulsesOf returns pulses of a mean power, of a device that can draw most watts.
func pulsesOf(n int, period, watts, most float64) []pulse {
	list := make([]pulse, n)
	sum := 0.0
	low, high := max(watts-idleShare*most, 0), max(most-watts, 0)
	for i := range list {
		var u [5]float64
		step := 1.0
		for k := range u {
			step /= plastic
			_, u[k] = math.Modf(0.5 + step*float64(i+1))
		}
		p := &list[i]
		side := 2*u[0] - 1
		off := closest * (math.Pow(1+mostOff/closest, math.Abs(side)) - 1)
		down, up := low*math.Pow(u[1], extreme), high*math.Pow(u[2], extreme)
		p.rate, p.phase = 1/(period*(1+math.Copysign(off, side))), u[3]
		p.swing = down + up
		p.duty = down / max(p.swing, leastPower)
		p.wander = math.Sqrt(3) * mostWander * (2*u[4] - 1)
		p.weight = (off + closest) / (off + leastOff)
		sum += p.weight
	}
	for i := range list {
		list[i].weight /= sum
	}
	return list
}

// high returns how many periods it was at the higher level until a time, but for what is alike
// for all times.
func (p *pulse) high(t, shift float64) float64 {
	x := t*p.rate + p.phase + shift
	n := math.Floor(x)
	return n*p.duty + min(x-n, p.duty)
}

// hides returns how much more than is believed it uses in a target with these edges.
func (p *pulse) hides(edges []crossing) (joules float64) {
	for i := range edges {
		e := &edges[i]
		shift := p.wander * math.Sqrt((e.at-edges[0].at)*p.rate)
		begun := p.high(e.t0, shift)
		joules += e.sign * (p.high(e.at, shift) - begun - (e.at-e.t0)/e.length()*(p.high(e.t1, shift)-begun))
	}
	return p.swing / p.rate * joules
}
