package world

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// loads are all of them, by name.
var loads = map[string]Load{
	"cold": Cold, "warm": Warm, "decay": Decay, "held": Held, "stepped": Stepped, "clocks": Clocks, "boost": Boost,
	"llm": LLM, "poisson": Poisson, "training": Training, "batching": Batching, "capping": Capping, "batches": Batches, "in-step": InStep,
	"boards": Boards([]Recorded{fakeRecording()}),
}

// fakeRecording idles at 100 W, works at 300 W from 1 to 3 s, and stays at 150 W until 4 s.
func fakeRecording() Recorded {
	rec := Recorded{Name: "fake", step: 0.001, joules: []float64{0}, start: 1, end: 3}
	for i := range 6000 {
		watts := 100.0
		switch t := float64(i) * rec.step; {
		case t >= 1 && t < 3:
			watts = 300
		case t >= 3 && t < 4:
			watts = 150
		}
		rec.joules = append(rec.joules, rec.joules[i]+watts*rec.step)
	}
	return rec
}

// lay lays out two pieces of work of a load, from 1 to 2 s and from 4 to 4.3 s.
func lay(load Load, seed uint64) *Board {
	b := NewBoard(rand.New(rand.NewPCG(seed, 0)))
	work := load(b, 8)
	work(1, 1)
	work(4, 0.3)
	return b
}

// The energy of a load is the integral of its power, whatever the load.
func TestLoadsIntegrate(t *testing.T) {
	for name, load := range loads {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				b := lay(load, seed)
				const dt = 2e-5
				for _, s := range []span{{-1, 0.5}, {0.9, 1.3}, {1.7, 3.1}, {3.9, 7}} {
					sum := 0.0
					for k := range int(math.Round((s.to - s.from) / dt)) {
						sum += b.Watts(s.from+(float64(k)+0.5)*dt) * dt
					}
					assert.InEpsilon(t, sum, b.Joules(s.from, s.to), 2e-4, "%v", s)
				}
			}
		})
	}
}

// A load draws what a board can, and rests where it says that it does.
func TestLoadsAreLoads(t *testing.T) {
	for name, load := range loads {
		t.Run(name, func(t *testing.T) {
			b := lay(load, 9)
			for at := 0.01; at < 8; at += 0.0011 {
				require.Greater(t, b.Watts(at), 0.8*b.Idle, "at %v", at)
				require.Less(t, b.Watts(at), 1.5*b.Busy+200, "at %v", at)
			}
			assert.Greater(t, b.Joules(1, 2), 1.3*b.Idle, "it works from 1 to 2 s")
		})
	}
	b := lay(Cold, 1)
	assert.InDelta(t, b.Idle, b.Joules(2.1, 3.1), 1e-9, "it is idle between two pieces of work")
	assert.InEpsilon(t, b.Busy-b.Idle, b.Joules(1, 3)-2*b.Idle, 0.03)
}

// What was laid out of the future is replaced from the time on where something else begins.
func TestProfileBegin(t *testing.T) {
	p := NewProfile(100)
	p.Begin(1)
	p.Hold(2, 500)
	p.Hold(1, 200)
	assert.InDelta(t, 100+1000+200+200, p.Joules(0, 5), 1e-9, "the last power goes on")
	p.Begin(2)
	p.Slide(1, 300)
	assert.InDelta(t, 100+500+400+300, p.Joules(0, 4), 1e-9)
	assert.InDelta(t, 400, p.Watts(2.5), 1e-9)
	assert.Panics(t, func() { p.Begin(-1) })
}

// ramp rises by 10 W each second, from 200 W at time 0.
type ramp struct{}

func (ramp) Watts(t float64) float64 { return 200 + 10*t }
func (ramp) Joules(from, to float64) float64 {
	return 200*(to-from) + 5*(to*to-from*from)
}

