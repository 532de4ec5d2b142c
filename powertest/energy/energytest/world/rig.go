package world

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Rig is one trial: a machine under load, a recorder that measures it, and what came of it.
type Rig struct {
	*Machine
	Recorder *energy.Recorder
	Rand     *rand.Rand

	loads     []func(from, length float64)
	lead, lag float64 // of the load, on the edges of the windows; see Cell

	outcomes []Outcome // under mu of the machine
}

// Outcome is one number of one window beside its truth.
type Outcome struct {
	Part  string  // what it is of: "" for a window, or "prefill", "idle-W", ...
	Truth float64 // joules, or watts for idle-W
	Got   energy.Estimate
	// Valid says whether a number was published, and Reasons what was said of it.
	Valid   bool
	Reasons []energy.Finding
	// Bare numbers have no interval.
	Bare bool
	// Peers are what the peers got of the same window, in their order; nil if they
	// were not asked.
	Peers []float64

	spans []span
}

// newRig begins a trial of a cell now. All its devices work in lock-step: they differ in
// their power by a few percent, and in when their counters tick.
func newRig(c Cell, r *rand.Rand) *Rig {
	rig := &Rig{Rand: r, lead: between(r, c.Lead[0], c.Lead[1]), lag: between(r, c.Lag[0], c.Lag[1])}
	seed, boards := r.Uint64(), []*Board(nil)
	for range max(c.Devices, 1) {
		b := NewBoard(rand.New(rand.NewPCG(seed, 1)))
		b.Busy *= between(r, 0.97, 1.03)
		boards = append(boards, b)
		rig.loads = append(rig.loads, c.Load(b, c.horizon()))
	}
	counter := c.Counter
	if c.Vary != nil {
		c.Vary(r, &counter)
	}
	rig.Machine = newMachine(rand.New(rand.NewPCG(r.Uint64(), 2)), boards, counter)
	rig.Recorder = energy.NewRecorder(rig.Machine)
	return rig
}

// work begins work on all devices.
func (rig *Rig) work(from, length float64) {
	rig.mu.Lock()
	defer rig.mu.Unlock()
	for _, load := range rig.loads {
		load(from, length)
	}
}

// stretch is work at a share of the boards' power, whatever the load is.
func (rig *Rig) stretch(from, length, share float64) {
	rig.mu.Lock()
	defer rig.mu.Unlock()
	for _, b := range rig.boards {
		b.Stretch(from, length, share*b.Busy)
	}
}

// sleep passes time.
func (rig *Rig) sleep(s float64) { time.Sleep(seconds(max(s, 0))) }

// wobble draws how far one edge is from where its kind lies in this trial.
func (rig *Rig) wobble() float64 { return 0.001 * rig.Rand.NormFloat64() }

// loaded runs the load for a time, as far as the harness knows, and what is to be done at
// the edges. The load itself begins lead before, and ends lag after them.
func (rig *Rig) loaded(length float64, begin, end func()) span {
	lead, lag := rig.lead, rig.lag
	if lead != 0 {
		lead += rig.wobble()
	}
	if lag != 0 {
		lag += rig.wobble()
	}
	start := rig.now() + max(lead, 0)
	rig.work(start-lead, max(lead+length+lag, 0.002))
	rig.sleep(start - rig.now())
	s := span{from: rig.now()}
	begin()
	rig.sleep(length)
	end()
	s.to = rig.now()
	return s
}

// note adds the outcome of a measured window.
func (rig *Rig) note(part string, m energy.Measurement, spans ...span) {
	rig.add(Outcome{
		Part: part, Truth: rig.joules(spans), Got: m.Energy,
		Valid: m.Valid, Reasons: m.Reasons, spans: spans,
	})
}

func (rig *Rig) add(o Outcome) {
	rig.mu.Lock()
	defer rig.mu.Unlock()
	rig.outcomes = append(rig.outcomes, o)
}

// measure waits for what a window needs, for a minute at most.
func measure(w *energy.Window) energy.Measurement {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return w.Measure(ctx)
}

// finish asks the peers, when everything of the trial is known.
func (rig *Rig) finish() []Outcome {
	for i := range rig.outcomes {
		if o := &rig.outcomes[i]; o.spans != nil {
			o.Peers = rig.peers(o.spans)
		}
	}
	return rig.outcomes
}
