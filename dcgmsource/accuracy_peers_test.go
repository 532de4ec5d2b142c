package dcgmsource_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// slow is a network in which a request takes 5 to 100 ms, shared between the two
// ways at random.
type slow struct {
	next http.RoundTripper

	mu  sync.Mutex
	rng *rand.Rand
}

func (s *slow) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	forth := s.rng.Float64()
	latency := seconds(loguniform(s.rng, 0.005, 0.1))
	s.mu.Unlock()
	wait := seconds(forth * latency.Seconds())
	if err := pause(req.Context(), wait); err != nil {
		return nil, err
	}
	resp, err := s.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := pause(req.Context(), latency-wait); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// scraper is what aiperf does: it scrapes every 333 ms. Its energy is from the
// last scrape before the start to the first after the end and 666 ms of grace.
// Its scrapes take no time.
type scraper struct {
	mu    sync.Mutex
	times []time.Time
	shown []float64
}

const scrapeEvery = 333 * time.Millisecond

// scrape scrapes until the context ends.
func (x *trial) scrape(ctx context.Context) *scraper {
	s := &scraper{}
	phase := seconds(uniform(x.rng, 0, scrapeEvery.Seconds()))
	s.add(x.read())
	go func() {
		if pause(ctx, phase) != nil {
			return
		}
		for {
			s.add(x.read())
			if pause(ctx, scrapeEvery) != nil {
				return
			}
		}
	}()
	return s
}

func (s *scraper) add(joules float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times, s.shown = append(s.times, time.Now()), append(s.shown, joules)
}

// latest returns what the last scrape showed.
func (s *scraper) latest() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown[len(s.shown)-1]
}

// after returns what the first scrape after t showed.
func (s *scraper) after(t time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, at := range s.times {
		if at.After(t) {
			return s.shown[i]
		}
	}
	return s.shown[len(s.shown)-1]
}
