package smisource

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// nothings are what tools write where there is nothing to tell, beside what is in
// brackets.
var nothings = [][]byte{[]byte("n/a"), []byte("na"), []byte("none"), []byte("null"), []byte("nan"), []byte("unknown"), []byte("not supported"), []byte("err!")}

// absent reports whether a cell says that there is nothing in it.
func absent(cell []byte) bool {
	if len(cell) == 0 || cell[0] == '[' || cell[0] == '-' {
		return true
	}
	if cell[0] >= '0' && cell[0] <= '9' {
		return false
	}
	return slices.ContainsFunc(nothings, func(n []byte) bool { return bytes.EqualFold(cell, n) })
}

func cell(row [][]byte, i int) []byte {
	if i < 0 || i >= len(row) {
		return nil
	}
	return row[i]
}

// key returns what the GPU of a row is known by, if the row says it.
func (h *header) key(row [][]byte) ([]byte, bool) {
	for _, c := range [...]int{h.uuid, h.index, h.serial, h.pci} {
		if key := cell(row, c); !absent(key) {
			return key, true
		}
	}
	return nil, false
}

// known returns the number of the GPU that a row which cannot be used is of, if
// that is known, or every. It does not make a GPU of what may be half a name.
func (l *log) known(row [][]byte) int {
	h := l.head
	if key, ok := h.key(row); ok && len(row)-1 > max(h.uuid, h.index, h.serial, h.pci) {
		if i, known := l.byKey[string(key)]; known {
			return i
		}
	}
	return every
}

// gpu returns the number of the GPU that a row is of, which says so.
func (l *log) gpu(row [][]byte) int {
	key, _ := l.head.key(row)
	// The GPUs follow each other in the same order, again and again.
	if n := l.recent + 1; n < len(l.gpus) && l.gpus[n].key() == string(key) {
		l.recent = n
		return n
	}
	i, known := l.byKey[string(key)]
	if !known {
		i = len(l.gpus)
		l.byKey[string(key)] = i
		l.gpus = append(l.gpus, l.meet(row, string(key)))
	}
	l.recent = i
	if i == len(l.gpus)-1 {
		l.recent = -1
	}
	return i
}

// key returns what a GPU is known by.
func (g *gpu) key() string {
	if g.uuid != "" {
		return g.uuid
	}
	return g.id
}

// meet returns a GPU that a row tells of for the first time.
func (l *log) meet(row [][]byte, key string) *gpu {
	text := func(i int) string {
		if c := cell(row, i); !absent(c) {
			return string(c)
		}
		return ""
	}
	h := l.head
	g := &gpu{id: text(h.index), uuid: text(h.uuid), pci: text(h.pci), name: text(h.name), index: len(l.gpus)}
	if g.id == "" {
		g.id = key
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(g.id, "nvidia")); err == nil && n >= 0 {
		g.index = n
	}
	for _, c := range h.limits {
		if v, ok := c.quantity(cell(row, c.at)); ok && v > 0 {
			g.limit = v
			break
		}
	}
	return g
}
