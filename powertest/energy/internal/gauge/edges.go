package gauge

import "math"

// stretch is a span in seconds, and the share of it that counts.
type stretch struct{ start, end, share float64 }

// place is some edges that are near one another, and the domain of time around them that
// their patch is about, in seconds.
type place struct {
	first, last float64
	from, to    float64
	// left and right are the shares of the time that goes on to the next place, of
	// which the readings in between are the energy; they are 0 at a domain's end.
	left, right float64
}

// longestPlace bounds how long the edges of a place may go on, in margins.
const longestPlace = 6

// places groups the edges of spans.
func places(spans []stretch, margin float64) (list []place) {
	inf := math.Inf(1)
	now := place{first: spans[0].start, last: spans[0].start, from: -inf, to: inf}
	edge := func(at, share float64) {
		switch {
		case at-now.last > 2*margin:
			// Readings in between know the energy.
			now.right = share
			list = append(list, now)
			now = place{first: at, from: -inf, to: inf, left: share}
		case at-now.first > longestPlace*margin:
			now.to = (now.last + at) / 2
			list = append(list, now)
			now = place{first: at, from: now.to, to: inf}
		}
		now.last = at
	}
	for i, s := range spans {
		if i > 0 {
			edge(s.start, 0)
		}
		edge(s.end, s.share)
	}
	return append(list, now)
}

// outcome is an energy with its variance.
type outcome struct{ joules, variance float64 }

// energy returns the joules of spans.
func (s *sensed) energy(spans []stretch) outcome {
	margin := s.margin()
	list := places(spans, margin)
	var sum outcome
	var starts, ends, others float64
	joined := math.Inf(-1)
	for _, at := range list {
		s.scratch.release()
		p := s.newPatch(at.first-margin, at.last+margin)
		weights, from, to := p.weigh(at, spans)
		joules, variance, misfit := p.energy(weights)
		if at.left > 0 {
			joules += at.left * s.course.integral(joined, from)
			sum.variance += sq(at.left) * s.course.variance(joined, from, min(s.kernel.width, s.kernel.refresh), s.share())
		}
		joined = to
		sum.joules += joules
		sd := math.Sqrt(variance * misfit)
		// Where spans begin and end with the load, their edges err in the same
		// direction each time.
		switch {
		case at.left == 0 && at.right > 0:
			starts += sd
		case at.left > 0 && at.right == 0:
			ends += sd
		default:
			others += sd
		}
	}
	sum.variance += sq(starts) + sq(ends) + sq(others)
	return sum
}

// weigh returns the weights in seconds with which the bins of a patch count: those of the
// spans, less what is in readings that count as they are. Those are the readings up
// to the time from, and those since the time to.
func (p *patch) weigh(at place, spans []stretch) (weights []float64, from, to float64) {
	weights = p.sensed.scratch.make(p.n)
	begin, end := max(p.from, at.from), min(p.from+float64(p.n)*bin, at.to)
	k, inside := len(p.list), false
	if at.right > 0 {
		if k, inside = p.after(at.last); inside {
			end = p.cell(p.past(k))
			to = p.list[k].at
		}
	}
	k0 := -1
	if at.left > 0 {
		var ok bool
		if k0, ok = p.upTo(at.first); ok {
			begin = p.cell(p.ahead(k0))
			from = p.list[k0].at
		}
	}
	for _, s := range spans {
		lo, hi := max(s.start, begin), min(s.end, end)
		for j := max(int((lo-p.from)/bin), 0); j < p.n && p.from+float64(j)*bin < hi; j++ {
			a := p.from + float64(j)*bin
			weights[j] += s.share * max(min(a+bin, hi)-max(a, lo), 0)
		}
	}
	p.withdraw(weights, k, len(p.list), at.right, begin, end)
	p.withdraw(weights, 0, k0+1, at.left, begin, end)
	if inside {
		end = to - p.sensed.kernel.age()
	}
	if k0 >= 0 {
		begin = from - p.sensed.kernel.age()
	}
	p.balance(weights, spans, begin, end, inside, k0 >= 0)
	return weights, from, to
}

// balance makes the weights add up to the time of the spans from begin to end, which readings
// that do not come at quite the same distance leave open: where they begin to count as
// they are.
func (p *patch) balance(weights []float64, spans []stretch, begin, end float64, right, left bool) {
	open := 0.0
	for _, s := range spans {
		open += s.share * max(min(s.end, end)-max(s.start, begin), 0)
	}
	for _, w := range weights {
		open -= w
	}
	at := end
	if !right {
		if at = begin; !left {
			return
		}
	}
	weights[min(max(int((at-p.from)/bin), 0), p.n-1)] += open
}

// withdraw takes the readings first to last-1 out of weights, within some time: each
// stands for half of the time to the readings on its sides that are among them.
func (p *patch) withdraw(weights []float64, first, last int, share, begin, end float64) {
	taken := p.sensed.scratch.make(len(weights))
	for k := first; k < last; k++ {
		time := 0.0
		if k > first {
			time += (p.list[k].at - p.list[k-1].at) / 2
		}
		if k+1 < last {
			time += (p.list[k+1].at - p.list[k].at) / 2
		}
		p.sensed.spread(p.list[k], func(t, part float64) {
			p.sensed.kernel.weigh(taken, p.from, t, part*time)
		})
	}
	for j := range weights {
		a := p.from + float64(j)*bin
		weights[j] -= share * taken[j] * max(min(a+bin, end)-max(a, begin), 0) / bin
	}
}

// after returns the first reading that is all of a time after an edge.
func (p *patch) after(edge float64) (k int, ok bool) {
	for k, r := range p.list {
		if r.at-r.within-p.sensed.kernel.jitter-p.sensed.kernel.reach() >= edge {
			return k, true
		}
	}
	return len(p.list), false
}

// upTo returns the last reading that is all of a time before an edge.
func (p *patch) upTo(edge float64) (k int, ok bool) {
	for k = len(p.list) - 1; k >= 0; k-- {
		if r := p.list[k]; r.at+r.within+p.sensed.kernel.jitter-p.sensed.kernel.delay <= edge {
			return k, true
		}
	}
	return -1, false
}

// past returns a reading from whose middle on readings from k on make up all of the power,
// and ahead one up to whose middle those up to k do.
func (p *patch) past(k int) int {
	till := p.list[k].at + p.sensed.kernel.span()/2 + p.list[k].within + p.sensed.kernel.jitter
	for i := k + 1; i < len(p.list); i++ {
		if p.list[i].at >= till {
			return i
		}
	}
	return len(p.list) - 1
}

func (p *patch) ahead(k int) int {
	till := p.list[k].at - p.sensed.kernel.span()/2 - p.list[k].within - p.sensed.kernel.jitter
	for i := k - 1; i >= 0; i-- {
		if p.list[i].at <= till {
			return i - 1
		}
	}
	return 0
}

// cell returns the middle between the times that a reading and the next are of.
func (p *patch) cell(k int) float64 {
	age := p.sensed.kernel.age()
	if k < 0 || len(p.list) < 2 {
		return p.from
	}
	k = min(k, len(p.list)-2)
	return (p.list[k].at+p.list[k+1].at)/2 - age
}
