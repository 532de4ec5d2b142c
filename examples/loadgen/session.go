package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest"
)

// session is one run of the program: level after level.
type session struct {
	config
	llm    *chat.Client
	meter  *powertest.Meter
	say    func(format string, args ...any) // on standard error
	stdout io.Writer                        // for records
	table  io.Writer

	results []result
	streams uint64 // of prompts, that are used
}

// run measures all levels and writes what it got, also if it stops early: because
// ctx ends, or because a level has no request that succeeds. It returns the exit
// code.
func (s *session) run(ctx context.Context) int {
	code := s.try(ctx)
	for range s.count {
		for _, users := range s.users {
			if code == ok {
				code = s.level(ctx, users)
			}
		}
	}
	if err := s.print(); err != nil {
		s.say("%v", err)
		code = max(code, failed)
	}
	return code
}

// fewTokens are enough to see whether a server answers.
const fewTokens = 8

// try asks the server once: what is wrong with an address or a key is said before
// the first level and not after it.
func (s *session) try(ctx context.Context) int {
	brief := s.config
	brief.maxTokens = min(brief.maxTokens, fewTokens)
	u, err := brief.ask(ctx, s.llm, newPrompts(s.seed, 0, s.prompt).next(), nil)
	s.streams++
	switch {
	case ctx.Err() != nil:
		return interrupted
	case err != nil:
		s.say("the server does not answer: %v", err)
		return failed
	case u.Counted:
		s.say("the server does not say its usage: a chunk is counted as a token, and prompt tokens are not known")
	}
	return ok
}

// level measures one level, and reports it in a line.
func (s *session) level(ctx context.Context, users int) int {
	l := &level{config: s.config, llm: s.llm, users: users, stream: s.streams, tally: newTally(s.slo)}
	s.streams += uint64(users)
	l.load(ctx, func() *powertest.Window { return s.start(users) })
	if l.tally.window == nil {
		return interrupted
	}
	settle, cancel := grace(ctx, settleTime)
	defer cancel()
	report, err := l.tally.window.Stop(settle)
	r := newResult(users, report, l.tally.counts)
	s.results = append(s.results, r)
	s.say("%v", r)
	code := s.judge(ctx, r, err)
	if err := s.save(); err != nil {
		s.say("%v", err)
		code = max(code, failed)
	}
	return code
}

// start begins the window of a level.
func (s *session) start(users int) *powertest.Window {
	var options []powertest.WindowOption
	if s.steady {
		options = append(options, powertest.SteadyState(users))
	}
	w := s.meter.Start(fmt.Sprintf("BenchmarkLoadgen/users=%d", users), options...)
	w.SetConcurrency(users)
	return w
}

// judge says what went wrong with a level, and returns the exit code.
func (s *session) judge(ctx context.Context, r result, err error) int {
	if err != nil {
		s.say("%v", err)
	}
	if s.embedded() && len(s.results) == 1 && r.report.Source != "" && r.report.Source != "simulated" {
		s.say("the embedded server puts no load on the GPUs of the source %q: the energy is not its own\nname a real server, or unset POWERTEST_SOURCE", r.report.Source)
	}
	switch {
	case ctx.Err() != nil:
		return interrupted
	case r.successes == 0:
		s.say("users=%d: no request succeeded: %s", r.users, strings.Join(r.why, "; "))
		return failed
	case errors.Is(err, powertest.ErrWithheld):
		return failed
	}
	return ok
}

// settleTime is how long the source may take to show the end of a window after an
// interrupt.
const settleTime = 3 * time.Second

// grace returns a context that ends some time after another.
func grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if wait.Sleep(later, d) {
			cancel()
		}
	})
	return later, func() { stop(); cancel() }
}
