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
	switch len(names) {
	case 0:
	case 1:
		matchers = append(matchers, "__name__="+strconv.Quote(names[0]))
	default:
		matchers = append(matchers, "__name__=~"+strconv.Quote(alternatives(names)))
	}
	matchers = slices.DeleteFunc(append(append(matchers, string(s)), where...), func(m string) bool { return m == "" })
	return "{" + strings.Join(matchers, ",") + "}"
}

// ranged returns the expression of the samples of an expression's series in a
// stretch of time that ends when the query is evaluated. From version 3 on,
// Prometheus leaves out a sample at the very beginning.
func ranged(expr string, in stretch) string { return fmt.Sprintf("%s[%dms]", expr, in.ms()+1) }

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
	return s.ask(ctx, ranged(s.fleet.selector.series(names, where...), in), in.to)
}

// ask asks for an expression of the devices, at a server's time.
func (s *Source) ask(ctx context.Context, expr string, at int64) (*batch, error) {
	b := &batch{unexpected: map[string]energy.Device{}}
	if _, err := s.client.Series(ctx, expr, at, "", func(r *promapi.Stream) { b.collect(s.fleet, r) }); err != nil {
		return nil, err
	}
	// Servers answer in any order, and nothing may depend on it.
	slices.SortFunc(b.runs, func(x, y run) int {
		return cmp.Or(cmp.Compare(x.device, y.device), cmp.Compare(x.series, y.series), cmp.Compare(x.first, y.first))
	})
	return b, nil
}

// collect takes in one series of an answer.
func (b *batch) collect(f *fleet, r *promapi.Stream) {
	uuid, name := r.Get(metricname.UUIDLabels...), r.Get("__name__")
	i, ours := f.position[string(uuid)]
	if !ours {
		if _, seen := b.unexpected[string(uuid)]; !seen && len(uuid) > 0 && !f.known[string(uuid)] {
			b.unexpected[string(uuid)] = exporterOf(name).Device(func(name string) string { return string(r.Get(name)) })
		}
		return
	}
	if name != nil && string(name) != f.devices[i].Metric {
		return // the same in another unit, or power
	}
	first := int32(len(b.samples))
	for _, v := range r.Samples {
		if name != nil { // else it is a number of something, not of joules
			joules, ok := metricname.Table[f.metric[i]].Value(v.Value)
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

// exporterOf returns what exports a metric; where its name was dropped, the first
// exporter.
func exporterOf(name []byte) *metricname.Exporter {
	if i := metricname.Find(string(name)); i != metricname.None {
		return metricname.Table[i].From
	}
	return metricname.Table[0].From
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
