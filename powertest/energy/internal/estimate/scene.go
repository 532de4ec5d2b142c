package estimate

import (
	"math"
	"slices"
)

const (
	// drifting is over how many pieces a load may drift, as a polynomial does of as many
	// degrees more, up to steepest.
	drifting, steepest = 12, 6
	// odd is the share of pieces that do not count, since they are of ticks whose times are wrong.
	odd = 0.05
	// calm is the noise that any load has, relative to its mean power between ticks, as much as
	// calmPieces pieces would show.
	calm, calmPieces = 0.003, 2
	// enough is how many pulses must be likely at the least: of those that are there hardly
	// any is like the load.
	enough = 48
)

// scene is the power between ticks in a row or two, as seen around edges.
type scene []row

// row is pieces that follow each other, with their weights, and an orthonormal basis of
// how a steady load may drift over them.
type row struct {
	pieces  []piece
	weights []float64 // square roots
	basis   [][]float64
}

// around returns the power between ticks around the first and the last of some edges, as far
// as it is about as high.
func around(in *Input, edges []crossing) scene {
	at := func(e crossing) int { return firstAfter(in.Ticks, int64((e.t0+e.t1)/2*second)) }
	seen := func(from, till int) []piece {
		return pieces(in.timeTicks(in.Ticks[max(from, 0):min(till, len(in.Ticks))]))
	}
	first, last := edges[0], edges[len(edges)-1]
	i, k := at(first), at(last)
	period := in.Period.Seen / second
	if k-i > 2*reach {
		return scene{
			newRow(asHigh(seen(i-reach/2, i+reach/2), first.piece), period),
			newRow(asHigh(seen(k-reach/2, k+reach/2), last.piece), period),
		}
	}
	list := seen(i-reach, k+reach)
	a, b := asHigh(list, first.piece), asHigh(list, last.piece)
	if len(a) == 0 || len(b) == 0 || b[0].t0 < a[len(a)-1].t1 { // one row
		a, b = slices.MaxFunc([][]piece{a, b}, longer), nil
	}
	return scene{newRow(a, period), newRow(b, period)}
}

func longer(a, b []piece) int { return len(a) - len(b) }

// asHigh returns the pieces in a row around one that are about as high.
func asHigh(list []piece, q piece) []piece {
	mid := (q.t0 + q.t1) / 2
	lo := slices.IndexFunc(list, func(p piece) bool { return p.t1 > mid })
	if lo < 0 {
		return nil
	}
	same := func(p piece) bool { return math.Abs(p.power()-q.power()) < near*q.power() }
	hi := lo + 1
	for lo > 0 && same(list[lo-1]) {
		lo--
	}
	for hi < len(list) && same(list[hi]) {
		hi++
	}
	return list[lo:hi]
}

// newRow returns a row of pieces, but for those that are odd.
func newRow(list []piece, period float64) row {
	short := func(q piece) bool { return q.length() < leastPiece*period }
	r := row{pieces: slices.DeleteFunc(list, short)}
	r.prepare()
	off := r.residuals()
	n := len(off)
	if out := int(odd * float64(n)); out > 0 {
		most := slices.Sorted(slices.Values(off))[n-out]
		kept := r.pieces[:0]
		for i, q := range r.pieces {
			if off[i] < most {
				kept = append(kept, q)
			}
		}
		r.pieces = kept
		r.prepare()
	}
	return r
}

// prepare sets the weights and the basis: powers of the number of a piece, made orthonormal.
func (r *row) prepare() {
	n := len(r.pieces)
	r.weights, r.basis = make([]float64, n), r.basis[:0]
	for i, q := range r.pieces {
		r.weights[i] = 1 / math.Hypot(1, math.Hypot(q.sd0, q.sd1)/q.length()/calm)
	}
	for d := range min(1+n/drifting, steepest, n) {
		b := make([]float64, n)
		for i := range b {
			b[i] = r.weights[i] * math.Pow((2*float64(i)+1)/float64(n)-1, float64(d))
		}
		r.reduce(b)
		size := math.Sqrt(dot(b, b))
		for i := range b {
			b[i] /= size
		}
		r.basis = append(r.basis, b)
	}
}

// reduce takes from values what a load that drifts has of them.
func (r *row) reduce(values []float64) {
	for _, b := range r.basis {
		c := dot(b, values)
		for i := range values {
			values[i] -= c * b[i]
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// residuals returns by how much powers, weighted, are off those of a load that drifts.
func (r *row) residuals() []float64 {
	off := make([]float64, len(r.pieces))
	r.powers(off, &pulse{rate: 1})
	r.reduce(off)
	for i := range off {
		off[i] = math.Abs(off[i])
	}
	return off
}

// powers sets weighted powers to what is left of them without a pulse.
func (r *row) powers(left []float64, p *pulse) {
	end, until := math.NaN(), 0.0
	for i := range r.pieces {
		q := &r.pieces[i]
		if q.t0 != end {
			until = p.high(q.t0, 0)
		}
		begun := until
		end, until = q.t1, p.high(q.t1, 0)
		left[i] = r.weights[i] * (q.energy - p.swing/p.rate*(until-begun)) / (q.t1 - q.t0)
	}
}

// squares returns the sum of the squares of what is left of powers without a pulse, and
// without what drifts.
func (r *row) squares(room []float64, p *pulse) float64 {
	left := room[:len(r.pieces)]
	r.powers(left, p)
	sum := dot(left, left)
	for _, b := range r.basis {
		sum -= sq(dot(b, left))
	}
	return max(sum, 0)
}

// period returns the mean time between ticks, about as long as is believed, in seconds.
func (s scene) period(believed float64) float64 {
	secs, n := 0.0, 0.0
	for _, r := range s {
		for _, q := range r.pieces {
			secs, n = secs+q.length(), n+math.Round(q.length()/believed)
		}
	}
	if n == 0 {
		return believed
	}
	return secs / n
}

// weigh multiplies the weights of pulses by the likelihood that the scene gives them, and
// returns that of a load without any. The size of the noise is not known, so it is a power of
// the sum of squares.
func (s scene) weigh(pulses []pulse) (steady float64) {
	freedom, watts, most := float64(calmPieces), 0.0, 0
	for _, r := range s {
		freedom += float64(len(r.pieces) - len(r.basis))
		most = max(most, len(r.pieces))
		for _, q := range r.pieces {
			watts = max(watts, q.power())
		}
	}
	room := make([]float64, most)
	squares := func(p *pulse) float64 {
		sum := calmPieces*sq(calm*watts) + sq(leastPower)
		for i := range s {
			sum += s[i].squares(room, p)
		}
		return sum
	}
	flat := squares(&pulse{rate: 1})
	logs, priors := make([]float64, len(pulses)), make([]float64, len(pulses))
	for i := range pulses {
		p := &pulses[i]
		logs[i], priors[i] = -freedom/2*math.Log(squares(p)/flat), p.weight
	}
	top := max(slices.Max(logs), 0)
	for power := 1.0; ; power *= 0.8 {
		for i := range pulses {
			pulses[i].weight = priors[i] * math.Exp(power*(logs[i]-top))
		}
		if power < 1e-3 || likely(pulses) >= enough {
			return math.Exp(-power * top)
		}
	}
}

// likely returns how many pulses are likely (the effective size of a sample, as of Kong).
func likely(pulses []pulse) float64 {
	var sum, squares float64
	for _, p := range pulses {
		sum, squares = sum+p.weight, squares+sq(p.weight)
	}
	return sum * sum / squares
}
