package simsource

import (
	"math"
	"sort"
)

// history holds the last segments of a device, up to a limit: the truth about
// the past, in bounded memory.
type history struct {
	limit int
	ring  []segment
	first int // index of the oldest, once the ring is full
}

func (h *history) add(s segment) {
	if len(h.ring) < h.limit {
		h.ring = append(h.ring, s)
		return
	}
	h.ring[h.first] = s
	h.first = (h.first + 1) % h.limit
}

// replace overwrites the newest segment.
func (h *history) replace(s segment) { *h.get(len(h.ring) - 1) = s }

// get returns segment i, counted from the oldest.
func (h *history) get(i int) *segment { return &h.ring[(h.first+i)%len(h.ring)] }

// joulesNano returns the energy used until t, in W·ns, and NaN if t is before
// the oldest segment.
func (h *history) joulesNano(m *model, t int64) float64 {
	after := sort.Search(len(h.ring), func(i int) bool { return h.get(i).at > t })
	if after == 0 {
		return math.NaN()
	}
	return m.joulesNano(h.get(after-1), t)
}
