package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/powertest"
)

// level is a load of some users, for some time.
type level struct {
	config
	llm    *chat.Client
	users  int
	stream uint64 // of the prompts of its first user
	tally  *tally
	over   chan struct{} // closed when nobody is to ask any more
}

// load makes the load, and measures it in a window, which it ends. When ctx ends
// it stops early: the window too, if there is one already.
func (l *level) load(ctx context.Context, start func() *powertest.Window) {
	// Requests go on for as long as the window is open, whatever happens to ctx.
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var users sync.WaitGroup
	for i := range l.users {
		users.Go(func() { l.user(work, uint64(i)) })
	}
	if pause(ctx, l.warmup) {
		l.tally.begin(start)
		pause(ctx, l.duration)
		l.tally.end()
	}
	close(l.over)
	defer context.AfterFunc(ctx, cut)()
	users.Wait()
}

// user asks, reads the answer, and asks again.
func (l *level) user(ctx context.Context, i uint64) {
	p := newPrompts(l.seed, l.stream+i, l.prompt)
	for refused := backoff(0); !l.isOver(); {
		r := l.tally.send()
		u, err := l.ask(ctx, p.next(), r.chunk)
		switch {
		case err == nil:
			r.succeed(u)
			refused = 0
		case ctx.Err() != nil:
			r.abandon()
		default:
			r.fail(err)
			l.wait(refused.next())
		}
	}
}

// ask asks once, and waits for no longer than the timeout.
func (l *level) ask(ctx context.Context, prompt string, each func()) (chat.Usage, error) {
	return ask(ctx, l.llm, l.config, prompt, each)
}

func ask(ctx context.Context, llm *chat.Client, c config, prompt string, each func()) (chat.Usage, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u, err := llm.Chat(limited, chat.Question{Prompt: prompt, MaxTokens: c.maxTokens}, each)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the answer was not there after -timeout %v: %w", c.timeout, err)
	}
	return u, err
}

func (l *level) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// wait waits until the time or the level is over.
func (l *level) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-l.over:
	}
}

// backoff is how long a user waits who was refused: longer each time.
type backoff time.Duration

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

func (b *backoff) next() time.Duration {
	*b = min(max(2*(*b), backoff(firstBackoff)), backoff(maxBackoff))
	return time.Duration(*b)
}

// pause waits, and reports whether it did so to the end: ctx may end first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
