package smisource

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// between returns the samples of a GPU from one time to another, in order of
// time, those of one time as one: their mean. The slice is the log's own if no
// more is needed, so it is not to be changed. runs is how many runs they are of.
func (g *gpu) between(from, to int64) (list []sample, runs int) {
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
	if len(parts) == 1 && !repeats(parts[0]) {
		return parts[0], 1
	}
	list = slices.Concat(parts...)
	if len(parts) > 1 {
		slices.SortStableFunc(list, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
	}
	return merged(list), len(parts)
}

// whole returns all samples of a GPU as between does.
func (g *gpu) whole() []sample {
	list, _ := g.between(math.MinInt64, math.MaxInt64)
	return list
}

func repeats(list []sample) bool {
	for i := 1; i < len(list); i++ {
		if list[i].at == list[i-1].at {
			return true
		}
	}
	return false
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

// usualInterval is taken where a log has too few readings to tell.
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
