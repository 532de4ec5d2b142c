package promsource

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// probes is how many devices are asked for while waiting, where there are
	// many more.
	probes = 16
	few    = 4 * probes
	// maxFetches bounds how often all devices are asked for after the window.
	maxFetches = 16
	// late is by how much samples may reach the server later than their time
	// says, or three scrape intervals if that is more.
	late = 10 * time.Second
	// shortPause is the least time between two questions for new samples, and
	// ingestion the least time after which a sample can be asked for.
	shortPause = 100 * time.Millisecond
	ingestion  = 50 * time.Millisecond
)

// delay is how long after its time a sample can be asked for, as was seen: from some
// milliseconds to seconds, where the server makes samples visible from time to time.
type delay struct{ ns atomic.Int64 }

func (d *delay) get() time.Duration { return max(time.Duration(d.ns.Load()), ingestion) }

// learn takes in that a sample could be asked for when it was so old. awaited says that it
// was asked for before, in vain.
func (d *delay) learn(age time.Duration, awaited bool) {
	known := d.get()
	if awaited {
		known = max(known, (known+min(age, late))/2)
	}
	d.ns.Store(int64(min(known, max(age, ingestion))))
}

// fetchTail fetches what is after the end of the window, when it is there. It
// gives up at the deadline, or when ctx ends: what is missing then, the histories
// show.
func (h *history) fetchTail(ctx context.Context) error {
	// No counter shows two ticks after the end sooner than this.
	end := h.spans[len(h.spans)-1].End
	waiting := h.settled(h.asked) || wait.Sleep(ctx, time.Until(end.Add(h.tempo.period)))
	if ahead := h.probes(); len(ahead) > 0 {
		for waiting && !h.settled(ahead) && time.Now().Before(h.deadline) {
			if err := h.addFresh(ctx, ahead, h.fleet.among(ahead)); err != nil {
				return err
			}
			waiting = h.settled(ahead) || wait.Sleep(ctx, h.pause(ahead))
		}
	}
	for try, vain := 1, 0; ; try++ {
		before := h.newest(h.asked)
		if err := h.addFresh(ctx, h.asked, h.where); err != nil {
			return err
		}
		if vain++; h.newest(h.asked) > before {
			vain = 0
		}
		pause := max(h.pause(h.asked), h.tempo.period/maxFetches*2, shortPause<<min(vain, 4))
		if h.settled(h.asked) || try == maxFetches || !waiting || time.Now().Add(pause).After(h.deadline) {
			return nil
		}
		waiting = wait.Sleep(ctx, pause)
	}
}

// newest returns the time of the newest sample of some devices.
func (h *history) newest(who []int) (at int64) {
	for _, i := range who {
		at = max(at, h.mergers[i].at)
	}
	return at
}

// pause returns how long it takes until those devices have their next sample of
// which more is to be known. Those that are not scraped any more are left out.
func (h *history) pause(who []int) time.Duration {
	now, scrape, delay := h.clock.ToServer(time.Now()), h.tempo.scrape.Milliseconds(), h.delay.get().Milliseconds()
	next := now
	for _, i := range who {
		if at := h.mergers[i].at; at > now-delay-3*scrape && !h.to[i].Settled(h.spans) {
			next = max(next, at+scrape+delay)
		}
	}
	return max(time.Duration(next-now)*time.Millisecond, shortPause)
}

// probes returns a few devices that stand for a fleet, of as many scrape targets
// as may be; none if the devices are few anyway.
func (h *history) probes() []int {
	if len(h.asked) <= few {
		return nil
	}
	var list []int
	for k := range probes {
		if i := h.asked[k*len(h.asked)/probes]; h.fleet.keyNames[i] == h.fleet.keyNames[h.asked[0]] {
			list = append(list, i)
		}
	}
	return list
}

// settled reports whether enough is known of what comes after the window, of all that can
// be known.
func (h *history) settled(who []int) bool {
	return !slices.ContainsFunc(who, func(i int) bool { return !h.to[i].Settled(h.spans) && !h.dead(i) })
}

// dead reports whether a device is not worth waiting for: it is not scraped any more, or its
// counter is at 0, and so counts nothing.
func (h *history) dead(i int) bool {
	m := &h.mergers[i]
	if m.any && m.top == 0 && h.fleet.devices[i].Method == energy.Counter {
		return true
	}
	return time.Since(h.clock.ToLocal(m.at)) > 2*late+3*h.tempo.scrape
}

// addFresh adds what the server has got since the devices were last asked for.
func (h *history) addFresh(ctx context.Context, who []int, where string) error {
	in := stretch{h.tail.to, min(h.tail.to, h.clock.ToServer(time.Now()))}
	for _, i := range who {
		in.from = min(in.from, h.mergers[i].at+1)
	}
	in.from = max(in.from, h.tail.from-max(late, 3*h.tempo.scrape).Milliseconds(), h.head.from)
	if in.from > in.to {
		return nil
	}
	before, asked := h.last, h.clock.ToServer(time.Now())
	err := h.add(ctx, in, where)
	h.last = asked
	if err == nil && asked <= h.tail.to { // else what comes then is not asked for
		for _, i := range who {
			if at := h.mergers[i].at; at >= in.from {
				h.delay.learn(time.Duration(asked-at)*time.Millisecond, at < before)
			}
		}
	}
	return err
}
