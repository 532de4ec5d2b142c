package world

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Cell is one line of what the instrument is to reach.
type Cell struct {
	Name    string
	Load    Load
	Counter Counter
	// Vary draws what differs from trial to trial of the counter; nil if nothing does.
	Vary func(r *rand.Rand, c *Counter)
	// Devices is how many devices work in lock-step; 0 means 1.
	Devices int
	Harness Harness
	// Length is that of a window, in seconds.
	Length float64
	// Lead is by how much the load begins before a window, and Lag by how much it ends
	// after it: drawn for each trial from a range in seconds, negative for the other side.
	Lead, Lag [2]float64
	// Wants are what is wanted of the numbers, by part.
	Wants []Want
}

// Want is what is wanted of one kind of number. Inside is always 95 %.
type Want struct {
	Part string
	// P95 is the wanted 95th percentile of the error in %, and Width what the median
	// half-width may be in multiples of the one that was reached; 0 means any.
	P95, Width float64
	// Bias is how large the mean error may be in %; 0 means any.
	Bias float64
	// Withheld is the largest share of withheld windows in %; 0 means any.
	Withheld float64
	// Marks excuse: what is marked does not count for P95, and for what is inside.
	Marks bool
	// Nothing may be published.
	Nothing bool
	// Held are the criteria that today's code keeps.
	Held Criteria
}

// Criteria are what a summary can fail by.
type Criteria uint8

const (
	Inside   Criteria = 1 << iota // at least 95 % of intervals hold the truth
	P95                           // the error is small
	Width                         // the interval is narrow
	Withheld                      // few windows are withheld; or all, where none may be published
	Bias                          // the mean error is small
)

func (c Criteria) String() string {
	var names []string
	for i, name := range []string{"inside", "p95", "width", "withheld", "bias"} {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Summary is what came of one kind of number of a cell. Percentages are of the truth.
type Summary struct {
	Cell string
	Want Want
	// Windows is how many there were, and Counted how many were published and not excused.
	Windows, Counted int
	// P95 and Bias are of the error; HalfWidth is the median.
	P95, Bias, HalfWidth float64
	// Inside is the share of intervals that hold the truth; NaN where there is none.
	Inside           float64
	Withheld, Marked float64
	// Reasons are how many windows had each.
	Reasons map[energy.Reason]int
	// Peers are the P95 and the bias of the peers; nil where they were not asked.
	Peers [][2]float64
}

// horizon is until when a load that runs anyway has to be laid out.
func (c Cell) horizon() float64 { return 6 + float64(c.Harness.Windows)*(c.Length+2) }

// Run measures at least n windows, and returns what came of each wanted part. The trials
// are shared out among the processors; each has a clock and a generator of its own.
func (c Cell) Run(t *testing.T, seed uint64, n int) []Summary {
	t.Helper()
	trials := (n + c.Harness.Windows - 1) / c.Harness.Windows
	results := make([][]Outcome, trials)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), trials) {
		workers.Go(func() {
			for k := int(next.Add(1)) - 1; k < trials; k = int(next.Add(1)) - 1 {
				results[k] = c.trial(t, seed, k)
			}
		})
	}
	workers.Wait()
	all := slices.Concat(results...)
	var list []Summary
	for _, w := range c.Wants {
		list = append(list, summarise(c.Name, w, all))
	}
	return list
}

func (c Cell) trial(t *testing.T, seed uint64, k int) (outcomes []Outcome) {
	synctest.Test(t, func(*testing.T) {
		name := fnv.New64a()
		name.Write([]byte(c.Name))
		rig := newRig(c, rand.New(rand.NewPCG(seed^name.Sum64(), uint64(k))))
		c.Harness.run(rig, c.Length)
		outcomes = rig.finish()
		rig.sleep(10) // until what reads has seen that nothing is open
	})
	return outcomes
}

func summarise(cell string, w Want, all []Outcome) Summary {
	s := Summary{Cell: cell, Want: w, Reasons: map[energy.Reason]int{}}
	var errs, widths []float64
	var inside, withheld, marked, intervals float64
	peers := make([][]float64, len(Peers))
	for _, o := range all {
		if o.Part != w.Part {
			continue
		}
		s.Windows++
		for i, joules := range o.Peers {
			peers[i] = append(peers[i], 100*(joules/o.Truth-1))
		}
		count(s.Reasons, o.Reasons)
		switch {
		case !o.Valid:
			withheld++
			continue
		case len(o.Reasons) > 0:
			marked++
			if w.Marks {
				continue
			}
		}
		errs = append(errs, 100*(o.Got.Joules/o.Truth-1))
		if o.Bare {
			continue
		}
		intervals++
		widths = append(widths, 100*o.Got.HalfWidth()/o.Truth)
		if o.Got.Low <= o.Truth*(1+1e-9) && o.Got.High >= o.Truth*(1-1e-9) {
			inside++
		}
	}
	s.Counted = len(errs)
	s.P95, s.Bias = spread(errs)
	s.Inside, s.HalfWidth = 100*inside/intervals, quantile(widths, 0.5)
	s.Withheld, s.Marked = 100*withheld/float64(s.Windows), 100*marked/float64(s.Windows)
	for _, errs := range peers {
		if len(errs) > 0 {
			p95, bias := spread(errs)
			s.Peers = append(s.Peers, [2]float64{p95, bias})
		}
	}
	return s
}

