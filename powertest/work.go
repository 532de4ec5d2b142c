package powertest

import (
	"sync/atomic"
	"time"
)

// Work is what the energy of a window is divided by. Zero means unknown, except
// for GoodTokens.
type Work struct {
	// Ops are operations: iterations of a benchmark, requests of a load.
	Ops int64 `json:"ops,omitempty"`
	// Requests are the requests that were served.
	Requests int64 `json:"requests,omitempty"`
	// PromptTokens and OutputTokens are what was read and what was written.
	PromptTokens int64 `json:"prompt_tokens,omitempty"`
	OutputTokens int64 `json:"output_tokens,omitempty"`
	// Judged are the requests that were held to a service level objective, and
	// Rejected those of them that missed it.
	Judged   int64 `json:"judged,omitempty"`
	Rejected int64 `json:"rejected,omitempty"`
	// GoodTokens are the output tokens of requests that met it. It is known where
	// requests were judged, and may be 0 then.
	GoodTokens int64 `json:"good_tokens,omitempty"`
	// Users is how many were served at the same time.
	Users int64 `json:"users,omitempty"`
	// Latency is the sum of the latencies of as many requests as Latencies says.
	Latency   time.Duration `json:"latency_ns,omitempty"`
	Latencies int64         `json:"latencies,omitempty"`
	// Elapsed is how long the work took.
	Elapsed time.Duration `json:"elapsed_ns"`
}

// since returns the work that was done after an earlier state of the same counters. What is
// unknown by now stays so.
func (w Work) since(earlier Work) Work {
	for _, n := range []struct {
		now    *int64
		before int64
	}{
		{&w.Ops, earlier.Ops}, {&w.Requests, earlier.Requests}, {&w.PromptTokens, earlier.PromptTokens}, {&w.OutputTokens, earlier.OutputTokens},
		{&w.Judged, earlier.Judged}, {&w.Rejected, earlier.Rejected}, {&w.GoodTokens, earlier.GoodTokens},
		{(*int64)(&w.Latency), int64(earlier.Latency)}, {&w.Latencies, earlier.Latencies},
	} {
		*n.now = max(*n.now-n.before, 0)
	}
	return w
}

// tally is a sum of counts. One that cannot be (a negative count, a sum beyond 2⁶³) makes it
// unknown: what was added rightly is then not all, and a number by it would be wrong.
type tally struct {
	sum    atomic.Int64
	spoilt atomic.Bool
}

// add adds a count, and reports whether it can be one.
func (t *tally) add(n int64) bool {
	if n >= 0 && t.sum.Add(n) >= 0 {
		return true
	}
	t.spoilt.Store(true)
	return false
}

// load returns the sum, and 0 if it is unknown.
func (t *tally) load() int64 {
	if t.spoilt.Load() {
		return 0
	}
	return t.sum.Load()
}

func (t *tally) restart() {
	t.sum.Store(0)
	t.spoilt.Store(false)
}

// counters count work while it is done. They are the only part of the package
// that runs in every operation.
type counters struct {
	// packed holds few tokens, prompt in the high half and output in the low
	// one: so that a call costs one atomic addition, and not two.
	packed                   atomic.Uint64
	prompt, output, requests tally
	users                    atomic.Int64

	ops, judged, rejected, good, latency, latencies tally // of loads
}

const (
	// few tokens is what packed takes at a time. Larger and negative numbers
	// go where they have room.
	few = 1 << 16
	// half full is when packed is emptied. Between that and an overflow there is
	// room for 2^15 calls that are under way.
	halfFull = 1<<63 | 1<<31
)

// tokens adds tokens, and reports whether these numbers can be some.
func (c *counters) tokens(prompt, output int) bool {
	if uint(prompt|output) >= few {
		p, o := c.prompt.add(int64(prompt)), c.output.add(int64(output))
		return p && o
	}
	if c.packed.Add(uint64(prompt)<<32|uint64(output))&halfFull != 0 {
		c.unpack()
	}
	return true
}

// unpack empties packed into the wide counters.
func (c *counters) unpack() {
	v := c.packed.Swap(0)
	c.prompt.add(int64(v >> 32))
	c.output.add(int64(v & (1<<32 - 1)))
}

// restart forgets the work so far: it belongs to energy that is forgotten too.
// The number of users is a setting, and stays.
func (c *counters) restart() {
	c.packed.Store(0)
	for _, n := range []*tally{&c.prompt, &c.output, &c.requests, &c.ops, &c.judged, &c.rejected, &c.good, &c.latency, &c.latencies} {
		n.restart()
	}
}

func (c *counters) snapshot() Work {
	c.unpack()
	w := Work{
		Ops:          c.ops.load(),
		Requests:     c.requests.load(),
		PromptTokens: c.prompt.load(),
		OutputTokens: c.output.load(),
		Users:        c.users.Load(),
		Latency:      time.Duration(c.latency.load()),
		Latencies:    c.latencies.load(),
	}
	if !c.good.spoilt.Load() { // else nothing is known of objectives
		w.Judged, w.Rejected, w.GoodTokens = c.judged.load(), c.rejected.load(), c.good.load()
	}
	return w
}
