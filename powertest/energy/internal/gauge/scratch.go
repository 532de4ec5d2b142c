package gauge

import "sync"

// scratch is memory for one view at a time: the course of a day takes megabytes, and
// there is a patch for each edge and kernel.
type scratch struct {
	course course
	floats []float64
	used   int
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// make returns so many zeros, which are valid until all are released.
func (s *scratch) make(n int) []float64 {
	if s.used+n > len(s.floats) {
		s.floats, s.used = make([]float64, 2*len(s.floats)+n), 0 // the old ones stay with who has them
	}
	list := s.floats[s.used : s.used+n : s.used+n]
	clear(list)
	s.used += n
	return list
}

// release ends the use of all that make returned.
func (s *scratch) release() { s.used = 0 }
