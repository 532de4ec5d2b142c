package world

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Server is an [energy.HistorySource]: an exporter collects the counters of a machine at one
// interval, and a monitoring server scrapes the exporter at another and stamps what it got.
type Server struct {
	*Machine
	collect, scrape float64 // intervals in seconds
	collected       float64 // when the exporter collected first
	scraped         float64 // when the server scraped first
	rand            *rand.Rand
}

// newServer puts a server in front of a machine.
func newServer(m *Machine, collect, scrape float64) *Server {
	r := rand.New(rand.NewPCG(m.rand.Uint64(), 3))
	return &Server{m, collect, scrape, collect * r.Float64(), scrape * r.Float64(), r}
}

// Read implements [energy.Source]. The server is asked for the past only.
func (s *Server) Read(dst []energy.Reading) {
	for i := range dst {
		now := time.Now()
		dst[i] = energy.Reading{Device: dst[i].Device, Before: now, After: now, Err: energy.ErrNoAnswer}
	}
}

// ReadRange implements [energy.HistorySource]. A sample can be asked for 50 ms after its
// stamp, which is when its scrape began; the exporter answers within 10 ms.
func (s *Server) ReadRange(ctx context.Context, spans []energy.Span, to []*energy.History) ([]energy.Finding, error) {
	from := spans[0].Start.Sub(s.epoch).Seconds() - 10*s.scrape
	end := spans[len(spans)-1].End.Sub(s.epoch).Seconds()
	k := max(math.Ceil((from-s.scraped)/s.scrape), 0)
	for at := s.scraped + k*s.scrape; at < end+15*s.scrape; at += s.scrape {
		if wait := at + 0.05 - s.now(); wait > 0 {
			time.Sleep(seconds(wait))
		}
		s.sample(at, to)
		if ctx.Err() != nil || at > end && s.settled(spans, to) {
			break
		}
	}
	return nil, nil
}

// sample adds the sample of one scrape to each history.
func (s *Server) sample(at float64, to []*energy.History) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answered := at + between(s.rand, 0.001, 0.01)
	collected := s.collected + s.collect*math.Floor((answered-s.collected)/s.collect)
	stamp := s.time(math.Round(at*1e3) / 1e3)
	for i, h := range to {
		if h == nil {
			continue
		}
		shown := s.tickers[i].at(collected)
		h.Add(energy.Reading{
			Device: i, Before: stamp, After: stamp, Joules: shown.joules, HasJoules: true,
			Watts: shown.watts, HasWatts: s.tickers[i].Gauge > 0,
		})
	}
}

func (s *Server) settled(spans []energy.Span, to []*energy.History) bool {
	for _, h := range to {
		if h != nil && !h.Settled(spans) {
			return false
		}
	}
	return true
}
