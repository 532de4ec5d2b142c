package world

import "math"

// Loads that nobody thought of while the estimator was written.

// Sawtooth climbs in a straight line and drops, 3 to 7 times a second, as where memory fills
// up and is cleared.
func Sawtooth(b *Board, horizon float64) func(from, length float64) {
	beat, low := 1/between(b.Rand, 3, 7), between(b.Rand, 150, 300)
	return running(b, horizon, func() {
		b.Slide(b.Fall, low)
		b.Slide(beat*between(b.Rand, 0.98, 1.02)-b.Fall, b.Busy)
	})
}

// Telegraph goes up and down between two levels at random: most stays are brief, and some
// are a hundred times as long.
func Telegraph(b *Board, horizon float64) func(from, length float64) {
	low, least, tail := between(b.Rand, 150, 300), between(b.Rand, 0.003, 0.02), between(b.Rand, 1.1, 1.6)
	up := false
	return running(b, horizon, func() {
		up = !up
		level := low
		if up {
			level = b.Busy
		}
		b.Slide(0.001, level)
		b.Work(min(least/math.Pow(1-b.Rand.Float64(), 1/tail), 3), level)
	})
}

// Aligned decodes all the time, and prefills where a window begins, and again where it ends:
// the next request comes when one is done.
func Aligned(b *Board, horizon float64) func(from, length float64) {
	prefill, decode := between(b.Rand, 0.015, 0.09), between(b.Rand, 0.45, 0.75)
	running(b, horizon, func() { b.Work(0.05, decode*b.Busy) })
	return func(from, length float64) {
		b.Begin(from)
		for range 2 {
			d := min(prefill*between(b.Rand, 0.9, 1.1), length/2)
			b.Slide(b.Rise, b.Busy)
			b.Work(d-b.Rise, b.Busy)
			b.Slide(b.Fall, decode*b.Busy)
			b.Work(length-d-b.Fall, decode*b.Busy)
		}
		b.Work(horizon-b.End(), decode*b.Busy)
	}
}

// Throttled begins at full power and clocks down in three steps, the first after 200 to 800 ms.
func Throttled(b *Board, _ float64) func(from, length float64) {
	first, step, each := between(b.Rand, 0.2, 0.8), between(b.Rand, 0.05, 0.3), between(b.Rand, 0.05, 0.12)
	return func(from, length float64) {
		b.Begin(from)
		level, stay := b.Busy, first
		b.Slide(b.Rise, level)
		for end := from + length; b.End() < end-1e-6; stay = step {
			if b.Work(min(stay, end-b.End()), level); level > 0.65*b.Busy {
				level -= each * b.Busy
			}
		}
		b.Rest()
	}
}

// Capped is work that draws more than the limit for most of a second, until the board keeps it:
// from then on it draws less and more in turn, about once in a second.
func Capped(b *Board, _ float64) func(from, length float64) {
	burst, beat, over := between(b.Rand, 0.6, 1), between(b.Rand, 0.8, 1.2), between(b.Rand, 1.05, 1.15)
	return func(from, length float64) {
		b.Begin(from)
		b.Slide(b.Rise, over*b.Busy)
		b.Work(min(burst, length), over*b.Busy)
		for end := from + length; b.End() < end-1e-6; {
			b.Slide(min(0.05, end-b.End()), 0.74*b.Busy)
			b.Work(min(0.2*beat, end-b.End()), 0.74*b.Busy)
			b.Slide(min(0.05, end-b.End()), 1.08*b.Busy)
			b.Work(min(0.7*beat, max(0, end-b.End())), 1.08*b.Busy)
		}
		b.Rest()
	}
}

// Sparks are kernels of 2 to 15 ms at full power that come at random, over idle.
func Sparks(b *Board, horizon float64) func(from, length float64) {
	d, gap := between(b.Rand, 0.002, 0.015), between(b.Rand, 0.02, 0.15)
	return running(b, horizon, func() {
		b.Slide(0.001, b.Busy)
		b.Work(d, b.Busy)
		b.Slide(0.001, b.Idle)
		b.Hold(gap*b.Rand.ExpFloat64(), b.Idle)
	})
}

// Swell is a sine of 20 to 60 % once in nearly a refresh period, or in half of one.
func Swell(b *Board, horizon float64) func(from, length float64) {
	beat, depth := 0.1*between(b.Rand, 0.95, 1.05)/float64(1+b.Rand.IntN(2)), between(b.Rand, 0.2, 0.6)
	return running(b, horizon, func() {
		level := b.Busy / 1.6 * (1 + b.Noise*b.Rand.NormFloat64())
		b.Ripple(beat, level, depth*level, beat)
	})
}

// Stairs goes through three levels once in nearly a refresh period.
func Stairs(b *Board, horizon float64) func(from, length float64) {
	beat, first, second := 0.1*between(b.Rand, 0.96, 1.04), between(b.Rand, 0.1, 0.4), between(b.Rand, 0.2, 0.5)
	low, medium := between(b.Rand, 0.25, 0.5), between(b.Rand, 0.5, 0.8)
	return running(b, horizon, func() {
		cycle := beat * (1 + 0.005*b.Rand.NormFloat64())
		for _, part := range [][2]float64{{first, 1}, {second, medium}, {1 - first - second, low}} {
			b.Slide(0.001, part[1]*b.Busy)
			b.Work(part[0]*cycle-0.001, part[1]*b.Busy)
		}
	})
}
