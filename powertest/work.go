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

// since returns the work that was done after an earlier state of the same counters.
func (w Work) since(earlier Work) Work {
	w.Ops -= earlier.Ops
	w.Requests -= earlier.Requests
	w.PromptTokens -= earlier.PromptTokens
	w.OutputTokens -= earlier.OutputTokens
	w.Judged -= earlier.Judged
	w.Rejected -= earlier.Rejected
	w.GoodTokens -= earlier.GoodTokens
	w.Latency -= earlier.Latency
	w.Latencies -= earlier.Latencies
	return w
}

// counters count work while it is done. They are the only part of the package
// that runs in every operation.
type counters struct {
	// packed holds few tokens, prompt in the high half and output in the low
	// one: so that a call costs one atomic addition, and not two.
	packed                          atomic.Uint64
	prompt, output, requests, users atomic.Int64

	ops, judged, rejected, good, latency, latencies atomic.Int64 // of loads
}

const (
	// few tokens is what packed takes at a time. Larger and negative numbers
	// go where they have room.
	few = 1 << 16
	// half full is when packed is emptied. Between that and an overflow there is
	// room for 2^15 calls that are under way.
	halfFull = 1<<63 | 1<<31
)

func (c *counters) tokens(prompt, output int) {
	if uint(prompt|output) >= few {
		c.prompt.Add(int64(prompt))
		c.output.Add(int64(output))
	} else if c.packed.Add(uint64(prompt)<<32|uint64(output))&halfFull != 0 {
		c.unpack()
	}
}

// unpack empties packed into the wide counters.
func (c *counters) unpack() {
	v := c.packed.Swap(0)
	c.prompt.Add(int64(v >> 32))
	c.output.Add(int64(v & (1<<32 - 1)))
}

// restart forgets the work so far: it belongs to energy that is forgotten too.
// The number of users is a setting, and stays.
func (c *counters) restart() {
	c.packed.Store(0)
	for _, n := range []*atomic.Int64{&c.prompt, &c.output, &c.requests, &c.ops, &c.judged, &c.rejected, &c.good, &c.latency, &c.latencies} {
		n.Store(0)
	}
}

func (c *counters) snapshot() Work {
	c.unpack()
	return Work{
		Ops:          c.ops.Load(),
		Requests:     c.requests.Load(),
		PromptTokens: c.prompt.Load(),
		OutputTokens: c.output.Load(),
		Judged:       c.judged.Load(),
		Rejected:     c.rejected.Load(),
		GoodTokens:   c.good.Load(),
		Users:        c.users.Load(),
		Latency:      time.Duration(c.latency.Load()),
		Latencies:    c.latencies.Load(),
	}
}
