package main

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/powertest"
)

// tally counts what happens in the window of a level. Energy and work come from
// the same time: a token counts if it comes between begin and end, whenever its
// request was sent.
type tally struct {
	slo objective

	mu     sync.Mutex
	window *powertest.Window // nil before begin
	open   bool
	// What the users wait for, since before the window too.
	prefill, decode stage

	counts
}

// counts are what is known of the requests of a level, those outside of the window
// included.
type counts struct {
	ttft, gaps []time.Duration // of tokens in the window
	successes  int
	failures   int
	why        []string // the first distinct ones
	counted    bool     // the server does not say its usage
}

func newTally(slo objective) *tally {
	return &tally{slo: slo, prefill: stage{name: "prefill"}, decode: stage{name: "decode"}}
}

// stage is a phase that lasts as long as any user is in it.
type stage struct {
	name  string
	users int
	stop  func() // nil while no window is open or no user is in it
}

func (s *stage) enter(w *powertest.Window) {
	if s.users++; s.users == 1 && w != nil {
		s.stop = w.Phase(s.name)
	}
}

func (s *stage) leave() {
	if s.users--; s.users == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// begin opens the window. Users who are in a stage by then are in that phase.
func (t *tally) begin(start func() *powertest.Window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window, t.open = start(), true
	for _, s := range []*stage{&t.prefill, &t.decode} {
		if s.users > 0 {
			s.stop = t.window.Phase(s.name)
		}
	}
}

// end closes the window: from now on nothing counts, not the energy either.
func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window.End()
	t.open = false
}

// live is the window while it is open. The caller holds mu.
func (t *tally) live() *powertest.Window {
	if t.open {
		return t.window
	}
	return nil
}

// request is one request of a user, from when it is sent.
type request struct {
	tally             *tally
	sent, first, last time.Time
	chunks, inside    int  // in all, and in the window
	began             bool // the first one came in the window
}

// send says that a request is sent now.
func (t *tally) send() *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prefill.enter(t.live())
	return &request{tally: t, sent: time.Now()}
}

// chunk says that a chunk of the answer is here. Each counts as one token until
// the server says how many there were.
func (r *request) chunk() {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	now, w := time.Now(), t.live()
	r.chunks++
	if r.chunks == 1 {
		r.first, r.began = now, w != nil
		t.prefill.leave()
		t.decode.enter(w)
	}
	if w != nil {
		if r.chunks == 1 {
			w.FirstToken()
			t.ttft = append(t.ttft, now.Sub(r.sent))
		} else {
			t.gaps = append(t.gaps, now.Sub(r.last))
		}
		r.inside++
		w.AddTokens(0, 1)
	}
	r.last = now
}

// leave leaves the stage that the request is in. The caller holds mu.
func (r *request) leave() {
	if r.chunks == 0 {
		r.tally.prefill.leave()
	} else {
		r.tally.decode.leave()
	}
}

// abandon says that the request was cut off because the level is over, which is no
// failure. Its tokens count.
func (r *request) abandon() {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	r.leave()
}

// maxWhy is how many distinct errors are kept.
const maxWhy = 3

// fail says that the request failed. Its tokens count, but not as good ones.
func (r *request) fail(err error) {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	r.leave()
	t.failures++
	if len(t.why) < maxWhy && !slices.Contains(t.why, err.Error()) {
		t.why = append(t.why, err.Error())
	}
	if t.judges() && (t.open || r.inside > 0) {
		t.window.Reject()
	}
}

// succeed says that the answer is here in full, and what it took. Of that, the
// window gets the share of the chunks that came in it, also after its end.
func (r *request) succeed(u chat.Usage) {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	r.leave()
	t.successes++
	t.counted = t.counted || u.Counted
	if w := t.live(); w != nil {
		w.AddRequests(1)
		w.AddLatency(now.Sub(r.sent))
	}
	if r.inside == 0 {
		return
	}
	output := int(math.Round(float64(u.Completion) * float64(r.inside) / float64(r.chunks)))
	t.window.AddTokens(0, output-r.inside)
	if r.began {
		t.window.AddTokens(u.Prompt, 0)
	}
	switch {
	case !t.judges():
	case r.meets(t.slo, u.Completion):
		t.window.Accept(output)
	default:
		t.window.Reject()
	}
}

func (t *tally) judges() bool { return t.slo != objective{} }

// meets reports whether an answer of so many tokens met the objective.
func (r *request) meets(o objective, tokens int) bool {
	if o.ttft > 0 && r.first.Sub(r.sent) > o.ttft {
		return false
	}
	return o.itl == 0 || tokens < 2 || r.last.Sub(r.first) <= o.itl*time.Duration(tokens-1)
}
