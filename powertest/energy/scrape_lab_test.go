package energy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// scrapes is how the history of a device came about: an exporter collected its
// counter at one interval, and a server scraped the exporter at another.
type scrapes struct{ collect, every, fresh time.Duration }

// record fills a history with what was scraped from open until the window from
// s to e is settled, or enough time has gone by.
func (sc scrapes) record(rng *rand.Rand, tr *truth, s, e float64) (*curve, []span) {
	C, S := sc.collect.Seconds(), sc.every.Seconds()
	ns := func(t float64) int64 { return int64(t * second) }
	win := []span{{start: ns(s), end: ns(e), on: ns(e) - ns(s)}}
	c := NewHistory(Device{Method: Counter, Resolution: 1e-3, Fresh: sc.fresh}, time.Unix(0, 0), 30*time.Second).curve
	phase, tick := C*rng.Float64(), 0.1*rng.Float64()
	visible := max(C, S)
	until := e + 3.2*visible + 2*S + 5
	from := max(s-4*visible-2*S, 0)
	for t := from + S*rng.Float64(); t < until; t += S {
		at := t + 0.01*rng.Float64()
		collected := math.Floor((at-phase)/C)*C + phase
		shown := math.Floor((collected-tick)/0.1)*0.1 + tick
		when := c.base.Add(time.Duration(ns(at)))
		c.add(Reading{Before: when, After: when, HasJoules: true, Joules: math.Floor((5e6+tr.at(max(shown, 0)))*1e3) / 1e3})
		c.learn()
		if at > e && c.settled(win, win[0].end) {
			break
		}
	}
	return c, win
}

var scrapeCases = []struct {
	scrapes
	windows []time.Duration
}{
	{scrapes{time.Second, time.Second, 0}, []time.Duration{5e9, 30e9, 120e9}},
	{scrapes{30 * time.Second, time.Second, 0}, []time.Duration{120e9, 300e9}},
	{scrapes{30 * time.Second, 15 * time.Second, 0}, []time.Duration{120e9, 300e9}},
	{scrapes{10 * time.Second, 15 * time.Second, 0}, []time.Duration{120e9, 300e9}},
	{scrapes{time.Second, 15 * time.Second, 0}, []time.Duration{60e9, 120e9, 300e9}},
	{scrapes{time.Second, 15 * time.Second, time.Second}, []time.Duration{30e9, 60e9, 120e9, 300e9}},
}

var scrapeShapes = []string{"cold", "warm", "decay", "steps"}

func (sc scrapes) String() string {
	s := fmt.Sprintf("collect=%v/scrape=%v", sc.collect, sc.every)
	if sc.fresh > 0 {
		s += "/known"
	}
	return s
}

// BenchmarkScraped is the accuracy of histories, with the metrics of
// [BenchmarkAccuracy]. In the cases that are "known", the collect interval was
// given to the source.
func BenchmarkScraped(b *testing.B) {
	for _, k := range scrapeCases {
		for _, w := range k.windows {
			for _, name := range scrapeShapes {
				b.Run(fmt.Sprintf("est=powertest/%v/W=%v/shape=%s", k.scrapes, w, name), func(b *testing.B) {
					report(b, "powertest", runScraped(*labSeed, *labWindows, k.scrapes, w, shapeOf(name)))
				})
			}
		}
	}
}

func shapeOf(name string) shape {
	for _, sh := range shapes {
		if sh.name == name {
			return sh.make
		}
	}
	panic("no shape " + name)
}

// TestScraped holds histories to their intervals. TestSlowScraped does with more
// windows.
func TestScraped(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 144 windows")
	}
	testScraped(t, 6)
}

func testScraped(t *testing.T, windows int) {
	for _, k := range scrapeCases {
		for _, name := range scrapeShapes {
			w := k.windows[1]
			t.Run(fmt.Sprintf("%v/W=%v/shape=%s", k.scrapes, w, name), func(t *testing.T) {
				t.Parallel()
				s := summarize(runScraped(*labSeed, windows, k.scrapes, w, shapeOf(name)).outcomes["powertest"])
				t.Logf("%+v", s)
				if s.withheld < 100 {
					assert.GreaterOrEqual(t, s.inside, 95.0)
				}
			})
		}
	}
}

func runScraped(seed uint64, n int, sc scrapes, w time.Duration, sh shape) *cell {
	rng := rand.New(rand.NewPCG(seed, uint64(w)+uint64(sc.collect)+3*uint64(sc.every)))
	c := &cell{outcomes: map[string][]outcome{}}
	visible := max(sc.collect, sc.every).Seconds()
	for range n {
		s := 5*visible + 2*sc.every.Seconds() + visible*rng.Float64()
		e := s + w.Seconds()
		tr := newTruth(rng, sh(rng, s, e, visible), e+4*visible+2*sc.every.Seconds()+10)
		seen, win := sc.record(rng, tr, s, e)
		began := time.Now()
		d := measureDevices([]*curve{seen}, family{spans: win}, false)[0][0]
		c.elapsed += time.Since(began)
		truth := tr.at(e) - tr.at(s)
		o := outcome{withheld: !d.Valid}
		if d.Valid {
			o.err = 100 * (d.Energy.Joules - truth) / truth
			o.half = 100 * d.Energy.HalfWidth() / truth
			o.inside = d.Energy.Low <= truth && truth <= d.Energy.High
		}
		c.outcomes["powertest"] = append(c.outcomes["powertest"], o)
	}
	return c
}
