package powertest

import (
	"fmt"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Steady describes the steady state of a load.
type Steady struct {
	// Batch is what the option said.
	Batch int `json:"batch"`
	// FirstTokens is how many first tokens there were in all.
	FirstTokens int `json:"first_tokens"`
	// Whole is the work of the whole run, and Elapsed of it how long that took.
	Whole Work `json:"whole"`
}

// SteadyState measures the steady state of a load rather than all of it: from the
// batch-th first token of a request to the last but batch-th, as ML.ENERGY does,
// with batch the number of requests that are served at the same time. Until then
// the batch fills, and from then on it drains: both use energy for fewer tokens.
// Say with [Window.FirstToken] when a request has its first token, and add tokens
// as they come: work counts if it is added in the steady state.
func SteadyState(batch int) WindowOption {
	return func(w *Window) { w.steady = &steady{batch: max(batch, 1)} }
}

// steady remembers when the first tokens came, and what had been done by then: of
// those that can be the edges of the steady state.
type steady struct {
	batch int

	mu    sync.Mutex
	ended bool
	count int
	begin mark
	last  []mark // the newest batch+1, in a ring
}

// mark is a first token.
type mark struct {
	at   time.Time
	work Work
}

// FirstToken says that a request has its first token now. It matters to
// [SteadyState] only.
func (w *Window) FirstToken() {
	if w.steady == nil {
		return
	}
	w.steady.add(func() mark {
		return mark{time.Now(), w.work.snapshot()}
	})
}

// add takes in a first token: it is marked under the lock, so they are in order.
func (s *steady) add(now func() mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	m := now()
	if s.count++; s.count == s.batch {
		s.begin = m
	}
	if len(s.last) <= s.batch {
		s.last = append(s.last, m)
	} else {
		s.last[(s.count-1)%len(s.last)] = m
	}
}

// end takes no more first tokens. s may be nil.
func (s *steady) end() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// cut returns the work and the span of the steady state, out of the work of all.
func (s *steady) cut(all Work) (Work, []energy.Span, *Steady, []energy.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := &Steady{Batch: s.batch, FirstTokens: s.count, Whole: all}
	if s.count-s.batch <= s.batch {
		return Work{Users: all.Users}, []energy.Span{}, state, []energy.Finding{{Reason: energy.WindowTooShort, Detail: fmt.Sprintf(
			"there is no steady state: from the %d-th of %d first tokens to the last but %d-th; make more than %d requests", s.batch, s.count, s.batch, 2*s.batch)}}
	}
	end := s.last[s.count%len(s.last)] // the oldest of the newest batch+1
	work := end.work.since(s.begin.work)
	work.Elapsed = end.at.Sub(s.begin.at)
	return work, []energy.Span{{Start: s.begin.at, End: end.at}}, state, nil
}
