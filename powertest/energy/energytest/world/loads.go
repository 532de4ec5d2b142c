package world

import "math"

// Load lays out the power of a board: when called, what does not depend on windows, up
// to a horizon. The function that it returns is called for each piece of work that a
// harness asks for, at the time when it begins; a load that runs anyway does nothing then.
// What is drawn when the load is called is alike in all windows of a trial.
type Load func(b *Board, horizon float64) (work func(from, length float64))

// Cold works from idle to idle, with edges of some ms.
func Cold(b *Board, _ float64) func(from, length float64) {
	return func(from, length float64) { b.Stretch(from, length, b.Busy) }
}

// tailed is work that is followed by a tail of its own before the board rests.
func tailed(b *Board, tail func()) func(from, length float64) {
	return func(from, length float64) {
		b.Begin(from)
		b.Slide(b.Rise, b.Busy)
		b.Work(length-b.Rise, b.Busy)
		tail()
		b.Rest()
	}
}

// Decay falls off exponentially after work, in 8 to 45 ms.
func Decay(b *Board, _ float64) func(from, length float64) {
	tau := between(b.Rand, 0.008, 0.045)
	return tailed(b, func() { b.Relax(9*tau, b.Idle, tau) })
}

// Held stays at 25 to 60 % of the work's power for 30 to 300 ms before it rests.
func Held(b *Board, _ float64) func(from, length float64) {
	share, d := between(b.Rand, 0.25, 0.6), between(b.Rand, 0.03, 0.3)
	return tailed(b, func() {
		level := b.Idle + share*(b.Busy-b.Idle)
		b.Slide(b.Fall, level)
		b.Hold(d*between(b.Rand, 0.95, 1.05), level)
	})
}

// Stepped goes down in two to four steps over 30 to 150 ms, as boards were seen to.
func Stepped(b *Board, _ float64) func(from, length float64) {
	steps, d := 2+b.Rand.IntN(3), between(b.Rand, 0.03, 0.15)
	return tailed(b, func() {
		for k := steps; k > 0; k-- {
			level := b.Idle + (b.Busy-b.Idle)*(0.15+0.55*float64(k)/float64(steps))
			b.Slide(b.Fall, level)
			b.Hold(d/float64(steps)*between(b.Rand, 0.8, 1.2), level)
		}
	})
}

// Clocks keeps the board's clocks up after work, for 1 to 5 s at 30 to 120 W above idle.
func Clocks(b *Board, _ float64) func(from, length float64) {
	above, d := between(b.Rand, 30, 120), between(b.Rand, 1, 5)
	return tailed(b, func() {
		b.Slide(b.Fall, b.Idle+above)
		b.Hold(d, b.Idle+above)
	})
}

// Boost begins 10 to 30 % above the power that it comes down to within 50 to 300 ms.
func Boost(b *Board, _ float64) func(from, length float64) {
	over, tau := between(b.Rand, 1.1, 1.3), between(b.Rand, 0.05, 0.3)
	return func(from, length float64) {
		b.Begin(from)
		b.Slide(b.Rise, over*b.Busy)
		b.Relax(length-b.Rise, b.Busy, tau)
		b.Rest()
	}
}

// LLM is a request to an inference server: a prefill burst of 50 to 400 ms, but of at most
// half of the time, then decoding, whose steps of 10 to 30 ms ripple.
func LLM(b *Board, _ float64) func(from, length float64) {
	prefill, decode := between(b.Rand, 0.05, 0.4), between(b.Rand, 0.5, 0.8)
	step, depth := between(b.Rand, 0.01, 0.03), between(b.Rand, 0.03, 0.15)
	return func(from, length float64) {
		b.Begin(from)
		b.Slide(b.Rise, b.Busy)
		b.Work(min(prefill, length/2)-b.Rise, b.Busy)
		for end := from + length; b.End() < end-1e-6; {
			level := decode * b.Busy * (1 + b.Noise*b.Rand.NormFloat64())
			b.Ripple(min(step, end-b.End()), level, depth*level, step)
		}
		b.Rest()
	}
}

// running is a load that goes on over all windows: step lays out some more of it.
func running(b *Board, horizon float64, step func()) func(from, length float64) {
	b.Begin(0.001)
	for b.End() < horizon {
		step()
	}
	return func(float64, float64) {}
}

