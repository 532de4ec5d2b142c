package energy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoTicks says that a device did not show the ticks that were waited for.
var ErrNoTicks = errors.New("no ticks seen")

// WaitTicks waits until every device has shown the given number of ticks before
// now, and returns just after a tick: a window that begins then has a known
// power before it and an edge that lies at a tick. Ticks of an earlier window
// count if nothing was missed since. If a device does not tick within a
// bounded time the error wraps [ErrNoTicks]; the window can be used all the
// same. A source that knows the past is not waited for.
func (w *Window) WaitTicks(ctx context.Context, ticks int) error {
	r := w.rec
	r.mu.Lock()
	limit := w.opened
	for _, c := range r.curves {
		limit = max(limit, w.opened+int64(float64(ticks+1)*c.expected())+2*int64(c.device.Lag))
	}
	seen := make([]int, len(r.curves))
	for i, c := range r.curves {
		seen[i] = len(c.ticks)
		c.pace.watch = max(c.pace.watch, ticks)
		if w.watches {
			// What goes on for long is worth learning well at once: passing over
			// ticks from the start it would take many reads of each.
			c.pace.watch = max(c.pace.watch, learning)
		}
	}
	r.mu.Unlock()
	ok := w.wait(ctx, limit, func() bool {
		for i, c := range r.curves {
			if c.device.Method == Gauge {
				if c.power.Known() < w.opened {
					return false
				}
				continue
			}
			// The last tick must be a fresh one: the caller goes on from it.
			if len(c.ticks) <= seen[i] || c.steady(w.opened) < ticks {
				return false
			}
		}
		return true
	})
	if ok {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for ticks before the window: %w", err)
	}
	return fmt.Errorf("%w within %v", ErrNoTicks, time.Duration(limit-w.opened).Round(time.Millisecond))
}

// wait waits until enough holds, the context ends, limit is reached (in ns
// since base), or the source hangs. It reports whether enough holds. enough is
// called with mu held.
func (w *Window) wait(ctx context.Context, limit int64, enough func() bool) bool {
	r := w.rec
	woken := make(chan struct{}, 1)
	r.mu.Lock()
	r.waiters = append(r.waiters, woken)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.waiters = slices.DeleteFunc(r.waiters, func(c chan struct{}) bool { return c == woken })
		r.mu.Unlock()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.mu.Lock()
		ok, now := enough(), r.now()
		w.stalled = w.stalled || r.stalled(now)
		hung, busy := w.stalled, r.busy.Load()
		r.mu.Unlock()
		if ok || hung {
			return ok
		}
		until := limit
		if busy != 0 {
			until = max(limit, busy+int64(hangTime))
		}
		if now >= until || ctx.Err() != nil {
			return false
		}
		timer.Reset(time.Duration(until - now))
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// settle waits for the ticks after the end of the window.
func (w *Window) settle(ctx context.Context) {
	r := w.rec
	r.mu.Lock()
	if len(w.spans) == 0 {
		r.mu.Unlock()
		return
	}
	// What is to come is not waited for.
	end := min(w.spans[len(w.spans)-1].end, r.now())
	limit := end
	for _, c := range r.curves {
		limit = max(limit, end+int64(3.2*c.expected())+2*int64(c.device.Lag))
	}
	r.mu.Unlock()
	w.wait(ctx, limit, func() bool {
		for _, c := range r.curves {
			if !c.settled(w.spans, end) {
				return false
			}
		}
		return true
	})
}
