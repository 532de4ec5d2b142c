package estimate

import "math/bits"

// rows are what the pieces are made of under a shape. Of the columns those count that are
// used: for each piece the numbers of those that are not 0, what of them it has, and what
// of that each target that splits it has.
type rows struct {
	used  []uint8
	at    []int // where a piece begins in cols and x
	byAt  []int // and in by
	cols  []uint8
	x, by []float64
}

func (r *rows) of(i int) (cols []uint8, x, by []float64) {
	return r.cols[r.at[i]:r.at[i+1]], r.x[r.at[i]:r.at[i+1]], r.by[r.byAt[i]:r.byAt[i+1]]
}

// scratch is room to work in.
type scratch struct {
	profile []segment
	dense   []vector // of each cell of a piece
	system  system
	mean    []float64 // priors of the columns that are used
	sd      []float64
	gains   []float64 // by the columns, of each target
}

// setRows works out the rows under a shape.
func (m *model) setRows(h shape) {
	segments := m.profile(h)
	r := &m.rows
	r.at, r.byAt, r.cols, r.x, r.by = r.at[:0], r.byAt[:0], r.cols[:0], r.x[:0], r.by[:0]
	k, used := 0, uint64(0)
	for i := range m.pieces {
		cells, stretches := m.of(i)
		for len(m.scratch.dense) < len(cells) {
			m.scratch.dense = append(m.scratch.dense, vector{})
		}
		dense := m.scratch.dense[:len(cells)]
		touched := uint64(0)
		for _, s := range stretches {
			x := &dense[s.cell]
			if s.share < 1 {
				c := m.levels[cells[s.cell].level].column
				x[c] += s.share * (s.b - s.a)
				touched |= 1 << c
				continue
			}
			for k+1 < len(segments) && segments[k+1].from <= s.a {
				k++
			}
			touched |= m.integrate(segments, k, s, x)
		}
		m.addRow(i, dense, touched)
		used |= touched
	}
	r.at, r.byAt = append(r.at, len(r.x)), append(r.byAt, len(r.by))
	for i, c := range r.cols {
		r.cols[i] = uint8(bits.OnesCount64(used & (1<<c - 1)))
	}
	for r.used = r.used[:0]; used != 0; used &= used - 1 {
		r.used = append(r.used, uint8(bits.TrailingZeros64(used)))
	}
}

// addRow adds the row of piece i, and clears what it was made of.
func (m *model) addRow(i int, dense []vector, touched uint64) {
	r, splits := &m.rows, m.splits(i)
	cells, _ := m.of(i)
	r.at, r.byAt = append(r.at, len(r.x)), append(r.byAt, len(r.by))
	for ; touched != 0; touched &= touched - 1 {
		c := bits.TrailingZeros64(touched)
		sum := 0.0
		for j := range dense {
			sum += dense[j][c]
		}
		for _, t := range splits {
			open := 0.0
			for j := range dense {
				if m.opens(cells[j].level, t) {
					open += dense[j][c]
				}
			}
			r.by = append(r.by, open)
		}
		for j := range dense {
			dense[j][c] = 0
		}
		r.cols, r.x = append(r.cols, uint8(c)), append(r.x, sum)
	}
}
