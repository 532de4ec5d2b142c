package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest"
)

// level is a load of some users, for some time.
type level struct {
	config
	llm    *chat.Client
	users  int
	stream uint64 // of the prompts of its first user
	tally  *tally
}

// load makes the load, and measures it in a window, which it ends. When ctx ends
// it stops early: the window too, if there is one already.
func (l *level) load(ctx context.Context, start func() *powertest.Window) {
	// Requests go on for as long as the window is open, whatever happens to ctx.
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	asking, over := context.WithCancel(work)
	var users sync.WaitGroup
	for i := range l.users {
		users.Go(func() { l.user(work, asking, uint64(i)) })
	}
	if wait.Sleep(ctx, l.warmup) {
		l.tally.begin(start)
		wait.Sleep(ctx, l.duration)
		l.tally.end()
	}
	over()
	defer context.AfterFunc(ctx, cut)()
	users.Wait()
}

// user asks, reads the answer, and asks again, until asking ends. ctx cuts answers off.
func (l *level) user(ctx, asking context.Context, i uint64) {
	p := newPrompts(l.seed, l.stream+i, l.prompt)
	for refused := backoff(0); asking.Err() == nil; {
		r := l.tally.send()
		u, err := l.ask(ctx, l.llm, p.next(), r.chunk)
		switch {
		case err == nil:
			r.succeed(u)
			refused = 0
		case ctx.Err() != nil:
			r.abandon()
		default:
			r.fail(err)
			wait.Sleep(asking, refused.next())
		}
	}
}

// ask asks once, and waits for no longer than the timeout.
func (c config) ask(ctx context.Context, llm *chat.Client, prompt string, each func()) (chat.Usage, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u, err := llm.Chat(limited, chat.Question{Prompt: prompt, MaxTokens: c.maxTokens}, each)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the answer was not there after -timeout %v: %w", c.timeout, err)
	}
	return u, err
}

// backoff is how long a user waits after a refusal: longer each time.
type backoff time.Duration

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

func (b *backoff) next() time.Duration {
	*b = min(max(2*(*b), backoff(firstBackoff)), backoff(maxBackoff))
	return time.Duration(*b)
}

// words are what prompts are made of: most models have a token for each.
var words = strings.Fields(`the of and to in is that for it as was with be by on
not he this are or his from at which but have an had they you were there one all
we can her has been if more when will would who so no energy power time light
water house river stone wood fire north south green small great long old new`)

// wish asks for an answer that is long enough to be cut by the limit.
var wish = strings.Fields("Tell a very long story with these words.")

// prompts are the prompts of one user: no two are alike, so that a server can't
// answer from its prefix cache.
type prompts struct {
	random *rand.Rand
	length int // in words
}

// newPrompts returns the prompts of a user, a stream of its own for each of them.
func newPrompts(seed uint64, stream uint64, length int) *prompts {
	return &prompts{rand.New(rand.NewPCG(seed, stream)), length}
}

func (p *prompts) next() string {
	list := make([]string, 0, p.length)
	for range p.length {
		list = append(list, words[p.random.IntN(len(words))])
	}
	if n := p.length - len(wish); n > 0 {
		copy(list[n:], wish)
	}
	return strings.Join(list, " ")
}
