package gauge

import "math"

// bin is the length of time in which the power is taken to be constant, in seconds.
const bin = 0.01

// The model of the power near an edge: a walk, whose steps are as large as the readings
// there show, with a texture that no reading resolves. A reading is a mean of it by the
// kernel of the sensor, with noise. The energy is linear in the power, so that it follows
// with its variance in closed form. The numbers were set on recordings of a
// meter beside three boards: docs/sensors.md.
const (
	// noise of a reading, as a share of it, and misplaced of a refresh at a time that
	// is not known, as a share of the change around it.
	noise     = 0.003
	misplaced = 0.6
	// drift is by how much of itself power wanders in a second.
	drift = 0.01
	// correlated is the time over which texture is, in seconds.
	correlated = 0.03
	// texture, as a share of that of a load which is idle or at its most at any time: of a
	// sensor that sees all of the time, and of one that sees a part, whose readings
	// show the rest. Power that is steady still has leastTexture of itself.
	texture      = 1.0
	texturePart  = 0.3
	leastTexture = 0.02
	seesAll      = 0.9
	// typicalUnrest is the standard deviation of readings of such a load, as a share of
	// them, and calm and wild bound how much less or more of it there can be.
	typicalUnrest = 0.006
	calm          = 0.65
	wild          = 1.7
	// overshoot is by how much power exceeds the highest reading, and floor is the share
	// of it that an idle device uses.
	overshoot = 1.1
	floor     = 0.35
	// unsure is by how much more a long mean may hide.
	unsure = 1.5
)

// detail is in how many parts of a mean its readings are looked at: more tell nothing new.
const detail = 16

// sensed is a series as one kernel sees it.
type sensed struct {
	timeline
	course  course
	scratch *scratch
	kernel  kernel
	spacing float64 // of refreshes that were read, in seconds
	gap     float64 // the longest between two readings, in seconds
	lowest  float64 // power that the device may draw, in watts
	highest float64
}

// share returns the share of time that readings see.
func (s *sensed) share() float64 { return min(s.kernel.sees()/max(s.spacing, s.kernel.refresh), 1) }

// margin returns how far around an edge readings tell of the power there.
func (s *sensed) margin() float64 {
	return 3*(s.kernel.span()+max(s.kernel.refresh, s.spacing)) + max(s.gap-s.spacing, 0) + 0.3
}

// patch is the power around some edges.
type patch struct {
	sensed *sensed
	from   float64 // when the first bin begins
	n      int     // bins
	list   []refresh

	rows []row // of the readings that lie within the bins
	step []float64
	wave []float64 // standard deviation of the texture
	base float64   // variance of the level
	mean float64
}

// row is a reading: weights of the bins from first on, the value, and its variance.
type row struct {
	first    int
	weights  []float64
	watts    float64
	variance float64
}

// newPatch returns the power from one time to another.
func (s *sensed) newPatch(from, to float64) *patch {
	more := max(s.kernel.reach(), -s.kernel.delay) + 3*max(s.kernel.refresh, s.spacing)
	p := &patch{sensed: s, from: from, list: s.between(from-more, to+more)}
	p.n = max(int(math.Ceil((to-from)/bin)), 1)
	last := math.Inf(-1)
	for k, x := range p.list {
		if x.at-last < s.kernel.span()/detail {
			continue
		}
		if r, ok := p.row(k); ok {
			p.rows, last = append(p.rows, r), x.at
		}
	}
	p.prior()
	return p
}

// spread calls do with times at which a refresh may have been, each as likely.
func (s *sensed) spread(r refresh, do func(at, share float64)) {
	u := r.within + s.kernel.jitter
	if u <= bin/2 {
		do(r.at, 1)
		return
	}
	n := max(int(2*u/bin), 1)
	for i := range n {
		do(r.at-u+2*u*(float64(i)+0.5)/float64(n), 1/float64(n))
	}
}

// row returns the reading of refresh k, if all that it shows lies within the bins.
func (p *patch) row(k int) (r row, ok bool) {
	s, x := p.sensed, p.list[k]
	u := x.within + s.kernel.jitter
	begin, end := x.at-s.kernel.reach()-u, x.at-s.kernel.delay+u
	if begin < p.from || end > p.from+float64(p.n)*bin {
		return row{}, false
	}
	r.first = int((begin - p.from) / bin)
	r.weights = s.scratch.make(min(int((end-p.from)/bin)+2, p.n) - r.first)
	at := p.from + float64(r.first)*bin
	s.spread(x, func(t, share float64) { s.kernel.weigh(r.weights, at, t, share) })
	lo, hi := x.watts, x.watts
	for _, y := range p.list[max(k-1, 0):min(k+2, len(p.list))] {
		lo, hi = min(lo, y.watts), max(hi, y.watts)
	}
	// A mean longer than a refresh goes over to the next reading in all the time between.
	displaced := misplaced * min(u/min(s.kernel.width, s.spacing), 1) * (hi - lo)
	r.watts, r.variance = x.watts, sq(noise*x.watts)+sq(displaced)+sq(x.doubt)+1e-6
	return r, true
}