// What a counter shows of a power that rises by the second: over a long time, and by how much
// it is behind, which is its lag, or half of the time of its mean.
func TestCounters(t *testing.T) {
	for name, test := range map[string]struct {
		Counter
		behind float64 // seconds
		ticks  float64 // in 20 s
	}{
		"usual":  {Counter{Period: 0.1, Jitter: 0.01}, 0, 200},
		"lag":    {Counter{Period: 0.1, Lag: 0.15}, 0.15, 200},
		"mean":   {Counter{Period: 0.1, Mean: 1}, 0.5, 200},
		"share":  {Counter{Period: 0.1, Share: 0.25}, -0.0375, 200},
		"missed": {Counter{Period: 0.1, Missed: 0.1}, 0, 180},
		"double": {Counter{Period: 0.1, Double: 0.1}, 0, 220},
		"coarse": {Counter{Period: 0.02, Step: 1}, 0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTicker(test.Counter, ramp{}, rand.New(rand.NewPCG(5, 5)))
			from, to := c.at(10), c.at(30)
			want := ramp{}.Joules(from.at-test.behind, to.at-test.behind)
			assert.InDelta(t, want, to.joules-from.joules, max(test.Step, 0.02))
			assert.InEpsilon(t, test.ticks, float64(c.index(30)-c.index(10)), 0.07)
			assert.InDelta(t, ramp{}.Watts(to.at)-10*test.Period/2, to.watts, 0.01, "the gauge shows the mean since the last tick")
		})
	}
}

// The time between ticks wanders off: with a jitter of 1 % it is a random walk.
func TestCounterJitterAccumulates(t *testing.T) {
	square := 0.0
	const counters = 100
	for k := range uint64(counters) {
		c := newTicker(Counter{Period: 0.1, Jitter: 0.01}, ramp{}, rand.New(rand.NewPCG(k, 6)))
		i := c.index(0)
		c.upTo(12)
		off := c.ticks[i+100].at - c.ticks[i].at - 10
		square += off * off / counters
	}
	assert.InEpsilon(t, 0.01, math.Sqrt(square), 0.3, "0.1 s · 1 % · √100")
}

// A counter ticks faster under load where it does so.
func TestCounterLoaded(t *testing.T) {
	b := lay(Cold, 2)
	c := newTicker(Counter{Period: 0.1, Loaded: 0.5}, b, b.Rand)
	assert.InDelta(t, 10, c.index(0.95)-c.index(-0.05), 1)
	assert.InDelta(t, 18, c.index(1.95)-c.index(1.05), 1)
}

// A machine shows the newest tick, and a call takes as long as calls do.
func TestMachineReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		m := newMachine(r, []*Board{NewBoard(r), NewBoard(r)}, Counter{Period: 0.1, Gauge: 0.1})
		time.Sleep(time.Second)
		dst := []energy.Reading{{Device: 1}, {Device: 0}}
		m.Read(dst)
		for _, x := range dst {
			require.NoError(t, x.Err)
			assert.Equal(t, m.shown(x.Device).joules, x.Joules)
			assert.InEpsilon(t, m.boards[x.Device].Idle, x.Watts, 1e-9)
			d := x.After.Sub(x.Before)
			assert.True(t, d > 30*time.Microsecond && d < 6*time.Millisecond, d)
		}
		assert.Equal(t, []int{1, 0}, []int{dst[0].Device, dst[1].Device})
	})
}

// The peers fail as it is known of them: two reads are half a tick low at cold edges, and
// interpolation is exact under a steady power.
func TestPeers(t *testing.T) {
	two, between := 0.0, 0.0
	const n = 200
	for k := range uint64(n) {
		b := NewBoard(rand.New(rand.NewPCG(k, 7)))
		b.Idle, b.Busy = 100, 600
		b.Profile = NewProfile(100)
		b.Stretch(2, 1, 600)
		c := newTicker(Usual, b, b.Rand)
		two += (twoReads(c, span{2, 3}) - b.Joules(2, 3)) / n
		c.upTo(9)
		between += math.Abs(interpolated(c, 7.3)-interpolated(c, 5.2)-210) / n
	}
	assert.InDelta(t, -25, two, 5, "−ΔP·T/2")
	assert.Less(t, between, 0.01)
}

