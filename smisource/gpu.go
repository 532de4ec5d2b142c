package smisource

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// sample is a power or an energy at a time, in ns since 1970.
type sample struct {
	at    int64
	value float64
}

// gpu is what a log has of a GPU.
type gpu struct {
	id   string // as people count it
	uuid string // as the log has it; empty if it has none
	pci  string
	name string
	host string
	role string // of a manifest
	// limit is the power limit in watts; 0 if unknown.
	limit float64
	index int
	// value is the column that it is read by; nil as long as it had no value.
	// first is that of its first.
	value, first *column
	// covering says that it is read by a mean over a second where its rows have one.
	covering bool
	beside   beside
	// samples are in the order of the file. Each run of them, which begins at
	// an element of runs, is in order of time.
	samples []sample
	runs    []int
}

// key returns what a GPU is known by.
func (g *gpu) key() string { return cmp.Or(g.uuid, g.id) }

// newGPU returns the GPU that a row names. index is that of one whose row has none.
func (l *log) newGPU(row [][]byte, index int) *gpu {
	h := l.head
	text := func(i int) string {
		if c := cell(row, i); !absent(c) {
			return string(c)
		}
		return ""
	}
	g := &gpu{covering: l.cover[len(l.gpus)], id: text(h.index), uuid: text(h.uuid), pci: text(h.pci), name: cmp.Or(text(h.name), l.model), index: index}
	if raw, _ := h.key(row); g.id == "" {
		g.id = cmp.Or(string(raw), strconv.Itoa(index))
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(g.id, "nvidia")); err == nil && n >= 0 {
		g.index = n
	}
	if g.host = text(h.host); g.host != "" {
		g.id = g.host + "/" + g.id
	}
	g.limit = h.limit(row)
	return g
}

// limit returns the power limit that a row has in watts; 0 if it has none.
func (h *header) limit(row [][]byte) float64 {
	for i := range h.limits {
		c := &h.limits[i]
		if v, flaw := c.quantity(cell(row, c.at)); flaw == fine && v > 0 {
			return v
		}
	}
	return 0
}

// overLimit is how far above its limit a GPU's power may be read: more is not a power.
const overLimit = 1.5

// read returns the value of a row, or what is wrong with it. The best column that ever
// had one is the GPU's, which is the mean if it is covering: columns are not mixed.
func (g *gpu) read(row [][]byte, h *header) (v float64, flaw uint8) {
	g.compare(row, h)
	if g.value == nil && g.covering && h.mean != nil {
		if _, flaw = h.mean.quantity(cell(row, h.mean.at)); flaw == fine {
			g.value, g.first = h.mean, cmp.Or(g.first, h.mean)
		}
	}
	if g.value != nil {
		v, flaw = g.value.quantity(cell(row, g.value.at))
	} else {
		for i := range h.values {
			c := &h.values[i]
			got, f := c.quantity(cell(row, c.at))
			if i == 0 || f == fine {
				v, flaw = got, f
			}
			if f == fine {
				g.value, g.first = c, cmp.Or(g.first, c)
				break
			}
		}
	}
	if flaw == fine && len(h.limits) > 0 && !g.value.energy {
		if limit := h.limit(row); limit > 0 {
			if g.limit = cmp.Or(g.limit, limit); v > overLimit*limit {
				return v, overPowered
			}
		}
	}
	return v, flaw
}

// add adds a reading, which begins another run if it is earlier than the one before.
func (g *gpu) add(s sample) {
	if n := len(g.samples); n == 0 || s.at < g.samples[n-1].at {
		g.runs = append(g.runs, n)
	}
	g.samples = append(g.samples, s)
}

// drop removes the readings from a time on.
func (g *gpu) drop(from int64) {
	all := g.samples
	g.samples, g.runs, g.value = all[:0], g.runs[:0], nil
	for _, s := range all {
		if s.at < from {
			g.add(s)
		}
	}
}

// between returns the samples of a GPU from one time to another, in order of
// time, those of one time as one: their mean. runs is how many runs they are of.
func (g *gpu) between(from, to int64) (list []sample, runs int) {
	list, runs = g.raw(from, to)
	return merged(list), runs
}

// raw returns the samples from one time to another, in order of time.
func (g *gpu) raw(from, to int64) (list []sample, runs int) {
	var parts [][]sample
	for i, begin := range g.runs {
		end := len(g.samples)
		if i+1 < len(g.runs) {
			end = g.runs[i+1]
		}
		run := g.samples[begin:end]
		a := sort.Search(len(run), func(k int) bool { return run[k].at >= from })
		b := sort.Search(len(run), func(k int) bool { return run[k].at > to })
		if a < b {
			parts = append(parts, run[a:b])
		}
	}
	list = slices.Concat(parts...)
	if len(parts) > 1 {
		slices.SortStableFunc(list, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
	}
	return list, len(parts)
}

// A contradiction is a time for which a log has several values: between from and to it
// is known only to within so much, either way.
type contradiction struct {
	from, to int64
	half     float64
}

// contradictions returns the times of samples, in order, that have several values.
func contradictions(list []sample) (found []contradiction) {
	for i := 0; i < len(list); {
		low, high, k := list[i].value, list[i].value, i
		for ; k < len(list) && list[k].at == list[i].at; k++ {
			low, high = min(low, list[k].value), max(high, list[k].value)
		}
		if high > low {
			c := contradiction{list[i].at, list[i].at, (high - low) / 2}
			if i > 0 {
				c.from -= (c.from - list[i-1].at) / 2
			}
			if k < len(list) {
				c.to += (list[k].at - c.to) / 2
			}
			found = append(found, c)
		}
		i = k
	}
	return found
}

// whole returns all samples of a GPU as between does.
func (g *gpu) whole() []sample {
	list, _ := g.between(math.MinInt64, math.MaxInt64)
	return list
}

// merged makes one sample of those that have one time, in place.
func merged(list []sample) []sample {
	n := 0
	for i := 0; i < len(list); {
		sum, k := 0.0, i
		for ; k < len(list) && list[k].at == list[i].at; k++ {
			sum += list[k].value
		}
		list[n] = sample{list[i].at, sum / float64(k-i)}
		n, i = n+1, k
	}
	return list[:n]
}

// newest returns the sample that was written last.
func (g *gpu) newest() (sample, bool) {
	if len(g.samples) == 0 {
		return sample{}, false
	}
	return g.samples[len(g.samples)-1], true
}

// usualInterval is assumed where a log has too few readings.
const usualInterval = time.Second

// interval returns the median time between two readings of those GPUs, as far as
// it shows in the newest.
func (l *log) interval(gpus []int) time.Duration {
	const enough = 256
	var steps []int64
	for _, k := range gpus {
		list := l.gpus[k].samples
		for i := max(len(list)-enough, 1); i < len(list); i++ {
			if d := list[i].at - list[i-1].at; d > 0 {
				steps = append(steps, d)
			}
		}
		if len(steps) >= enough {
			break
		}
	}
	if len(steps) == 0 {
		return usualInterval
	}
	slices.Sort(steps)
	return time.Duration(steps[len(steps)/2])
}
