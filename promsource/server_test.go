package promsource

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// An instrument on a real server is right, says how sure it is, and is better
// than what the server itself makes of the same samples.
func TestServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute")
	}
	f := record(t, 90*time.Second)
	t.Run("waits, and after the server was stopped", func(t *testing.T) {
		s := f.open("clean")
		span := energy.Span{Start: f.stopped.Add(-12 * time.Second), End: time.Now()}
		m := measured(t, s, span)
		t.Logf("waited %v", time.Since(span.End).Round(time.Millisecond))
		assert.Less(t, time.Since(span.End), 6*time.Second)
		check(t, m, f.clean...)
	})
	t.Run("scraped every second", func(t *testing.T) {
		score := f.compare(t, f.open("clean"), f.clean, 20, 8*time.Second, 40*time.Second, f.began.Add(6*time.Second), f.stopped.Add(-5*time.Second))
		assert.Equal(t, 20, score.totals, "some windows have no number")
		assert.Less(t, score.ours, score.theirs)
	})
	t.Run("scraped every 15 s", func(t *testing.T) {
		// Two scrapes lie before the windows, and one after them: few for such a
		// load, so that many numbers are withheld.
		score := f.compare(t, f.open("slow"), f.slow, 10, 36*time.Second, 39*time.Second, f.began.Add(29*time.Second), f.began.Add(68*time.Second))
		assert.Positive(t, score.numbers)
	})
	t.Run("pods come and go", func(t *testing.T) {
		m := measured(t, f.open("churn"), energy.Span{Start: f.began.Add(6 * time.Second), End: f.began.Add(50 * time.Second)})
		check(t, m, f.churn)
	})
	t.Run("target is down for a while", func(t *testing.T) {
		m := measured(t, f.open("down"), energy.Span{Start: f.began.Add(8 * time.Second), End: f.began.Add(52 * time.Second)})
		check(t, m, f.down)
	})
	t.Run("counter is reset", func(t *testing.T) {
		m := measured(t, f.open("reset"), energy.Span{Start: f.began.Add(8 * time.Second), End: f.began.Add(58 * time.Second)})
		assert.False(t, m.Valid)
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.True(t, m.Devices[0].Valid, "%v", m.Devices[0].Reasons)
	})
}

// check makes sure that the truth lies in twice the interval: of the intervals
// themselves, one in twenty may miss it.
func check(t *testing.T, m energy.Measurement, nodes ...*node) {
	truth := used(m, nodes)
	if assert.True(t, m.Valid, "%v", m.Reasons) {
		t.Logf("%.1f J in [%.1f, %.1f], truth %.1f: off by %+.2f %%, interval ±%.2f %%", m.Energy.Joules, m.Energy.Low, m.Energy.High, truth, 100*(m.Energy.Joules/truth-1), m.Energy.ErrPercent())
		assert.InDelta(t, truth, m.Energy.Joules, 2*m.Energy.HalfWidth())
	}
}

// used returns the joules that the nodes used during a measurement.
func used(m energy.Measurement, nodes []*node) float64 {
	sum := 0.0
	for _, n := range nodes {
		sum += n.sim.TrueJoules(m.Start, m.End)
	}
	return sum
}

// score is how near to the truth numbers are.
type score struct {
	totals, insideTotals int     // of all GPUs
	numbers, inside      int     // of single ones
	ours, theirs         float64 // sums of relative errors
}

func (s *score) add(e energy.Estimate, truth, increase float64) {
	s.numbers++
	if e.Low <= truth && truth <= e.High {
		s.inside++
	}
	if !math.IsNaN(increase) {
		s.ours += math.Abs(e.Joules/truth - 1)
		s.theirs += math.Abs(increase/truth - 1)
	}
}

// compare measures random windows, by the instrument and by increase(): each GPU
// by itself, and all of them.
func (f *plant) compare(t *testing.T, s *Source, nodes []*node, windows int, shortest, longest time.Duration, from, to time.Time) score {
	var all score
	off := map[string]float64{}
	rng := rand.New(rand.NewPCG(7, 7))
	of := map[string]*node{}
	for _, n := range nodes {
		of[n.exporter.UUID(0)] = n
	}
	for range windows {
		d := shortest + time.Duration(rng.Float64()*float64(min(longest, to.Sub(from))-shortest))
		start := from.Add(time.Duration(rng.Float64() * float64(to.Sub(from)-d)))
		end := start.Add(d)
		m := f.atOnce(t, s, energy.Span{Start: start, End: end})
		increase := 0.0
		for _, one := range m.Devices {
			theirs := f.scalar(fmt.Sprintf("sum(increase(%s[%dms]))/1000", s.fleet.selector.series(s.fleet.names, `UUID="`+one.Device.UUID+`"`), d.Milliseconds()), end)
			increase += theirs
			if one.Valid {
				off[one.Device.UUID] += (one.Energy.Joules - of[one.Device.UUID].sim.TrueJoules(start, end)) / float64(windows)
				all.add(one.Energy, of[one.Device.UUID].sim.TrueJoules(start, end), theirs)
			}
		}
		truth := used(m, nodes)
		if m.Valid {
			all.totals++
			if m.Energy.Low <= truth && truth <= m.Energy.High {
				all.insideTotals++
			}
		}
		ours := fmt.Sprintf("%.160v", m.Reasons)
		if m.Valid {
			ours = fmt.Sprintf("%7.0f (%+.2f %%) in [%7.0f, %7.0f]", m.Energy.Joules, 100*(m.Energy.Joules/truth-1), m.Energy.Low, m.Energy.High)
		}
		t.Logf("%5.2f s: truth %7.0f J; increase() %7.0f (%+.2f %%); ours %s", d.Seconds(), truth, increase, 100*(increase/truth-1), ours)
	}
	for i, age := range f.ages(s, of) {
		uuid := s.Devices()[i].UUID
		t.Logf("%s: values are %v old when they are scraped; ours is off by %+.1f J on average", uuid, age, off[uuid])
	}
	n := float64(max(all.numbers, 1))
	t.Logf("%d of %d windows have a total, and the truth lies in %d of their intervals; of single GPUs, in %d of %d; mean error of those %.2f %%, of increase() %.2f %%",
		all.totals, windows, all.insideTotals, all.inside, all.numbers, 100*all.ours/n, 100*all.theirs/n)
	assert.GreaterOrEqual(t, float64(all.insideTotals), 0.95*float64(all.totals))
	// The age of a GPU's values is the same in all of its windows, so these are
	// not as many independent trials as there are numbers.
	assert.GreaterOrEqual(t, float64(all.inside), 0.9*float64(all.numbers))
	return all
}

// ages returns how old the newest value of each device was when it was scraped.
func (f *plant) ages(s *Source, of map[string]*node) []time.Duration {
	list := make([]time.Duration, len(s.Devices()))
	readings := make([]energy.Reading, len(list))
	for i := range readings {
		readings[i].Device = i
	}
	s.Read(readings)
	for i, r := range readings {
		collected := of[s.Devices()[i].UUID].exporter.Collected(time.Now())
		age := r.After.Sub(collected) % time.Second
		list[i] = (age + time.Second) % time.Second
	}
	return list
}

// atOnce measures a window by what the server has now.
func (f *plant) atOnce(t *testing.T, s *Source, span energy.Span) energy.Measurement {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m, _, err := recalled(ctx, s, span)
	require.NoError(t, err)
	return m
}
