package dcgmsource

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// scouts is how many devices are asked for while waiting, where there are
	// many more.
	scouts = 16
	few    = 4 * scouts
	// maxFetches bounds how often all devices are asked for after the window.
	maxFetches = 10
	// late is by how much samples may reach the server later than their time
	// says, or three scrape intervals if that is more.
	late = 10 * time.Second
)

// fetchTail fetches what is after the end of the window, when it is there. It
// gives up at the deadline, or when ctx ends: what is missing then, the curves
// tell.
func (p *past) fetchTail(ctx context.Context, end time.Time) error {
	// No counter shows two ticks after the end sooner than this.
	waiting := sleep(ctx, time.Until(end.Add(p.period)))
	if ahead := p.scouts(); len(ahead) > 0 {
		for waiting && !p.settled(ahead) && time.Now().Before(p.deadline) {
			if err := p.addFresh(ctx, ahead, p.among(ahead)); err != nil {
				return err
			}
			waiting = p.settled(ahead) || sleep(ctx, p.pause(ahead))
		}
	}
	for try := 1; ; try++ {
		if err := p.addFresh(ctx, p.all()); err != nil {
			return err
		}
		pause := p.pause(p.all()) * time.Duration(4+try) / 5
		if p.settled(p.all()) || try == maxFetches || !waiting || time.Now().Add(pause).After(p.deadline) {
			return nil
		}
		waiting = sleep(ctx, pause)
	}
}

const (
	// shortPause is the least time between two looks for new samples, and
	// ingestion how long after its time a sample can be asked for.
	shortPause = 100 * time.Millisecond
	ingestion  = 50 * time.Millisecond
)

// pause returns how long it takes until those devices have their next sample of
// which more is to be known. Those that are not scraped any more have no say.
func (p *past) pause(who []int) time.Duration {
	now, scrape := p.clock.there(time.Now()), p.scrape.Milliseconds()
	next := now
	for _, i := range who {
		if at := p.mergers[i].at; at > now-3*scrape && !p.curves[i].Settled(p.spans) {
			next = max(next, at+scrape)
		}
	}
	return max(time.Duration(next-now)*time.Millisecond+ingestion, shortPause)
}

func (p *past) all() []int {
	if p.everyone == nil {
		for i := range p.devices {
			p.everyone = append(p.everyone, i)
		}
	}
	return p.everyone
}

// scouts returns a few devices that stand for a fleet, of as many scrape targets
// as may be; none if the devices are few anyway.
func (p *past) scouts() []int {
	if len(p.devices) <= few {
		return nil
	}
	var list []int
	for k := range scouts {
		if i := k * len(p.devices) / scouts; p.uuidLabels[i] == p.uuidLabels[0] {
			list = append(list, i)
		}
	}
	return list
}

// among returns a matcher for the devices.
func (s *PrometheusSource) among(who []int) string {
	uuids := make([]string, len(who))
	for k, i := range who {
		uuids[k] = s.devices[i].UUID
	}
	return s.uuidLabels[who[0]] + "=~" + strconv.Quote(alternatives(uuids))
}

// settled reports whether enough is known of what comes after the window.
func (p *past) settled(who []int) bool {
	for _, i := range who {
		if !p.curves[i].Settled(p.spans) {
			return false
		}
	}
	return true
}

// addFresh adds what the server has got since the devices were last asked for.
func (p *past) addFresh(ctx context.Context, who []int, where ...string) error {
	in := stretch{p.tail.to, min(p.tail.to, p.clock.there(time.Now()))}
	for _, i := range who {
		in.from = min(in.from, p.mergers[i].at+1)
	}
	in.from = max(in.from, p.tail.from-max(late, 3*p.scrape).Milliseconds(), p.head.from)
	if in.from > in.to {
		return nil
	}
	for _, part := range p.chunks(in, chunkSamples) {
		if err := p.add(ctx, part, where...); err != nil {
			return err
		}
	}
	return nil
}

// again asks until there is an answer, as long as that may help.
func (p *past) again(ctx context.Context, ask func(context.Context) error) error {
	pause := 250 * time.Millisecond
	for {
		c, cancel := lastWord(ctx)
		err := ask(c)
		cancel()
		if err == nil || !errors.Is(err, energy.ErrNoAnswer) || time.Now().Add(pause).After(p.deadline) || !sleep(ctx, pause) {
			return err
		}
		pause = min(pause*3/2, 2*time.Second)
	}
}

// grace is how long a query may go on after its context has ended: what there
// is by then is still to be fetched.
const grace = 2 * time.Second

func lastWord(ctx context.Context) (context.Context, context.CancelFunc) {
	c, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return c, func() {
		stop()
		cancel()
	}
}

// sleep reports whether it slept for d, rather than that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
