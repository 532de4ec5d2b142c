package powertest

import (
	"sync/atomic"
	"time"
)

// work is what the energy of a window is divided by. Zero means unknown.
type work struct {
	Ops          int           `json:"ops"`
	Requests     int64         `json:"requests,omitempty"`
	PromptTokens int64         `json:"prompt_tokens,omitempty"`
	OutputTokens int64         `json:"output_tokens,omitempty"`
	Users        int64         `json:"users,omitempty"`
	Elapsed      time.Duration `json:"elapsed_ns"`
}

// counters count work while it is done. They are the only part of the package
// that runs in every operation.
type counters struct {
	// packed holds few tokens, prompt in the high half and output in the low
	// one: so that a call costs one atomic addition, and not two.
	packed                          atomic.Uint64
	prompt, output, requests, users atomic.Int64
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
	c.prompt.Store(0)
	c.output.Store(0)
	c.requests.Store(0)
}

func (c *counters) snapshot(ops int, elapsed time.Duration) work {
	c.unpack()
	return work{
		Ops:          ops,
		Requests:     c.requests.Load(),
		PromptTokens: c.prompt.Load(),
		OutputTokens: c.output.Load(),
		Users:        c.users.Load(),
		Elapsed:      elapsed,
	}
}

// AddTokens adds prompt (input) and output (completion) tokens to the work done.
// The metrics per token count output tokens; prompt tokens are kept in traces.
// It may be called from any goroutine and does not allocate.
func (b *B) AddTokens(prompt, output int) { b.work.tokens(prompt, output) }

// AddRequests adds requests to the work done, for J/req: an operation may serve
// several. It may be called from any goroutine and does not allocate.
func (b *B) AddRequests(n int) { b.work.requests.Add(int64(n)) }

// SetConcurrency says how many users are served at the same time, for J/user. It
// may be called from any goroutine, and the last call counts. [B.ResetTimer]
// does not forget it.
func (b *B) SetConcurrency(n int) { b.work.users.Store(int64(n)) }
