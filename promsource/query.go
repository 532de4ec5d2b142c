package promsource

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest/energy"
)

// stretch is a stretch of the server's time, in ms since the epoch, both ends
// included.
type stretch struct{ from, to int64 }

func (s stretch) ms() int64 { return max(s.to-s.from, 0) }

// series returns a selector of series, in braces. where holds further matchers,
// which may be empty.
func (s selector) series(names []string, where ...string) string {
	matchers := make([]string, 0, 2+len(where))
	if len(names) > 0 {
		matchers = append(matchers, matcher("__name__", names))
	}
	matchers = slices.DeleteFunc(append(append(matchers, string(s)), where...), func(m string) bool { return m == "" })
	return "{" + strings.Join(matchers, ",") + "}"
}

// ranged returns the expression of the samples of an expression's series in a
// stretch of time that ends when the query is evaluated. From version 3 on,
// Prometheus leaves out a sample at the very beginning.
func ranged(expr string, in stretch) string { return fmt.Sprintf("%s[%dms]", expr, in.ms()+1) }

// matcher returns a matcher of a label that is to have one of some values.
func matcher(label string, values []string) string {
	if len(values) == 1 {
		return label + "=" + strconv.Quote(values[0])
	}
	return label + "=~" + strconv.Quote(alternatives(values))
}

func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return strings.Join(quoted, "|")
}

// sample is a value that a server keeps.
type sample = promapi.Sample

// batch is what an answer has of the devices: their samples, each series as a
// run of them.
type batch struct {
	samples    []sample
	runs       []run
	unexpected map[string]energy.Device // GPUs that were not there at open, by UUID
}

// run is the samples of one series: those from first up to last.
type run struct {
	device      int32
	series      uint64
	first, last int32
}

// raw asks for the samples of a stretch of time.
func (s *Source) raw(ctx context.Context, names []string, in stretch, where ...string) (*batch, error) {
	return s.ask(ctx, ranged(s.fleet.selector.series(names, where...), in), in.to, "")
}

// ask asks for an expression of the devices, at a server's time. of is the metric of which
// it is, where the answer does not name it.
func (s *Source) ask(ctx context.Context, expr string, at int64, of string) (*batch, error) {
	b := &batch{unexpected: map[string]energy.Device{}}
	if _, err := s.client.Series(ctx, expr, at, "", func(r *promapi.Stream) { b.collect(s.fleet, r, of) }); err != nil {
		return nil, err
	}
	// Servers answer in any order, and nothing may depend on it.
	slices.SortFunc(b.runs, func(x, y run) int {
		return cmp.Or(cmp.Compare(x.device, y.device), cmp.Compare(x.series, y.series), cmp.Compare(x.first, y.first))
	})
	return b, nil
}

// collect takes in one series of an answer, which is of a metric if it has no name.
func (b *batch) collect(f *fleet, r *promapi.Stream, of string) {
	name := r.Get("__name__")
	rank, uuid := f.rowOf(labelsIn(r), cmp.Or(string(name), of))
	i, ours := f.position[uuid]
	if !ours {
		if _, seen := b.unexpected[uuid]; !seen && uuid != "" && !f.known[uuid] && f.reads(rank) {
			b.unexpected[uuid] = f.words.At(rank).Device(labelsIn(r))
		}
		return
	}
	if name != nil && (rank != f.metric[i] || string(name) != f.devices[i].Metric) {
		return // the same in another unit, or power
	}
	first := int32(len(b.samples))
	for _, v := range r.Samples {
		if name != nil { // else it is a number of something, not of joules
			joules, ok := f.words.At(rank).Value(v.Value)
			if !ok {
				continue
			}
			v.Value = joules
		}
		b.samples = append(b.samples, v)
	}
	if len(b.samples) == int(first) {
		return // a histogram, or nothing but blanks
	}
	b.runs = append(b.runs, run{device: int32(i), series: r.ID(), first: first, last: int32(len(b.samples))})
}

// rowOf returns which metric of the name a series is of, and the UUID of its device; none
// if it is not one that is read.
func (f *fleet) rowOf(get metricname.Labels, name string) (rank int, uuid string) {
	if rank = f.words.Find(name); rank == metricname.None {
		return rank, ""
	}
	if rank = f.words.Row(rank, get); rank == metricname.None {
		return rank, ""
	}
	return rank, f.words.At(rank).From.Identity(get)
}

// labelsIn returns the labels of a series.
func labelsIn(r *promapi.Stream) metricname.Labels {
	return func(name string) string { return string(r.Get(name)) }
}

// each calls do for the runs of every device that has any, on all processors.
func (b *batch) each(do func(device int, runs []run)) {
	var wg sync.WaitGroup
	for _, part := range b.parts() {
		wg.Go(func() {
			for len(part) > 0 {
				n := 1
				for n < len(part) && part[n].device == part[0].device {
					n++
				}
				do(int(part[0].device), part[:n])
				part = part[n:]
			}
		})
	}
	wg.Wait()
}

// parts divides the runs among the processors, so that those of one device stay
// together.
func (b *batch) parts() [][]run {
	const alone = 256 // runs that are not worth a goroutine
	n := max(len(b.runs)/runtime.GOMAXPROCS(0), alone)
	var parts [][]run
	for rest := b.runs; len(rest) > 0; {
		cut := min(n, len(rest))
		for cut < len(rest) && rest[cut].device == rest[cut-1].device {
			cut++
		}
		parts = append(parts, rest[:cut])
		rest = rest[cut:]
	}
	return parts
}