// count counts each reason of a window once.
func count(counts map[energy.Reason]int, findings []energy.Finding) {
	seen := map[energy.Reason]bool{}
	for _, f := range findings {
		if !seen[f.Reason] {
			seen[f.Reason] = true
			counts[f.Reason]++
		}
	}
}

// spread returns the 95th percentile of the size of errors, and their mean.
func spread(errs []float64) (p95, mean float64) {
	sizes := make([]float64, len(errs))
	for i, e := range errs {
		sizes[i] = math.Abs(e)
		mean += e / float64(len(errs))
	}
	return quantile(sizes, 0.95), mean
}

// quantile is NaN of nothing.
func quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	return x[min(int(math.Ceil(q*float64(len(x))))-1, len(x)-1)]
}

// Failed returns the criteria that are not met. Where no number was published the
// small error that is wanted was not reached; what else is wanted of numbers was.
func (s Summary) Failed() (failed Criteria) {
	if s.Want.Nothing {
		if s.Withheld < 100 {
			failed |= Withheld
		}
		return failed
	}
	if s.Inside < 95 {
		failed |= Inside
	}
	if math.Abs(s.Bias) > s.Want.Bias && s.Want.Bias > 0 {
		failed |= Bias
	}
	none := s.Counted == 0 && !s.Want.Marks
	if (none || s.P95 > s.Want.P95) && s.Want.P95 > 0 {
		failed |= P95
	}
	if s.HalfWidth > s.Want.Width*s.P95 && s.Want.Width > 0 {
		failed |= Width
	}
	if s.Withheld > s.Want.Withheld && s.Want.Withheld > 0 {
		failed |= Withheld
	}
	return failed
}

// label names a part of a cell.
func label(cell, part string) string { return strings.TrimSuffix(cell+":"+part, ":") }

// Header names the columns of [Summary.String].
func Header() string {
	names := make([]string, len(Peers))
	for i, p := range Peers {
		names[i] = p.Name
	}
	return fmt.Sprintf("%-34s %8s %8s %7s %7s %8s %6s %6s  %-22s  p95 (bias) of %s",
		"cell", "p95 %", "wanted", "bias %", "in %", "half %", "held%", "mark%", "not met", strings.Join(names, ", "))
}

// String is a line of the table.
func (s Summary) String() string {
	wanted := "-"
	switch {
	case s.Want.Nothing:
		wanted = "none"
	case s.Want.P95 > 0:
		wanted = fmt.Sprintf("%.3g", s.Want.P95)
	}
	verdict := s.Failed().String()
	if verdict == "" {
		verdict = "holds"
	}
	var peers []string
	for _, p := range s.Peers {
		peers = append(peers, fmt.Sprintf("%.3g (%+.2g)", p[0], p[1]))
	}
	line := fmt.Sprintf("%-34s %8.3g %8s %+7.2f %7.1f %8.3g %6.0f %6.0f  %-22s  %s", label(s.Cell, s.Want.Part),
		s.P95, wanted, s.Bias, s.Inside, s.HalfWidth, s.Withheld, s.Marked, verdict, strings.Join(peers, ", "))
	for _, r := range slices.Sorted(maps.Keys(s.Reasons)) {
		line += fmt.Sprintf("; %s %d", r, s.Reasons[r])
	}
	return line
}

// Columns is the head of a Markdown table of [Summary.Row].
const Columns = "| cell | p95 | bias | inside | half-width | withheld | marked |\n|---|---|---|---|---|---|---|"

// Row is a line of a Markdown table. What there are no numbers of has a dash.
func (s Summary) Row() string {
	cell := func(format string, x float64) string {
		if math.IsNaN(x) || s.Counted == 0 && format != "%.0f" {
			return "–"
		}
		return fmt.Sprintf(format, x)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s |", label(s.Cell, s.Want.Part),
		cell("%.3g", s.P95), cell("%+.2f", s.Bias), cell("%.1f", s.Inside), cell("%.3g", s.HalfWidth),
		cell("%.0f", s.Withheld), cell("%.0f", s.Marked))
}
