// Package poll asks servers for readings in the background, each by one request at a time,
// so that one that is slow holds up no other.
package poll

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Answer is what came of one request: between which times, and why nothing did.
type Answer struct {
	Before, After time.Time
	Err           error
}

// Poller asks one server again and again, one request at a time. Its fields are those of
// the goroutine that calls [Polling.Read].
type Poller struct {
	name string
	// ask makes a request. What it writes belongs to it until its answer has arrived.
	ask func(ctx context.Context) Answer
	// newest is the answer to the read that asked last, if it has arrived.
	newest  Answer
	arrived bool

	answers  chan Answer
	underWay bool
	asked    uint64 // the read that asked last
}

// New returns a poller that makes requests by ask: what that writes belongs to it from when
// it is called until a read has got its answer. name says in errors who is asked.
func New(name string, ask func(ctx context.Context) Answer) *Poller {
	return &Poller{name: name, ask: ask, answers: make(chan Answer, 1)}
}

// Newest returns the answer to the read that asked last. There is none, and it is late, if
// that has not arrived yet: its error says so.
func (p *Poller) Newest() (a Answer, late bool) {
	if !p.arrived {
		now := time.Now()
		return Answer{now, now, fmt.Errorf("%s: %w yet, which is used when it comes: %w", p.name, energy.ErrNoAnswer, os.ErrDeadlineExceeded)}, true
	}
	return p.newest, false
}

// Fill fills in the times of a reading, and why there is no value. It reports whether there
// may be one: whether the server has answered well since it was asked last. after is the
// time after the device's reading before.
func (p *Poller) Fill(r *energy.Reading, after *time.Time) bool {
	a, _ := p.Newest()
	*r = energy.Reading{Device: r.Device, Before: a.Before, After: a.After, Err: a.Err}
	if r.After.Before(*after) {
		r.After = *after // the answer waited until the reading before had been made
	}
	*after = r.After
	return r.Err == nil
}

// Polling is requests in the background. One that takes longer than a reader waits goes on,
// and the first read after its answer has come gets it, with the times of the request.
type Polling struct {
	name    string
	wait    time.Duration
	reads   uint64
	waiting []*Poller

	ctx      context.Context
	cancel   context.CancelFunc
	mu       sync.Mutex // guards that no request begins after ctx has ended
	requests sync.WaitGroup
}

// Start returns one whose reads wait so long for answers. name says in errors whose it is.
func Start(name string, wait time.Duration) *Polling {
	p := &Polling{name: name, wait: wait}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Read asks the pollers of the readings' devices, other than those whose request is under way,
// and waits. Then it calls fill for each reading; if the polling is closed, it fills them in
// with an error itself.
func (p *Polling) Read(dst []energy.Reading, of func(device int) []*Poller, fill func(r *energy.Reading)) {
	if len(dst) == 0 {
		return
	}
	p.reads++
	p.waiting = p.waiting[:0]
	for i := range dst {
		for _, x := range of(dst[i].Device) {
			if x.asked == p.reads {
				continue
			}
			x.asked, x.arrived = p.reads, false
			if x.underWay = x.underWay || p.start(x); x.underWay {
				p.waiting = append(p.waiting, x)
			}
		}
	}
	p.await()
	closed := p.ctx.Err() != nil
	for i := range dst {
		if !closed {
			fill(&dst[i])
			continue
		}
		now := time.Now()
		dst[i] = energy.Reading{Device: dst[i].Device, Before: now, After: now, Err: fmt.Errorf("%s: the source is closed: %w", p.name, fs.ErrClosed)}
	}
}

// start makes a request in the background, and reports whether it did.
func (p *Polling) start(x *Poller) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.requests.Go(func() { x.answers <- x.ask(p.ctx) })
	return true
}

// await waits for the answers.
func (p *Polling) await() {
	ctx, cancel := context.WithTimeout(p.ctx, p.wait)
	defer cancel()
	for _, x := range p.waiting {
		select {
		case a := <-x.answers:
			x.arrive(a)
			continue
		case <-ctx.Done():
		}
		select { // what came in time, though another was late
		case a := <-x.answers:
			x.arrive(a)
		default:
		}
	}
}

func (p *Poller) arrive(a Answer) { p.newest, p.arrived, p.underWay = a, true, false }

// Close ends the requests that are under way. It is idempotent.
func (p *Polling) Close() {
	p.mu.Lock()
	p.cancel()
	p.mu.Unlock()
	p.requests.Wait()
}