// Basic cells hold, seen with few windows.
func TestWorld(t *testing.T) {
	for _, c := range Cells(nil) {
		switch c.Name {
		case "cold/1s/meter", "warm/250ms/count", "decay/10s/meter", "cpu/cold/250ms/meter":
			for _, s := range c.Run(t, 3, 20) {
				assert.Zero(t, s.Failed()&Inside, "%v", s)
				assert.Less(t, s.P95, 2*s.Want.P95, "%v", s)
				assert.GreaterOrEqual(t, s.Windows, 20)
			}
		}
	}
}

// A summary can say no: of numbers that are off, wide, withheld or published at all.
func TestSummaryFails(t *testing.T) {
	number := func(joules, half float64) Outcome {
		return Outcome{Truth: 100, Valid: true, Got: energy.Estimate{Joules: joules, Low: joules - half, High: joules + half}}
	}
	marked := number(150, 1)
	marked.Reasons = []energy.Finding{{Reason: energy.CounterDisagrees}}
	for name, test := range map[string]struct {
		Want
		outcomes []Outcome
		failed   Criteria
	}{
		"good":         {Want{P95: 2, Width: 3}, []Outcome{number(101, 2)}, 0},
		"outside":      {Want{P95: 2}, []Outcome{number(101, 0.5)}, Inside},
		"far":          {Want{P95: 2}, []Outcome{number(103, 5)}, P95},
		"biased":       {Want{P95: 2, Bias: 0.5}, []Outcome{number(101, 2)}, Bias},
		"all withheld": {Want{P95: 2}, []Outcome{{Truth: 100}}, P95},
		"wide":         {Want{P95: 2, Width: 3}, []Outcome{number(101, 4)}, Width},
		"withheld":     {Want{P95: 2, Withheld: 10}, []Outcome{number(101, 2), {Truth: 100}}, Withheld},
		"published":    {Want{Nothing: true}, []Outcome{number(100, 1), {Truth: 100}}, Withheld},
		"nothing":      {Want{Nothing: true}, []Outcome{{Truth: 100}}, 0},
		"marked":       {Want{P95: 2}, []Outcome{marked}, Inside | P95},
		"excused":      {Want{P95: 2, Marks: true}, []Outcome{marked, number(101, 2)}, 0},
		"other part":   {Want{Part: "net", P95: 2}, []Outcome{marked}, P95},
		"bare is fine": {Want{P95: 2}, []Outcome{{Truth: 100, Valid: true, Bare: true, Got: energy.Estimate{Joules: 101}}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := summarise(name, test.Want, test.outcomes)
			assert.Equal(t, test.failed, s.Failed(), "%v", s)
		})
	}
}

// Cells have names of their own, and each has something that it wants.
func TestCells(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cells([]Recorded{fakeRecording()}) {
		assert.False(t, names[c.Name], c.Name)
		assert.NotEmpty(t, c.Wants, c.Name)
		names[c.Name] = true
		for _, w := range c.Wants {
			names[label(c.Name, w.Part)] = true
		}
	}
	for name := range held {
		assert.True(t, names[name], "%s is held, and there is none", name)
	}
}

// Counters that lag are marked, or withheld if they average; usual ones are not.
func TestCountersThatLag(t *testing.T) {
	for _, c := range Cells(nil) {
		switch c.Name {
		case "counter/lag-50ms", "counter/lag-150ms":
			s := c.Run(t, 5, 8)[0]
			assert.GreaterOrEqual(t, s.Reasons[energy.CounterLags], 7, c.Name)
		case "counter/mean-1s/1s", "counter/mean-1s/10s":
			s := c.Run(t, 5, 8)[0]
			assert.GreaterOrEqual(t, s.Reasons[energy.CounterAverages], 7, c.Name)
			assert.GreaterOrEqual(t, s.Withheld, 85.0, c.Name)
		case "cold/1s/meter", "drain/1s/meter", "delay/1s/meter", "llm/1s/meter":
			s := c.Run(t, 5, 8)[0]
			assert.Zero(t, s.Marked, c.Name)
			assert.Zero(t, s.Withheld, c.Name)
		}
	}
}