// prior sets what the power is known to be like before its readings are taken in: how it
// may walk and what texture it may have in each bin.
func (p *patch) prior() {
	s := p.sensed
	p.step, p.wave = s.scratch.make(p.n), s.scratch.make(p.n)
	for _, r := range p.rows {
		p.mean += r.watts / float64(len(p.rows))
	}
	p.base = sq(2*s.highest) + 1
	more := 1
	if s.spacing >= 0.15 {
		more = 0
	}
	unseen, wider := s.kernel.span()+s.spacing+s.kernel.refresh, 1.0
	if s.kernel.width >= longMean {
		unseen, wider = longMean, unsure
	}
	kappa := texturePart
	if s.share() > seesAll {
		kappa = texture
	}
	varies := kappa == texture && s.kernel.width < longMean
	lo, hi := -1, 0 // the last reading wholly before the bin, and the first wholly after
	for j := range p.step {
		t := p.from + (float64(j)+0.5)*bin
		for lo+1 < len(p.list) && p.list[lo+1].at+p.list[lo+1].within-s.kernel.delay <= t {
			lo++
		}
		for hi < len(p.list) && p.list[hi].at-p.list[hi].within-s.kernel.reach() < t {
			hi++
		}
		least, most, level := p.levels(max(lo-more, 0), min(hi+1+more, len(p.list)))
		p.step[j] = sq(wider*(most-least))*bin/unseen + sq(drift*level)*bin
		if varies {
			kappa = texture * min(max(p.restless(max(lo-5, 0), min(hi+6, len(p.list)))/typicalUnrest, calm), wild)
		}
		p.wave[j] = max(leastTexture*level, kappa*math.Sqrt(max((s.highest-level)*(level-s.lowest), 0)))
	}
}

// restless returns the standard deviation of readings, as a share of them.
func (p *patch) restless(from, to int) float64 {
	sum, squares, n := 0.0, 0.0, float64(to-from)
	for _, r := range p.list[from:to] {
		sum, squares = sum+r.watts, squares+sq(r.watts)
	}
	if n < 2 || sum == 0 {
		return 0
	}
	return math.Sqrt(max(squares/n-sq(sum/n), 0)) / (sum / n)
}

// levels returns the lowest, highest and mean of some readings.
func (p *patch) levels(from, to int) (least, most, level float64) {
	if from >= to {
		if len(p.list) == 0 {
			return 0, p.sensed.highest, p.sensed.highest
		}
		from = min(from, len(p.list)-1)
		to = from + 1
	}
	least, most = math.Inf(1), math.Inf(-1)
	for _, r := range p.list[from:to] {
		least, most, level = min(least, r.watts), max(most, r.watts), level+r.watts
	}
	return least, most, level / float64(to-from)
}

// covary returns the covariance of the power of each bin with a weighted sum of them,
// whose weights begin at a bin.
func (p *patch) covary(first int, weights, dst []float64) {
	total, walk := 0.0, 0.0
	for _, w := range weights {
		total += w
	}
	// The walk up to the earlier of two bins is common to both.
	rest, at := total, 0.0
	decay := math.Exp(-bin / correlated)
	forth := 0.0
	for j := range dst {
		at += p.step[j]
		w := 0.0
		if i := j - first; i >= 0 && i < len(weights) {
			w = weights[i]
		}
		rest -= w
		walk += w * at
		forth = forth*decay + w*p.wave[j]
		dst[j] = total*p.base + walk + rest*at + forth*p.wave[j]
	}
	back := 0.0
	for j := len(dst) - 1; j >= 0; j-- {
		dst[j] += back * p.wave[j]
		w := 0.0
		if i := j - first; i >= 0 && i < len(weights) {
			w = weights[i]
		}
		back = (back + w*p.wave[j]) * decay
	}
}

// energy returns the joules of the bins with weights in seconds, their variance, and how
// much worse the readings fit than they should.
func (p *patch) energy(weights []float64) (joules, variance, misfit float64) {
	k := p.sensed.scratch.make(p.n)
	p.covary(0, weights, k)
	for j, w := range weights {
		joules += p.mean * w
		variance += w * k[j]
	}
	n := len(p.rows)
	if n == 0 {
		return joules, variance, 1
	}
	chol := newCholesky(p.covariances())
	with, off := p.sensed.scratch.make(n), p.sensed.scratch.make(n)
	for i, r := range p.rows {
		with[i] = dot(r.weights, k[r.first:])
		off[i] = r.watts - p.mean
	}
	chol.solve(with)
	chol.solve(off)
	misfit = dot(off, off) / float64(n)
	return joules + dot(with, off), max(variance-dot(with, with), 0), max(misfit, 1)
}

// covariances returns those of the readings: the lower triangle.
func (p *patch) covariances() [][]float64 {
	n := len(p.rows)
	list := make([][]float64, n)
	k := p.sensed.scratch.make(p.n)
	for i, r := range p.rows {
		p.covary(r.first, r.weights, k)
		list[i] = p.sensed.scratch.make(i + 1)
		for j := range list[i] {
			other := p.rows[j]
			list[i][j] = dot(other.weights, k[other.first:])
		}
		list[i][i] += r.variance
	}
	return list
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// cholesky is the lower triangle of a decomposition.
type cholesky [][]float64

// newCholesky decomposes a symmetric matrix in place.
func newCholesky(m [][]float64) cholesky {
	for i := range m {
		for j := range i + 1 {
			x := m[i][j] - dot(m[i][:j], m[j])
			if j < i {
				m[i][j] = x / m[j][j]
			} else {
				m[i][i] = math.Sqrt(max(x, 1e-9))
			}
		}
	}
	return m
}

// solve divides a vector by the triangle.
func (c cholesky) solve(x []float64) {
	for i := range c {
		x[i] = (x[i] - dot(c[i][:i], x)) / c[i][i]
	}
}