// Warm is the same work all the time. Its level drifts by a few percent in seconds.
func Warm(b *Board, horizon float64) func(from, length float64) {
	drift, beat, phase := between(b.Rand, 0, 0.03), between(b.Rand, 2, 20), b.Rand.Float64()
	return running(b, horizon, func() {
		level := b.Busy * (1 + drift*math.Sin(2*math.Pi*(b.End()/beat+phase)))
		b.Slide(0.001, level)
		b.Work(0.05, level)
	})
}

// Poisson serves requests that arrive at random, 4 to 25 a second: each prefills at the
// board's full power and then adds to a batch, whose power grows ever less with its size.
func Poisson(b *Board, horizon float64) func(from, length float64) {
	rate, life := between(b.Rand, 4, 25), between(b.Rand, 0.05, 0.4)
	prefill, full := between(b.Rand, 0.01, 0.05), rate*life
	inFlight := 0
	return running(b, horizon, func() {
		level := b.Idle
		if inFlight > 0 {
			level += (b.Busy - b.Idle) * (0.45 + 0.45*(1-math.Exp(-float64(inFlight)/(1+full))))
		}
		b.Slide(0.001, level)
		leave := float64(inFlight) / life
		b.Work(b.Rand.ExpFloat64()/(rate+leave), level)
		if b.Rand.Float64() < leave/(rate+leave) {
			inFlight--
			return
		}
		inFlight++
		b.Slide(0.001, b.Busy)
		b.Work(prefill*between(b.Rand, 0.7, 1.5), b.Busy)
	})
}

// Training iterates once in 0.8 to 1.2 s: compute, exchange of gradients, a dip.
func Training(b *Board, horizon float64) func(from, length float64) {
	beat := between(b.Rand, 0.8, 1.2)
	compute, exchange := between(b.Rand, 0.6, 0.8)*beat, between(b.Rand, 0.08, 0.15)*beat
	medium, low := between(b.Rand, 0.5, 0.7)*b.Busy, between(b.Rand, 0.3, 0.45)*b.Busy
	return running(b, horizon, func() {
		for _, part := range [][2]float64{{compute, b.Busy}, {exchange, medium}, {beat - compute - exchange, low}} {
			b.Slide(b.Rise, part[1])
			b.Work(part[0]*between(b.Rand, 0.97, 1.03)-b.Rise, part[1])
		}
	})
}

// Batching steps through batches of changing size: steps of 15 to 60 ms, levels that differ
// by 15 %, and now and then a prefill among them.
func Batching(b *Board, horizon float64) func(from, length float64) {
	step, spread := between(b.Rand, 0.015, 0.06), between(b.Rand, 0.05, 0.15)
	return running(b, horizon, func() {
		level := b.Busy * (0.75 + spread*(2*b.Rand.Float64()-1))
		if b.Rand.Float64() < 0.1 {
			level = b.Busy
		}
		b.Slide(0.001, level)
		b.Work(step*between(b.Rand, 0.8, 1.2), level)
	})
}

// square returns a load that runs on at two levels in turn.
func square(period, duty, low [2]float64, wander float64) Load {
	return func(b *Board, horizon float64) func(from, length float64) {
		T, share := between(b.Rand, period[0], period[1]), between(b.Rand, duty[0], duty[1])
		bottom := between(b.Rand, low[0], low[1])
		edge := min(b.Rise, 0.002)
		return running(b, horizon, func() {
			cycle := T * (1 + wander*b.Rand.NormFloat64())
			b.Slide(edge, b.Busy)
			b.Work(share*cycle-edge, b.Busy)
			b.Slide(edge, bottom)
			b.Work((1-share)*cycle-edge, bottom)
		})
	}
}

var (
	// Capping is a power cap's square wave of 10 to 50 Hz.
	Capping = square([2]float64{0.02, 0.1}, [2]float64{0.4, 0.7}, [2]float64{200, 300}, 0.01)
	// Batches are steps of 60 to 160 ms with pauses between them.
	Batches = square([2]float64{0.06, 0.16}, [2]float64{0.6, 0.93}, [2]float64{150, 300}, 0.003)
	// InStep are batches that repeat as often as the counter ticks.
	InStep = square([2]float64{0.1, 0.1}, [2]float64{0.6, 0.93}, [2]float64{150, 300}, 0)
)
